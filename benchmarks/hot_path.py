"""Where the time that watching adds to a step goes: the probe's work by the place at which it is called.

    python benchmarks/hot_path.py [--training lenet5|unet|keras|parameters|learner] [--batch N] [--steps N]
        [--beside CHECKOUT/src]

Watched trainings only, each in a process of its own. `guard` is what every watcher's work runs in, so the places are
all of it but the wrappers themselves. The parts below (random states, hashes, the write) lie within the places. A
figure is in microseconds; a timer around a call takes about a third of one, which is in it.
"""

import argparse
import collections
import functools
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import step_overhead

HERE = Path(__file__).resolve()
_INSIDE = "SAMEBITS_HOT_PATH"
WHOLE = "all places"
# object of the probe (or a module), method: what is timed within the places
_PARTS = ("probe.sample_rng", "probe.end_step", "probe.recorder.flush", "probe.hasher.rows", "probe.hasher.pointers",
          "probe.hasher.pointer", "probe.hasher.data", "fingerprint._joined")  # fmt: skip


class Clock:
    """Adds up the time of functions, step by step. What is timed within no other one counts as `WHOLE`, too."""

    def __init__(self):
        self.now = collections.Counter()
        self.calls = collections.Counter()
        self.depth = 0

    def timed(self, name, function):
        """`function`, whose time counts under a name (a text, or a function of its arguments)."""
        now, calls, clock = self.now, self.calls, time.perf_counter

        @functools.wraps(function)
        def run(*args, **kwargs):
            key = name if isinstance(name, str) else name(*args)
            self.depth += 1
            began = clock()
            try:
                return function(*args, **kwargs)
            finally:
                took = clock() - began
                self.depth -= 1
                now[key] += took
                calls[key] += 1
                if not self.depth:
                    now[WHOLE] += took

        return run


def inside(script, steps):
    """In the watched process: train so many steps, and print the seconds of each place in each of them."""
    import turns

    from samebits_probe import api

    def take(step):
        for _ in range(30):
            step()
        probe, clock, rows = api.current(), Clock(), []
        probe.guard = clock.timed(lambda where, *_: where, probe.guard)
        for path in _PARTS:
            first, *owners, method = path.split(".")
            whole = probe if first == "probe" else importlib.import_module("samebits_probe." + first)
            owner = functools.reduce(getattr, owners, whole)
            if hasattr(owner, method):  # not every version has all of them
                setattr(owner, method, clock.timed("  " + path, getattr(owner, method)))
        for _ in range(steps):
            clock.now.clear()
            whole = step()
            rows.append({"a whole step": whole, **clock.now})
        print(json.dumps([rows, clock.calls]), flush=True)

    turns.take = take
    sys.argv = [script, *sys.argv[1:]]
    __import__(Path(script).stem).main()


def profile(args, source):
    """(seconds of each place in each step, calls of each) of a watched training."""
    script = HERE.parent / "trainings" / step_overhead.TRAININGS[args.training][0]
    with tempfile.TemporaryDirectory() as folder:
        watched = step_overhead.watched
        extra = step_overhead.watched_by(source, Path(folder), "xxh3") if source else watched(Path(folder), "xxh3")
        paths = os.pathsep.join((extra["PYTHONPATH"], str(script.parent), str(HERE.parent)))
        environment = {**os.environ, **extra, "PYTHONPATH": paths, _INSIDE: json.dumps([str(script), args.steps])}
        command = [args.python, str(HERE)] + (["--batch", str(args.batch)] if args.batch else [])
        run = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def tenth(values):
    """The value that a tenth of the values are below: what a step takes that nothing else disturbs."""
    return sorted(values)[len(values) // 10]


def show(args, source):
    """Print the table of one training."""
    rows, calls = profile(args, source)
    print(f"{args.training}, {len(rows)} steps{', beside' if source else ''}: median, fastest tenth, calls in a step")
    columns = {name: [row.get(name, 0) for row in rows] for name in {name for row in rows for name in row}}
    middle = {name: statistics.median(column) for name, column in columns.items()}
    for name in sorted(middle, key=lambda name: (name.startswith("  "), -middle[name])):
        each = calls.get(name, len(rows)) / len(rows)
        print(f"{name:32s} {middle[name] * 1e6:9.1f} us {tenth(columns[name]) * 1e6:9.1f} us {each:6.1f}")


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--training", choices=step_overhead.TRAININGS, default="lenet5")
    parse.add_argument("--batch", type=int)
    parse.add_argument("--steps", type=int, default=300)
    parse.add_argument("--python", default=sys.executable)
    parse.add_argument("--beside", type=Path, help="the src folder of a different checkout: profiled too")
    args = parse.parse_args()
    for source in (None, args.beside.resolve()) if args.beside else (None,):
        show(args, source)


if __name__ == "__main__":
    if _INSIDE in os.environ:
        inside(*json.loads(os.environ[_INSIDE]))
    else:
        main()
