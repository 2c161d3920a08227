"""What samebits answers on everyday programs: 60 whose models repeat, and 40 whose steps agree but one result differs.

    python benchmarks/everyday.py [--samebits PROGRAM ...] [--only NAME ...] [--trials 5] [--python PYTHON]
                                  [--out FILE.json] [--resume] [--reports DIR] [--records DIR] [--again]
                                  [--minutes M] [--plain]

The programs stand in `everyday/repeats` and `everyday/differs`. The first line of each says what is ordinary in it, or
which result differs. Each check starts in a folder that holds nothing but the program, as train.py. `--samebits`: the
versions, one column each (`samebits` of this Python). `--out` gets a row after each check; with `--resume`, the rows
that it has are not run again. `--reports`: a folder for what samebits printed. `--records`: a folder for the records;
with `--again`, nothing is trained, and the records are judged again. `--minutes`: start no check after that.
`--python` runs the programs; it needs pandas, tensorboard, tensorboardX, optuna, lightning and loguru beside what the
tests need. `--plain` asks no samebits: it runs each program twice and says whether the models have the same bits, and
what the named result was, so that the table's truth is known by other means. PYTHONUNBUFFERED is unset for the
programs: with it, lines that threads print at the same time run into each other.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent / "everyday"
TRUTHS = {"repeats": "repeated", "differs": "not repeated"}
GOALS = "goals: false `repeated` 0 of 40; needless `inconclusive` at most 2 of 60"
SECONDS = 1800  # the most for one check
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def programs(only):
    """(truth, path) of the programs, those that repeat first."""
    every = [(truth, path) for truth in TRUTHS for path in sorted((HERE / truth).glob("*.py"))]
    return [(truth, path) for truth, path in every if not only or path.stem in only]


def about(path):
    """The first line of a program."""
    return path.read_text().splitlines()[0].strip('"').rstrip(".")


def fresh_folder(path, folder):
    """Put the program into a folder of its own; the name of that folder."""
    work = Path(folder) / "work"
    work.mkdir()
    (work / "train.py").write_text(path.read_text())
    return work


def checked(samebits, path, args):
    """(the JSON result, what was printed, the exit status, seconds) of one check."""
    with tempfile.TemporaryDirectory(prefix="everyday-") as folder:
        work, result = fresh_folder(path, folder), Path(folder) / "result.json"
        command = [samebits, *request(path, args, result)]
        began = time.monotonic()
        try:
            done = subprocess.run(
                command,
                cwd=work,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            status, printed = done.returncode, done.stdout + "\n--- stderr\n" + done.stderr
        except subprocess.TimeoutExpired:
            status, printed = None, "no answer in time"
        seconds = time.monotonic() - began
        return json.loads(result.read_text()) if result.is_file() else {}, printed, status, seconds


def request(path, args, result):
    """The words of the command: a check, or a report on the record of one."""
    record = str((args.records / path.stem).resolve()) if args.records else ""
    if args.again:
        return ["report", "--json", str(result), record]
    kept = ["--out", record, "--overwrite"] if record else []
    return ["check", "-n", str(args.trials), "--json", str(result), *kept, "--", args.python, "train.py"]


def row_of(samebits, truth, path, args):
    """Check one program; what the table needs of the result."""
    result, printed, status, seconds = checked(samebits, path, args)
    if args.reports:
        args.reports.mkdir(parents=True, exist_ok=True)
        (args.reports / f"{path.stem}.txt").write_text(printed)
    verdict = result.get("verdict") or f"exit {status}"
    return {
        "program": path.stem, "truth": truth, "samebits": samebits, "verdict": verdict, "wrong": fault(truth, verdict),
        "trials": len(result.get("trials", [])), "seconds": round(seconds, 1), "sentence": result.get("sentence"),
        "reason": result.get("reason"), "advice": result.get("advice"), "warnings": result.get("warnings", []),
    }  # fmt: skip


def fault(truth, verdict):
    """What is wrong with a verdict; an empty text if nothing is."""
    if truth == "differs":
        return "false repeated" if verdict == "repeated" else ""
    return {"repeated": "", "inconclusive": "needless inconclusive"}.get(verdict, f"false {verdict}")


class Rows:
    """The rows so far, kept in a file after each check."""

    def __init__(self, path, resume):
        self.path = path
        self.rows = json.loads(path.read_text()) if path and resume and path.is_file() else []

    def find(self, samebits, name):
        return next((row for row in self.rows if (row["samebits"], row["program"]) == (samebits, name)), None)

    def add(self, row):
        self.rows.append(row)
        if self.path:
            self.path.write_text(json.dumps(self.rows, indent=1))


def cell(row):
    """One answer in the table."""
    if row is None:
        return "-"
    marked = f"**{row['verdict']}**" if row["wrong"] else row["verdict"]
    return f"{marked} ({row['trials']})"


def table(rows, args):
    """The table as Markdown; in brackets the number of trials."""
    names = [f"[{number}]" for number, _ in enumerate(args.samebits, 1)]
    yield from (f"{name} {samebits}" for name, samebits in zip(names, args.samebits, strict=True))
    yield ""
    yield "| program | what is ordinary in it, or which result differs | truth | " + " | ".join([*names, "why"]) + " |"
    yield "|---|---|---|" + "---|" * (len(names) + 1)
    for truth, path in programs(args.only):
        answers = [rows.find(samebits, path.stem) for samebits in args.samebits]
        lines = [(row["reason"] or row["sentence"] or "").splitlines() for row in answers if row and row["wrong"]]
        why = "; ".join(line[0].replace("|", "\\|") for line in lines if line)
        yield f"| {path.stem} | {about(path)} | {TRUTHS[truth]} | {' | '.join(map(cell, answers))} | {why} |"


def counts(rows, args):
    """For each samebits, how many answers are wrong, and in which way."""
    for number, samebits in enumerate(args.samebits, 1):
        answers = [row for _, path in programs(args.only) if (row := rows.find(samebits, path.stem))]
        wrong = Counter(row["wrong"] for row in answers if row["wrong"])
        of = Counter(row["truth"] for row in answers)
        false, needless = wrong.pop("false repeated", 0), wrong.pop("needless inconclusive", 0)
        yield (
            f"[{number}] false `repeated`: {false} of {of['differs']}; "
            f"needless `inconclusive`: {needless} of {of['repeats']}; {sum(row['trials'] for row in answers)} trials, "
            f"{sum(row['seconds'] for row in answers):.0f} s"
            + "".join(f"; {kind}: {count}" for kind, count in wrong.items())
        )


# Runs train.py, and prints a hash of each model that is left in its module, and the values that its first line names.
PLAIN = """
import contextlib, hashlib, json, runpy, sys
def bits(value):
    kind = {base.__module__.split(".")[0] + "." + base.__name__ for base in type(value).__mro__}
    if "torch.Module" in kind and hasattr(value, "state_dict"):
        return [(name, part.cpu().numpy().tobytes()) for name, part in value.state_dict().items()]
    if "sklearn.BaseEstimator" in kind:
        import joblib
        fitted = getattr(value, "best_estimator_", value)
        return joblib.hash({name: part for name, part in vars(fitted).items() if name != "_stop_words_id"})  # id(...)
    if "lightgbm.Booster" in kind:
        return value.model_to_string()
    if "xgboost.Booster" in kind:
        return bytes(value.save_raw())
    if "keras.Model" in kind:
        return [part.tobytes() for part in value.get_weights()]
    if isinstance(value, dict) and value and all(hasattr(part, "addressable_shards") for part in value.values()):
        import numpy
        return [numpy.asarray(part).tobytes() for part in value.values()]
