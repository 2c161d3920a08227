#!/usr/bin/env python3
"""Which of a folder's cases `samebits fix --apply` mends, and whether it changes nothing but the lines of its patch.

    python benchmarks/fixed_cases.py --cases DIR [--only NAME ...] [--explained DIR] [--json FILE]

DIR holds programs NAME.py, and expected.toml: a table NAME for each, with `verdict`, and `artifact` if --artifact is
needed. Each case whose verdict may be `diverged` is copied with all programs of DIR into a temporary folder, explained
there, and fixed. --explained names a folder with results of an earlier explain, NAME*/result.json: then trials are only
checked, and the cause is taken from there.
"""

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SAMEBITS = [sys.executable, "-m", "samebits"]
# `python` in the commands is the Python of this script
ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def run(words, folder):
    """The exit status, and the last line on standard error."""
    done = subprocess.run([*SAMEBITS, *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


def earlier(folder, name):
    """The explanation that an earlier run has left; None if there is none with a cause."""
    for path in sorted(folder.glob(f"{name}*/result.json")):
        found = json.loads(path.read_text() or "{}").get("explanation")
        if found and not found.get("unfinished"):
            return found
    return None


def explain(name, want, explained, folder):
    """Make the record of a case, with its cause."""
    artifact = ["--artifact", want["artifact"]] if "artifact" in want else []
    known = earlier(explained, name) if explained else None
    start = ["check", "-n", "2"] if known else ["explain"]
    run([*start, "--out", "record", *artifact, "--", "python", f"{name}.py"], folder)
    result = folder / "record" / "result.json"
    if known and result.is_file():
        result.write_text(json.dumps({**json.loads(result.read_text()), "explanation": known}))


def contents(folder):
    return {path.name: path.read_text() for path in folder.glob("*.py")}


def changed(before, after):
    """The lines that are different, as in a diff, of each file."""
    return {
        name: [line for line in difflib.unified_diff(text.splitlines(), after[name].splitlines(), n=0, lineterm="")
               if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        for name, text in before.items() if after[name] != text
    }  # fmt: skip


def in_patch(patch):
    """The lines that a patch says are different."""
    return [line for line in patch.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def fixed(name, want, options):
    """What became of one case."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    for path in options.cases.glob("*.py"):
        shutil.copyfile(path, folder / path.name)
    explain(name, want, options.explained, folder)
    before, began = contents(folder), time.monotonic()
    status, said = run(["fix", "--apply", "--json", "fix.json", "record"], folder)
    after, answer = contents(folder), folder / "fix.json"
    found = json.loads(answer.read_text()) if answer.is_file() else {"outcome": "no answer", "sentence": said}
    lines = [line for some in changed(before, after).values() for line in some]
    expected = in_patch(found.get("patch", "")) if found["outcome"] == "mended" else []
    return {
        "case": name, "status": status, "outcome": found["outcome"], "cause": found.get("cause", []), "lines": lines,
        "only_the_patch": sorted(lines) == sorted(expected), "why": found.get("reason") or found["sentence"],
        "trials": sum(one["trials"] for one in found.get("tried", [])), "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def shown(row):
    """One case as lines of text."""
    same = "nothing but the patch changed" if row["only_the_patch"] else "OTHER LINES CHANGED"
    head = (
        f"{row['outcome']:<10} {row['case']:<38} {', '.join(row['cause']) or '-':<20} {row['trials']:>3} trials  {same}"
    )
    return "\n".join([head, *(f"    {line}" for line in row["lines"] or [row["why"]])])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--explained", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    expected = tomllib.loads((options.cases / "expected.toml").read_text())
    rows = []
    for name, want in expected.items():
        if "diverged" in want["verdict"] and (not options.only or name in options.only):
            rows.append(fixed(name, want, options))
            print(shown(rows[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1))
    mended = sum(row["outcome"] == "mended" for row in rows)
    clean = all(row["only_the_patch"] for row in rows)
    print(f"{mended} of {len(rows)} mended; {'no other line changed' if clean else 'OTHER LINES CHANGED'}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
