"""What operator replay costs: a replayed step against R + 1 times the plain one.

    python benchmarks/operator_replay.py [--training lenet5|unet] [--repeats R] [--rounds N] [--turns N]

The plain training and the replayed one stand side by side, each in a process of its own, and train in turns of a few
steps (see step_overhead.py). A ratio is taken within a turn; the median over the turns is a round's figure. Processor
time counts threads that wait actively: give OMP_NUM_THREADS=1 where it is to be looked at.
"""

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from step_overhead import HERE, TRAININGS, Training, watched

UNCACHED = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}  # as the launcher sets it in such a run


def start(stack, args, folder, *, is_replayed):
    """One training, waiting for its turn."""
    folder.mkdir()
    command = [sys.executable, str(HERE / TRAININGS[args.training][0]), "--batch", str(args.batch)]
    want = {"first": 0, "last": 10**9, "repeats": args.repeats}
    extra = {**watched(folder, "xxh3", replay=want), **UNCACHED} if is_replayed else {}
    return stack.enter_context(Training(command, extra, folder))


def one_round(args):
    """((seconds, processor seconds) of a plain step, the same of a replayed one) in each turn."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        plain = start(stack, args, Path(folder, "plain"), is_replayed=False)
        again = start(stack, args, Path(folder, "again"), is_replayed=True)
        plain.steps(6)
        again.steps(2)  # the first step learns what each operator writes to
        return [(turn(plain), turn(again)) for _ in range(args.turns)]


def turn(training, count=2):
    """(seconds, processor seconds) of a step, from so many."""
    before = processor_seconds(training.process.pid)
    seconds = training.steps(count)
    return seconds, (processor_seconds(training.process.pid) - before) / count


def processor_seconds(pid):
    """What all threads of a process have used so far; it tells more than the clock where others use the machine too."""
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--training", choices=("lenet5", "unet"), default="lenet5")
    parse.add_argument("--batch", type=int)
    parse.add_argument("--repeats", type=int, default=4)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--turns", type=int, default=9)
    args = parse.parse_args()
    args.batch = args.batch or {"lenet5": 128, "unet": 4}[args.training]
    rounds = [one_round(args) for _ in range(args.rounds)]
    print(f"{args.training}, batch {args.batch}, {args.rounds} rounds of {args.turns} turns, {args.repeats} replays")
    for number, what in enumerate(("time", "processor time")):
        plain = statistics.median(turn[0][number] for turns in rounds for turn in turns)
        ratios = sorted(
            statistics.median(again[number] / one[number] for one, again in turns) / (args.repeats + 1)
            for turns in rounds
        )
        middle, count = statistics.median(ratios), args.repeats + 1
        print(f"{what:15s} plain {plain * 1e3:8.2f} ms; replayed {middle:.3f}x of {count} plain ones", end="")
        print(f"   ({ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