sys.argv = ["train.py"]
with contextlib.redirect_stdout(sys.stderr):
    left = runpy.run_path("train.py", run_name="__main__")
models = {name: hashlib.sha256(repr(found).encode()).hexdigest()[:12] for name, value in left.items()
          if not isinstance(value, type) and (found := bits(value)) is not None}
print(json.dumps({"models": models, "results": {name: repr(left[name]) for name in NAMES}}))
"""


def plain(path, python):
    """The models and the named results of one run without samebits."""
    names = re.findall(r"`(\w+)`", about(path)) if path.parent.name == "differs" else []
    with tempfile.TemporaryDirectory(prefix="everyday-") as folder:
        code = PLAIN.replace("NAMES", repr(names))
        work = fresh_folder(path, folder)
        done = subprocess.run([python, "-c", code], cwd=work, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode:
            raise SystemExit(f"{path.stem} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


def show_truth(args):
    """Run each program twice without samebits, and say what agreed; whether all is as its folder says."""
    good = True
    for truth, path in programs(args.only):
        first, second = (plain(path, args.python) for _ in range(2))
        same_models = first["models"] == second["models"]
        differ = [name for name, value in first["results"].items() if second["results"][name] != value]
        right = same_models and (truth == "repeats" or len(differ) == len(first["results"]) > 0)
        good = good and right
        models = ", ".join(f"{name} {value}" for name, value in first["models"].items()) or "no model in this process"
        values = "; ".join(f"{name}: {first['results'][name]} {second['results'][name]}"[:120] for name in differ)
        same = "same" if same_models else "DIFFER"
        print(f"{'' if right else 'WRONG '}{truth} {path.stem}: {models} {same}; {values}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samebits", nargs="+", default=[str(Path(sys.executable).parent / "samebits")])
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--reports", type=Path)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    if args.plain:
        return 0 if show_truth(args) else 1
    rows, end = Rows(args.out, args.resume), time.monotonic() + 60 * args.minutes
    for truth, path in programs(args.only):
        for samebits in args.samebits:
            if time.monotonic() < end and not rows.find(samebits, path.stem):
                rows.add(row_of(samebits, truth, path, args))
                row = rows.rows[-1]
                print(f"{path.stem}: {cell(row)} {row['wrong']} {row['seconds']} s", file=sys.stderr, flush=True)
    print("\n".join([*table(rows, args), "", *counts(rows, args), GOALS]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
