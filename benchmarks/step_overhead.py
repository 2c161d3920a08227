"""What watching costs: the time of a watched step against a plain one, and against the best peers.

    python benchmarks/step_overhead.py [--training lenet5|unet|keras|parameters|learner] [--batch N] [--only samebits]
        [--python PATH] [--clock process_time] [--optimizer SGD] [--beside CHECKOUT/src]

The plain training, the watched one and the peers stand side by side, each in a process of its own, and train in turns
of a few steps; while one trains, the others wait. A ratio is taken within a turn (medians over its steps), so a machine
whose speed drifts moves both of its sides. The median over the turns is a round's figure; each round starts new
processes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import xxhash._xxhash

from samebits.launch.environment import copy_probe
from samebits_probe import wire

# script, steps of a turn
TRAININGS = {"lenet5": ("lenet5_pytorch.py", 40), "unet": ("unet_pytorch.py", 1), "keras": ("lenet5_keras.py", 40),
             "parameters": ("parameters_pytorch.py", 1), "learner": ("learner_pytorch.py", 30)}  # fmt: skip
HERE = Path(__file__).resolve().parent / "trainings"


def watched(folder, algorithm, **more):
    """The environment of a watched process, as the launcher makes it. `more`: fields of its config.json."""
    injected = copy_probe(folder)
    trial = folder / "001"
    trial.mkdir()
    config = {"format": wire.FORMAT, "trial": 1, "folder": str(trial), "hash": algorithm, "stop_after": None,
              "xxhash": xxhash._xxhash.__file__, "controls": [], "seed": 2019, "launcher": os.getpid(),
              **more}  # fmt: skip
    (trial / "config.json").write_text(json.dumps(config))
    return {wire.CONFIG_VARIABLE: str(trial / "config.json"), "PYTHONPATH": str(injected)}


def watched_by(source, folder, algorithm):
    """As `watched`, by the samebits and the benchmark of a different checkout, of an older commit for example."""
    call = "import sys, json, pathlib, step_overhead as here; "
    call += "print(json.dumps(here.watched(pathlib.Path(sys.argv[1]), sys.argv[2], launcher=int(sys.argv[3]))))"
    command = [sys.executable, "-c", call, str(folder), algorithm, str(os.getpid())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(source), str(source.parent / "benchmarks")))}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def ways(training):
    """Name -> (peer, hash algorithm or None) of what is installed here."""
    found = {"plain": ("none", None), "samebits xxh3": ("none", "xxh3"), "samebits blake2b": ("none", "blake2b")}
    if training != "keras":
        found["DebugMode hash_tensor"] = ("debugmode", None)
        if find_spec("msprobe"):
            found["mindstudio-probe md5"] = ("msprobe", None)
    return found


class Training:
    """A training in a process of its own, which trains when it is told to."""

    def __init__(self, command, extra, folder):
        self.errors = folder / "stderr"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            text=True, env={**os.environ, **extra})  # fmt: skip

    def steps(self, count):
        """Median seconds of the next so many steps."""
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith("["):  # a peer prints too
            if not line:
                raise SystemExit(f"{self.process.args} ended:\n{self.errors.read_text()[-2000:]}")
        time.sleep(0.005)  # until its threads sleep
        return statistics.median(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def start(args, way, folder):
    """The training, watched in this way."""
    peer, algorithm, *beside = way
    command = [args.python, str(HERE / TRAININGS[args.training][0]), "--peer", peer]
    command += ["--batch", str(args.batch)] if args.batch else []
    command += ["--optimizer", args.optimizer] if args.optimizer else []
    folder.mkdir()
    environment = {"SAMEBITS_BENCHMARK_CLOCK": args.clock}
    if algorithm:
        environment.update(watched_by(*beside, folder, algorithm) if beside else watched(folder, algorithm))
    return Training(command, environment, folder)


def one_round(args, chosen):
    """Way -> seconds of a step in each turn."""
    count = TRAININGS[args.training][1]
    seconds = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        begun = {name: stack.enter_context(start(args, way, Path(folder, str(number))))
                 for number, (name, way) in enumerate(chosen.items())}  # fmt: skip
        for training in begun.values():
            training.steps(3 * count)  # until it is warm
        for _ in range(args.turns):
            for name, training in begun.items():
                seconds[name].append(training.steps(count))
    return seconds


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--training", choices=TRAININGS, default="lenet5")
    parse.add_argument("--clock", choices=["perf_counter", "process_time"], default="perf_counter")
    parse.add_argument("--optimizer", help="of the training of many parameters")
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--turns", type=int, default=15, help="turns of a round")
    parse.add_argument("--only", default="", help="ways whose name contains this, beside plain")
    parse.add_argument("--batch", type=int)
    parse.add_argument("--python", default=sys.executable)
    parse.add_argument("--beside", type=Path, help="the src folder of a different checkout: one way more")
    args = parse.parse_args()
    chosen = {name: way for name, way in ways(args.training).items() if name == "plain" or args.only in name}
    if args.beside:
        chosen["xxh3, beside"] = ("none", "xxh3", args.beside.resolve())
    rounds = []
    for number in range(args.rounds):
        rounds.append(one_round(args, chosen))
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
    plain = statistics.median(s for one in rounds for s in one["plain"])
    print(f"{args.training}, {args.rounds} rounds of {args.turns} turns: plain step {plain * 1e3:.2f} ms")
    for name in chosen:
        ratios = sorted(
            statistics.median(a / b for a, b in zip(one[name], one["plain"], strict=True)) for one in rounds
        )
        print(f"{name:24s} {statistics.median(ratios):6.3f}x   ({ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
