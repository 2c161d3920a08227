"""What the probe adds to the start of a Python, and samebits to its trials.

    python benchmarks/start_time.py [--rounds 15] [--program "import torch"] [--python PATH] [--beside CHECKOUT/src]

Each round runs every command once, in turn; medians over the rounds, of the time and of the processor time of the
process. samebits and the probe run from bytecode, as they do after `pip install`. The last lines show what a check
adds: the time of `samebits check` on a program that does one step, minus the time of one run of `pass` for each trial,
plain or watched. A trial is a watched run, so the last two lines show what `samebits check` itself adds.
"""

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import step_overhead

HERE = Path(__file__).resolve().parent
TRIALS = 3
WHAT = "time", "processor time"
CHECK = "samebits check"
STEP = "import samebits_probe; samebits_probe.observe('loss', 0.5, step=0)\n"


def spent(command, environment, folder):
    """(seconds, processor seconds) of a process and its children, from start to end."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands(args, folder):
    """Name -> (command, environment) of what is measured."""
    for source in (HERE.parent / "src", args.beside):
        for package in ("samebits", "samebits_probe") if source else ():
            compileall.compile_dir(source / package, quiet=2)
    program = [args.python, "-c", args.program]
    found = {"plain": (program, dict(os.environ))}
    for name, source in {"watched": HERE.parent / "src", "watched, beside": args.beside}.items():
        if source:
            place = folder / str(len(found))
            place.mkdir()
            found[name] = (program, {**os.environ, **step_overhead.watched_by(source.resolve(), place, "xxh3")})
    if args.program == "pass":
        (folder / "step.py").write_text(STEP)
        check = [
            sys.executable,
            "-m",
            "samebits",
            "check",
            "-n",
            str(TRIALS),
            "--overwrite",
            "--",
            args.python,
            "step.py",
        ]
        for name, source in {CHECK: HERE.parent / "src", f"{CHECK}, beside": args.beside}.items():
            if source:
                found[name] = (check, {**os.environ, "PYTHONPATH": str(source.resolve())})
    return found


def show(name, rows, plain=None):
    """Print the medians of (seconds, processor seconds), and what they add to the plain ones."""
    for what, column in zip(WHAT, zip(*rows, strict=True), strict=True):
        added = f", {statistics.median(a - b for a, b in zip(column, plain[what], strict=True)) * 1e3:6.1f} added"
        text = f"{statistics.median(column) * 1e3:8.1f} ms{added}"
        print(f"{name:22s} {what:15s} {text}   ({min(column) * 1e3:.1f} to {max(column) * 1e3:.1f})")


def show_added(name, rows, runs):
    """Print what a check adds to its trials: once with the probe's time in each of them, and once without."""
    for run, taken in runs.items():
        for what, own, one in zip(WHAT, zip(*rows, strict=True), zip(*taken, strict=True), strict=True):
            added = statistics.median(a - TRIALS * b for a, b in zip(own, one, strict=True))
            print(f"{name}, less {TRIALS} {run} runs: {added:.2f} s of {what}")


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--rounds", type=int, default=15)
    parse.add_argument("--program", default="pass")
    parse.add_argument("--python", default=sys.executable)
    parse.add_argument("--beside", type=Path, help="the src folder of a different checkout: one line more")
    args = parse.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chosen = commands(args, Path(folder))
        rows = {name: [] for name in chosen}
        for _ in range(args.rounds):
            for name, (command, environment) in chosen.items():
                rows[name].append(spent(command, environment, folder))
    plain = dict(zip(WHAT, zip(*rows["plain"], strict=True), strict=True))
    for name in chosen:
        show(name, rows[name], plain)
    for name in (name for name in chosen if name.startswith(CHECK)):
        show_added(name, rows[name], {run: rows[run] for run in ("plain", "watched")})


if __name__ == "__main__":
    main()
