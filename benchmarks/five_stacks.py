"""LeNet-5 on the paper's stacks and on today's PyTorch: seven whole trials each, one seed, and what check says.

    python benchmarks/five_stacks.py --data FOLDER [--trials 7] [--only keras-tf2.1]

5,000 MNIST digits, one epoch, batches of 128, Adam with 1e-3; seeds, threads and flags as in the paper's Codes 1 to 3.
Needs the environments: samebits env create keras-tf1.14, keras-tf2.1, pytorch-1.3.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
STACKS = {  # options of check, script, its own words
    "keras-tf1.14, default threads": (["--env", "keras-tf1.14"], "lenet5_keras2.py", ["--threads", "default"]),
    "keras-tf1.14, Code 1": (["--env", "keras-tf1.14"], "lenet5_keras2.py", []),
    "keras-tf2.1, Code 2": (["--env", "keras-tf2.1"], "lenet5_keras2.py", []),
    "pytorch-1.3, Code 3": (["--env", "pytorch-1.3", "--preset", "code3"], "lenet5_pytorch.py", []),
    "pytorch of today, Code 3": (["--preset", "code3"], "lenet5_pytorch.py", []),
}


def checked(options, training, trials):
    """The result of a check, as its JSON has it."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "samebits", "check", "-n", str(trials), "--full", *options]
        command += ["--out", f"{name}/record", "--json", f"{name}/result.json", "--", "python", *training]
        done = subprocess.run(command, capture_output=True, text=True)
        if not Path(name, "result.json").exists():
            raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
        return json.loads(Path(name, "result.json").read_text())


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--data", required=True)
    parse.add_argument("--trials", type=int, default=7)
    parse.add_argument("--only", default="", help="stacks whose name contains this")
    args = parse.parse_args()
    words = ["--data", args.data, "--digits", "5000", "--epochs", "1", "--batch", "128"]
    for stack, (options, script, own) in STACKS.items():
        if args.only in stack:
            result = checked(options, [str(EXAMPLES / script), *words, *own], args.trials)
            groups = " ".join("{" + ",".join(map(str, group)) + "}" for group in result["groups"])
            where = result["divergence"]
            parts = f"step {where['step']} > {where['kind']} > {where['name']}" if where else "nowhere"
            print(f"{stack:30s} {result['verdict']:12s} {len(result['groups'])} models {groups}  diverge: {parts}")


if __name__ == "__main__":
    main()
