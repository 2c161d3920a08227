"""What watching costs: the time of a watched step against a plain one, and against the best peers.

    python benchmarks/step_overhead.py [--training lenet5|unet|keras] [--rounds 5] [--python PATH] [--json FILE]

Each round runs every way of watching once, in turn, in a process of its own; a process' figure is the median of its
steps (the first ten left out), a ratio is taken within a round, and the median over the rounds is printed with the
smallest and the largest. So a machine whose speed drifts moves both sides of a ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import xxhash._xxhash

from samebits.launch.injection import prepare
from samebits_probe import wire

TRAININGS = {"lenet5": ("lenet5_pytorch.py", 210), "unet": ("unet_pytorch.py", 16), "keras": ("lenet5_keras.py", 210)}
HERE = Path(__file__).resolve().parent / "trainings"


def watched(folder, algorithm):
    """The environment of a watched process, as the launcher makes it."""
    injected = prepare(folder)
    trial = folder / "001"
    trial.mkdir()
    config = {"format": wire.FORMAT, "trial": 1, "folder": str(trial), "hash": algorithm, "stop_after": None,
              "xxhash": xxhash._xxhash.__file__, "controls": [], "seed": 2019, "launcher": os.getpid()}  # fmt: skip
    (trial / "config.json").write_text(json.dumps(config))
    return {wire.CONFIG_VARIABLE: str(trial / "config.json"), "PYTHONPATH": str(injected)}


def ways(training):
    """Name -> (peer, hash algorithm or None) of what is installed here."""
    found = {"plain": ("none", None), "samebits xxh3": ("none", "xxh3"), "samebits blake2b": ("none", "blake2b")}
    if training != "keras":
        found["DebugMode hash_tensor"] = ("debugmode", None)
        if find_spec("msprobe"):
            found["mindstudio-probe md5"] = ("msprobe", None)
    return found


def median_step(python, script, steps, batch, way):
    """Median seconds of a step, in a fresh process."""
    peer, algorithm = way
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extra = watched(folder, algorithm) if algorithm else {}
        times = folder / "times.json"
        command = [python, str(HERE / script), "--steps", str(steps), "--peer", peer, "--times", str(times)]
        command += ["--batch", str(batch)] if batch else []
        done = subprocess.run(command, env={**os.environ, **extra}, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{script} with {peer} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return statistics.median(json.loads(times.read_text())[min(10, steps // 4) :])


def measure(python, training, rounds, batch):
    """Name -> seconds of a step in each round."""
    script, steps = TRAININGS[training]
    seconds = {name: [] for name in ways(training)}
    for number in range(rounds):
        for name, way in ways(training).items():
            seconds[name].append(median_step(python, script, steps, batch, way))
            print(f"round {number + 1}: {name}: {seconds[name][-1] * 1e3:.2f} ms", file=sys.stderr, flush=True)
    return seconds


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--training", choices=TRAININGS, default="lenet5")
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--batch", type=int)
    parse.add_argument("--python", default=sys.executable)
    parse.add_argument("--json", type=Path)
    args = parse.parse_args()
    seconds = measure(args.python, args.training, args.rounds, args.batch)
    print(f"{args.training}, {args.rounds} rounds: plain step {statistics.median(seconds['plain']) * 1e3:.2f} ms")
    for name, values in seconds.items():
        ratios = sorted(a / b for a, b in zip(values, seconds["plain"], strict=True))
        print(f"{name:24s} {statistics.median(ratios):6.3f}x   ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    if args.json:
        args.json.write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
