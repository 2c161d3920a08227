"""Audits a training with each fault of programs/resume_faults.py: where it was seen, how it was named, and its graft.

    python benchmarks/resume_faults.py [NAME ...]

The graft is the smallest set of parts with which the resumed run equals the uninterrupted one, as experiments showed.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "resume_faults.py"
# fault -> (rows of docs/explanation/resume-faults.md, options of the audit, a word that must be in what is named)
FAULTS = {
    "": ("", "--at 12,16", ""),
    "gradients-kept": ("", "--at 6", ""),
    "patience-kept": ("", "--at 12", ""),
    "torch-generator": ("1", "--at 12", "generator torch"),
    "python-generator": ("3", "--at 12", "generator python"),
    "numpy-generator": ("3", "--at 12", "generator numpy"),
    "own-generator": ("4", "--at 12", "noise"),
    "restored-too-early": ("5", "--at 12", "2 draws of 32 bits"),
    "seeded-again": ("6", "--at 12", "generator torch"),
    "all-but-weights": ("7", "--at 12", "absent"),
    "sampler-epoch": ("8", "--at 12", "first batch"),
    "position": ("9", "--at 12", "epoch begins again"),
    "epoch-off-by-one": ("10", "--at 16", "first batch"),
    "prefetch": ("11", "--at 12", "off by one"),
    "workers": ("12", "--at 12", "augmentation"),
    "moments": ("14", "--at 12", "moments of the optimizer are absent"),
    "moments-dtype": ("15", "--at 12", "dtype"),
    "master-weights": ("16", "--at 12", "weights"),
    "moments-of-neighbour": ("17", "--at 12", "different parameters"),
    "step-counter": ("18", "--at 12", "step counters"),
    "schedule": ("19", "--at 12", "learning rate"),
    "schedule-length": ("19", "--at 12", "step_size"),
    "scaler": ("20", "--at 12", "gradient scaler"),
    "average": ("21", "--at 12", "average"),
    "average-is-raw": ("21", "--at 12", "equals the raw weights"),
    "gradients": ("22", "--at 6", "accumulated"),
    "patience": ("23", "--at 12", "waited"),
    "replay-buffer": ("24", "--at 12", "buffer"),
    "two-moments": ("25", "--at 12", "stood"),
    "old-model-in-loss": ("26", "--at 12", "one more model"),
    "average-at-save": ("27", "--at 12 --without-saving", "Saving changes"),
    "nothing": ("R5", "--at 12", "step 0"),
}


# the uninterrupted run of these faults is a different one
OWN = ("", "gradients", "gradients-kept", "patience", "patience-kept", "workers", "master-weights", "average-at-save")


def audited(fault: str, options: str, folder: Path) -> dict:
    """Return the JSON of an audit. Faults that change only what is saved or restored share their uninterrupted run."""
    command = [sys.executable, str(PROGRAM), "--out", "{out}", "--forget", fault]
    unsaved = [shlex.join([*command, "--no-save"])] if "--without-saving" in options else []
    words = ["audit", *options.split(), *unsaved, "--json", "result.json", "--out", fault or "none"]
    words += ["--", *command] if fault in OWN else ["--resume", shlex.join(command), "none"]
    subprocess.run([sys.executable, "-m", "samebits", *words], cwd=folder, capture_output=True, check=False)
    return json.loads((folder / "result.json").read_text())


def row(fault: str, rows: str, found: dict, word: str) -> str:
    """Return a row of the table."""
    bad = next((one for one in found["moments"] if one["verdict"] == "diverged"), None)
    where = (bad or {}).get("divergence") or {}
    first = f"step {where['after']} after the resume, {where['kind']}" if where else "-"
    named = " ".join(bad["named"] if bad else [found["sentence"]])
    text = f"{found['sentence']} {named}"
    is_right = found["verdict"] == ("diverged" if rows else "repeated") and word in text
    graft = grafted(bad) if bad else "-"
    right = "yes" if is_right else "NO"
    return f"| {rows} | {fault or '(none)'} | {found['verdict']} | {first} | {named} | {graft} | {right} |"


def grafted(bad: dict) -> str:
    """Return the smallest set that an experiment confirmed, or why there is none."""
    graft = bad["graft"] or {"parts": [], "tried": []}
    if graft["parts"]:
        return ", ".join(graft["parts"]) + ("" if graft["is_smallest"] else " (perhaps fewer)")
    unable = [part for part in graft.get("unable", []) if part in bad["forgotten"]]
    return f"cannot be put in: {', '.join(unable)}" if unable else "not enough" if graft["tried"] else "-"


def main() -> None:
    """Print a row for each fault."""
    print("| row | forgotten | answer | first seen at | named | graft | right |", flush=True)
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for fault in dict.fromkeys(["", *(sys.argv[1:] or FAULTS)]):
            rows, options, word = FAULTS[fault]
            print(row(fault, rows, audited(fault, options, Path(folder)), word), flush=True)


if __name__ == "__main__":
    main()
