"""How much sooner a `diverged` verdict comes than seven whole trainings would end: LeNet-5, 20 epochs, 60,000 digits.

    python benchmarks/time_to_verdict.py --data FOLDER [--library pytorch|keras2] [--python PATH]

One whole training is timed as the user would run it; seven are extrapolated from it (seven times its time), and the
printed line says so. The training is left without one control: no seed in PyTorch, library-default threads in Keras.
The verdict is there when its round ends; the command then looks at the tensor that diverges, and prints that time too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TRAININGS = {"pytorch": ["lenet5_pytorch.py", "--no-seed"], "keras2": ["lenet5_keras2.py", "--threads", "default"]}


def seconds_of(command, allowed):
    """Wall-clock seconds of a command, which must end with one of the allowed exit statuses."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in allowed:
        said = f"{done.stdout[-500:]}\n{done.stderr[-2000:]}"
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return time.perf_counter() - start


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--data", required=True)
    parse.add_argument("--library", choices=TRAININGS, default="pytorch")
    parse.add_argument("--python", default=sys.executable, help="the interpreter of the training")
    parse.add_argument("--trials", type=int, default=7)
    args = parse.parse_args()
    script, *extra = TRAININGS[args.library]
    training = [args.python, str(EXAMPLES / script), "--data", args.data, "--digits", "60000", "--epochs", "20", *extra]
    with tempfile.TemporaryDirectory() as name:
        result = Path(name) / "result.json"
        check = [sys.executable, "-m", "samebits", "check", "-n", str(args.trials), "--out", f"{name}/record"]
        command = seconds_of([*check, "--json", str(result), "--", *training], {1})
        found = json.loads(result.read_text())
        whole = seconds_of(training, {0})
    where, verdict = found["divergence"], found["seconds"]
    print(f"{args.library}: {found['verdict']} at step {where['step']} > {where['kind']} > {where['name']}")
    print(f"verdict after {verdict:.1f} s (command {command:.1f} s)")
    print(f"one whole training {whole:.1f} s, so {args.trials} would take "
          f"{args.trials * whole:.0f} s (extrapolated): {args.trials * whole / verdict:.0f} times sooner")  # fmt: skip


if __name__ == "__main__":
    main()
