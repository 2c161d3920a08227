"""In which order does Keras 2.3.1's Adam read and count `iterations`, step by step, in processes of one program?

    nice -n 19 python benchmarks/adam_orders.py --processes 20 --steps 110 [--env keras-tf2.1] [--threads one]
        [--fixed-addresses] [--blind 6] [--functions 8] [--data data/mnist]

Each process is programs/adam_orders.py: LeNet-5 on MNIST, with all seeds set. A line for each process says at which
steps the read came first, and at which the addition; "model" numbers the trained models in the order of their first
appearance. --fixed-addresses: without the randomization of addresses (`setarch -R`). --blind: so many further processes
in which nothing is looked at between the steps. If their models are among the others', looking did not make these.
--functions: each process trains so many models, each with a train function of its own.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

from samebits.environments import find_python

PROGRAM = Path(__file__).resolve().parent / "programs" / "adam_orders.py"
WORDS = {"r": "read first", "a": "addition first", "?": "not known"}


def ran(args, *, blind):
    """What one process found: the letters of its steps, and the fingerprint of its model."""
    python = str(find_python(None, args.env, os.environ.get("PATH", os.defpath)).path)
    fixed = ["setarch", "-R"] if args.fixed_addresses else []
    options = ["--data", args.data, "--steps", str(args.steps), "--threads", args.threads]
    options += ["--blind"] if blind else ["--functions", str(args.functions)]
    surroundings = {**os.environ, "PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run([*fixed, python, str(PROGRAM), *options], env=surroundings, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def phases(letters):
    """The order of a process as words: "read first 0 to 94, addition first 95 to 109"."""
    if not letters:
        return "not looked at"
    if " " in letters:
        return "; ".join(map(phases, letters.split()))
    said, at = [], 0
    for letter, run in groupby(letters):
        length = len(list(run))
        said.append(f"{WORDS[letter]} {at} to {at + length - 1}")
        at += length
    changes = len(said) - 1
    return ", ".join(said) if changes <= 3 else f"{WORDS[letters[0]]} at 0, then {changes} changes"


def summary(processes):
    """How many models there are, and how many processes kept one order: in all steps and in the first 40."""
    letters = [one for process in processes for one in process["orders"].split()]
    kept = sum(len(set(one)) == 1 for one in letters)
    early = [one[:40] for one in letters]
    steady = [one[0] for one in early if len(set(one)) == 1]
    firsts = ", ".join(f"{steady.count(letter)} {WORDS[letter]}" for letter in sorted(set(steady), reverse=True))
    models = Counter(one["model"] for one in processes).values()
    return [
        f"{len(processes)} processes, models: {len(models)} ({', '.join(map(str, models))} processes each)",
        f"looked at: {len(letters)}; one order in all {len(letters[0])} steps: {kept}; "
        f"in the first {len(early[0])} steps: {len(steady)}" + (f" ({firsts})" if steady else ""),
    ]


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--processes", type=int, default=20)
    parse.add_argument("--steps", type=int, default=40)
    parse.add_argument("--env", default="keras-tf2.1")
    parse.add_argument("--threads", choices=("one", "default"), default="one")
    parse.add_argument("--fixed-addresses", action="store_true")
    parse.add_argument("--blind", type=int, default=0)
    parse.add_argument("--functions", type=int, default=1)
    parse.add_argument("--data", default="data/mnist")
    args = parse.parse_args()
    found, numbers = [], {}
    for place in range(args.processes + args.blind):
        found.append(ran(args, blind=place >= args.processes))
        number = numbers.setdefault(found[-1]["model"], len(numbers) + 1)
        print(f"{place + 1:3}  model {number:2}  {phases(found[-1]['orders'])}", flush=True)
    print("\n".join(summary(found)))


if __name__ == "__main__":
    main()
