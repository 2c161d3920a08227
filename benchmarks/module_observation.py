"""What a look at the modules of one step costs, as `samebits locate` takes it, beside DebugMode and mindstudio-probe.

    python benchmarks/module_observation.py [--training lenet5|unet] [--rounds N] [--step K]

Each round starts new processes, which train step after step in turns, one at a time (see step_overhead.py). In the step
K the outputs of every module and their gradients are recorded, by samebits with their values too; its time is set
against that of the plain step of the same turn. The peers record every step; the same one is measured.
"""

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from step_overhead import HERE, TRAININGS, Training, watched

MOST = 1 << 27  # bytes of values that a look keeps, as in localization/inspection.py


def ways(step):
    """Name -> (peer, level of the look) of what is installed here."""
    found = {"plain": ("none", None), "samebits, modules": ("none", "module"),
             "samebits, operators": ("none", "operator"), "DebugMode modules": ("debugmodules", None)}  # fmt: skip
    if find_spec("msprobe"):
        found["mindstudio-probe L0"] = ("msprobemodules", None)
    return {name: (peer, {"details": {"step": step, "level": level, "most": MOST}} if level else None)
            for name, (peer, level) in found.items()}  # fmt: skip


def one_round(args):
    """Way -> seconds of the step that was looked into, divided by those of the plain one."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        begun = {name: stack.enter_context(start(args, way, Path(folder, str(number))))
                 for number, (name, way) in enumerate(ways(args.step).items())}  # fmt: skip
        for _ in range(args.step):
            for training in begun.values():
                training.steps(1)
        seconds = {name: training.steps(1) for name, training in begun.items()}
    return {name: taken / seconds["plain"] for name, taken in seconds.items()}, seconds["plain"]


def start(args, way, folder):
    """The training, looked into in this way."""
    peer, more = way
    folder.mkdir()
    command = [sys.executable, str(HERE / TRAININGS[args.training][0]), "--peer", peer]
    return Training(command, watched(folder, "xxh3", **more) if more else {}, folder)


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--training", choices=("lenet5", "unet"), default="lenet5")
    parse.add_argument("--rounds", type=int, default=15)
    parse.add_argument("--step", type=int, default=8)
    args = parse.parse_args()
    rounds = [one_round(args) for _ in range(args.rounds)]
    plain = statistics.median(seconds for _, seconds in rounds)
    print(f"{args.training}, step {args.step} in each of {args.rounds} rounds: plain step {plain * 1e3:.2f} ms")
    for name in rounds[0][0]:
        ratios = sorted(ratio[name] for ratio, _ in rounds)
        print(f"{name:24s} {statistics.median(ratios):6.3f}x   ({ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
