"""Whether pauses between rounds and trials side by side make a race rarer: the verdicts on racing programs.

    python benchmarks/racing_cases.py [--runs 60] [--minutes M] [--trials 3] [--idle CORES] [--only NAME ...]
                                      [--ways WAY ...]

Each program is checked in four ways, by turns, so that a machine whose load drifts moves all of them: rounds start over
and trials run one by one; trials wait between rounds; trials may run side by side (`--jobs auto`); two at a time
whatever it costs (`--jobs 2`). `--idle`: how many cores are taken to be idle (otherwise measured). `--minutes`: when to
stop, for each program. "together": in how many of the checks trials ran side by side. "starts": in how many of them
trials started together, but trained one by one.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest import mock

from samebits import checks
from samebits.experiment import Request
from samebits.launch.capacity import capacity
from samebits.launch.trial.pauses import PausedTrials
from samebits.model import Options

HERE = Path(__file__).resolve().parent
PROGRAMS = {
    "sums_as_completed": "the order in which threads end",
    "adds_without_a_lock": "additions that are lost between threads",
    "takes_what_comes_first": "the order in which processes answer",
    "sums_in_a_network": "the order in which threads end, in a network of PyTorch",
    "adds_up_rows": "the order in which threads of PyTorch add gradients to a row",
}
WAYS = {"start over": 1, "waiting": 1, "auto": "auto", "jobs 2": 2}
VERDICTS = ("diverged", "repeated", "inconclusive")


class NoPauses(PausedTrials):
    """No trial waits: each round starts all trials again."""

    def __init__(self):
        super().__init__()
        self.refuse("rounds start over")


def checked(script, way, trials):
    """(the verdict, whether trials ran side by side, whether they started together, seconds) of one check."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(trials=trials, jobs=WAYS[way])
        place = Path(folder)
        command = [sys.executable, str(script)]
        request = Request(command=command, directory=place, options=options, out=place / "record")
        pauses = NoPauses if way == "start over" else PausedTrials
        began = time.monotonic()
        unsized = mock.patch("samebits.checks.captures.measure", return_value=None)  # it would take further trials
        with mock.patch("samebits.experiment.rounds.PausedTrials", pauses), unsized:
            result = checks.run(request).result
        started = "start together" in result.at_a_time_why
        return result.verdict, result.at_a_time > 1, started, time.monotonic() - began


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--runs", type=int, default=60)
    parse.add_argument("--minutes", type=float, default=float("inf"))
    parse.add_argument("--trials", type=int, default=3)
    parse.add_argument("--idle", type=float)
    parse.add_argument("--only", nargs="*", default=list(PROGRAMS), choices=PROGRAMS)
    parse.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    args = parse.parse_args()
    if args.idle is not None:
        capacity.free_cores = lambda others: args.idle
    for name in args.only:
        show(name, args)


def show(name, args):
    """Check one program in all ways, by turns, and print what came of it."""
    found, together, starts, seconds = {way: Counter() for way in args.ways}, Counter(), Counter(), Counter()
    runs, end = 0, time.monotonic() + 60 * args.minutes
    while runs < args.runs and time.monotonic() < end:
        runs += 1
        for way in args.ways:
            verdict, beside, started, spent = checked(HERE / "programs" / f"{name}.py", way, args.trials)
            found[way][verdict] += 1
            together[way] += beside
            starts[way] += started
            seconds[way] += spent
    print(f"{name}: {PROGRAMS[name]}; {runs} checks of {args.trials} trials each way")
    print(
        f"{'':12}" + "".join(f"{verdict:>14}" for verdict in VERDICTS) + f"{'together':>10}{'starts':>8}{'seconds':>9}"
    )
    for way in args.ways:
        counts = "".join(f"{found[way][verdict]:>14}" for verdict in VERDICTS)
        print(f"{way:12}{counts}{together[way]:>10}{starts[way]:>8}{seconds[way] / runs:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
