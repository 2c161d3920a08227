"""How long the road from a command to a confirmed patch is: ten real programs that draw without a seed.

    python benchmarks/why_times.py [--only NAME ...] [--beside CHECKOUT/src ...]

Each row is `samebits why --apply` on a copy of a program of `benchmarks/programs` or `examples`. For a version without
that command (`--beside`) it is check, explain and `fix --apply`. Seconds from the command on: "answer": until the first
line that says that trials diverge. "goal": two starts with 20 steps, as far as a recorded run tells how long these
are. "cause": until the search has ended, also in plain runs ("runs"). "patch": until the patch is confirmed.
"estimated": the seconds that explain expected, and "took" what the search took. The last lines count how many searches
took what was estimated, within a factor of 1.5, and give the median of "runs".
Measured on an idle machine.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from answer_times import OWN, PROGRAMS, environment, installed, run, run_plainly, share_of_start

FACTOR = 1.5  # that an estimate may be wrong by
TRIALS = 5
UNITS = {"s": 1, "min": 60, "h": 3600}
DIVERGES = re.compile(r"they diverge|DIFFERENT BITS")
ESTIMATE = re.compile(r"most searches need .*, about ([\d.,:]+) ?(\w+)?(?: to ([\d.,:]+) (\w+))?")
SEARCHED = re.compile(r"=> WHY|one more trial finds the lines")


class Line(NamedTuple):
    """A line that a command printed, and the seconds since the first command began."""

    seconds: float
    text: str


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--only", nargs="*", default=list(PROGRAMS), choices=PROGRAMS)
    parse.add_argument("--beside", nargs="*", default=[], type=Path, metavar="SRC")
    args = parse.parse_args()
    columns = f"{'plain':>6} {'answer':>7} {'goal':>6} {'cause':>7} {'runs':>5} {'patch':>7}"
    print(f"seconds\n{'':24} {columns}  estimated, took")
    runs, kept = [], []
    for name, program in installed(args.only):
        plain = statistics.median(run_plainly(program) for _ in range(3))
        goal = 2 * plain * share_of_start(program) + 1
        for source in [OWN, *args.beside]:
            answer, cause, patch, estimate, took = road(program, source)
            shown = name if source == OWN else f"  {source.parent.name}"
            cells = f"{plain:6.1f} {seconds(answer)} {goal:6.1f} {seconds(cause)}"
            ratio = f"{cause / plain:5.1f}" if cause else f"{'-':>5}"
            print(f"{shown:24} {cells} {ratio} {seconds(patch)}  {said(estimate, took)}", flush=True)
            if source == OWN:
                runs += [cause / plain] if cause else []
                kept += [is_near(estimate, took)]
    if runs:
        print(f"within a factor of {FACTOR}: {sum(kept)} of {len(kept)}")
        print(f"median of runs to the cause: {statistics.median(runs):.1f}")


def road(program, source):
    """Seconds to the answer, the cause and the confirmed patch, the estimate, and what the search took."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(shutil.copy(program.script, folder))
        command = ["--", sys.executable, script.name, *program.words, "--no-seed"]
        check = ["-n", str(TRIALS), "--out", "record"]
        has_why = run(source, ["why", "--help"], environment(program), folder).returncode == 0
        ways = (
            [["why", *check, "--apply", *command]]
            if has_why
            else [["check", *check, *command], ["explain", "record"], ["fix", "--apply", "record"]]
        )
        lines, status, began = [], 0, time.perf_counter()
        for words in ways:
            status = printed(source, words, program, folder, began, lines)
            lines += [Line(time.perf_counter() - began, "=> WHY")] if words[0] == "explain" else []
    answer = first(lines, DIVERGES)
    cause = first(lines, SEARCHED)
    estimate = next((match for line in lines if (match := ESTIMATE.search(line.text))), None)
    begun = next((line.seconds for line in lines if ESTIMATE.search(line.text)), None)
    patch = lines[-1].seconds if status == 0 else None
    return answer, cause, patch, range_of(estimate), cause - begun if cause and begun else None


def printed(source, words, program, folder, began, lines):
    """Run a command, and add the lines that it prints, with their times. Return its exit status."""
    running = subprocess.Popen(
        [sys.executable, "-m", "samebits", *words], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**environment(program), "PYTHONPATH": str(source)},
    )  # fmt: skip

    def read(stream):
        lines.extend(Line(time.perf_counter() - began, text) for text in stream)

    readers = [threading.Thread(target=read, args=(stream,)) for stream in (running.stdout, running.stderr)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return running.wait()


def first(lines, form):
    """The seconds of the first line with a form; None if there is none."""
    return min((line.seconds for line in lines if form.search(line.text)), default=None)


def range_of(estimate):
    """The least and the most seconds of an estimate, or None."""
    if estimate is None:
        return None
    low, unit, high, last = estimate.groups()
    unit = unit if unit in UNITS else last
    least = float(low) * UNITS[unit]
    return least, float(high) * UNITS[last] if high else least


def is_near(estimate, took):
    return bool(estimate and took and estimate[0] / FACTOR <= took <= estimate[1] * FACTOR)


def seconds(value):
    return f"{value:7.1f}" if value else f"{'none':>7}"


def said(estimate, took):
    return f"{estimate[0]:.0f} to {estimate[1]:.0f}, {took:.0f}" if estimate and took else "none"


if __name__ == "__main__":
    main()
