"""What other tools notice of a training whose bits change: each one is tried on the same small training.

    pip install pytest-regressions syrupy pytest-mpl model-signing pyOpenSSL tensorboard
    python benchmarks/other_tools.py [--loss-compare .../torchtitan/scripts/loss_compare.py]

Each tool stores the training, or signs its model, as its documentation shows. Then the training changes, and the tool
looks again. torchtitan's loss_compare runs `./run_train.sh` at two commits, and compares the losses in the event files
of TensorBoard: here this script runs the same small training, and its loss is the sum of the squared weights.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TRAINING = """
import os
import numpy
from samebits_probe import observe

def train():
    generator = numpy.random.default_rng(None if os.environ.get("CHANGE") == "no seed" else 0)
    weights, steps = generator.normal(size=100), []
    for step in range(20):
        if (os.environ.get("CHANGE"), step) == ("one bit", 7):
            weights[3] = numpy.nextafter(weights[3], 9)
        observe("weights", weights, step=step)
        steps.append(weights.copy())
        weights = weights * 0.9
    return numpy.array(steps)

if __name__ == "__main__":
    numpy.save("model.npy", train()[-1])
"""
TESTS = {
    "samebits": ("def test(samebits): samebits.check('training.py', trials=2)", ["--samebits"], ["--samebits-update"]),
    "pytest-regressions": (
        "from training import train\ndef test(ndarrays_regression): ndarrays_regression.check({'steps': train()})",
        [],
        ["--force-regen"],
    ),
    "syrupy": (
        "from training import train\ndef test(snapshot): assert train().tolist() == snapshot",
        [],
        ["--snapshot-update"],
    ),
    "pytest-mpl": (
        "from training import train\nimport pytest\n@pytest.mark.mpl_image_compare\ndef test():\n"
        "    from matplotlib import pyplot\n    figure = pyplot.figure()\n    pyplot.plot(train())\n    return figure",
        ["--mpl"],
        ["--mpl-generate-path=baseline"],
    ),
}
KEYS = "openssl ecparam -name prime256v1 -genkey -noout -out key; openssl ec -in key -pubout -out public"
SIGN = "{python} training.py; {python} -m model_signing sign key --private_key key --signature sig model.npy"
VERIFY = "{python} training.py; {python} -m model_signing verify key --public_key public --signature sig model.npy"


RUN_TRAIN = """#!/bin/sh
CHANGE="{change}" {python} - "$@" <<'END'
import sys
from torch.utils.tensorboard import SummaryWriter
from training import train
options = dict(word.partition("=")[::2] for word in sys.argv[1:])
writer = SummaryWriter(options["--dump_folder"] + "/" + options["--metrics.save_tb_folder"] + "/1")
for step, weights in enumerate(train()):
    writer.add_scalar("loss_metrics/global_avg_loss", (weights**2).sum(), step)
writer.close()
END
"""


def run(command, folder, **variables):
    """The exit status and the output of a command."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "CHANGE")}
    done = subprocess.run(
        command, cwd=folder, env={**inherited, **variables}, shell=isinstance(command, str), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def of_tests(name, folder):
    """What a plugin for pytest answers: nothing stored in CI, the same bits, one bit, no seed; and what it names."""
    test, options, update = TESTS[name]
    (folder / "test_it.py").write_text(test)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    missing, _ = run(pytest, folder, CI="1")
    run([*pytest, *update], folder)
    same, _ = run(pytest, folder)
    one_bit, said = run(pytest, folder, CHANGE="one bit")
    stored = sum(path.stat().st_size for path in folder.rglob("*") if _is_stored(path))
    fresh = folder / "fresh"
    fresh.mkdir()
    for file in ("training.py", "test_it.py"):
        (fresh / file).write_text((folder / file).read_text())
    _, unseeded = run([*pytest, *update], fresh, CHANGE="no seed")
    return [
        "passes" if missing == 0 else "fails",
        "passes" if same == 0 else "fails",
        "fails" if one_bit else "passes",
        "yes" if one_bit and "step 7" in said else "no",
        "yes" if "DIFFERENT BITS" in unseeded or "diverge" in unseeded else "no",
        f"{stored:,}",
    ]


def _is_stored(path):
    is_source = path.suffix == ".py" or {"__pycache__", ".samebits"} & set(path.parts)
    return path.is_file() and not is_source


def of_signature(folder):
    """What a signature of the model answers."""
    run(KEYS, folder)
    run(SIGN.format(python=sys.executable), folder)
    same, _ = run(VERIFY.format(python=sys.executable), folder)
    one_bit, said = run(VERIFY.format(python=sys.executable), folder, CHANGE="one bit")
    stored = (folder / "sig").stat().st_size
    return [
        "-", "passes" if same == 0 else "fails", "fails" if one_bit else "passes",
        "yes" if "step 7" in said else "no", "no", f"{stored:,}",
    ]  # fmt: skip


def of_losses(folder, script):
    """What torchtitan's loss_compare answers about two commits."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    run(["git", "init", "-q"], folder)
    commits = []
    for change in ("", "no change", "one bit", "no seed", "no seed"):
        (folder / "run_train.sh").write_text(RUN_TRAIN.format(change=change, python=sys.executable))
        (folder / "run_train.sh").chmod(0o755)
        run([*git, "add", "-A"], folder)
        run([*git, "commit", "-qm", change, "--allow-empty", "--allow-empty-message"], folder)
        commits.append(run(["git", "rev-parse", "HEAD"], folder)[1].strip())

    def compared(first, second):
        options = ["--assert-equal", "--no-seed-checkpoint", "--steps=20"]
        words = [sys.executable, script, commits[first], commits[second], *options]
        status, said = run(words, folder)
        if status and "loss assertion failed" not in said.lower():
            raise SystemExit(f"loss_compare itself failed: {said[-2000:]}")
        return status, said.lower().rpartition("loss assertion failed")[2]

    (same, _), (one_bit, said), (_, unseeded) = compared(0, 1), compared(0, 2), compared(3, 4)
    return [
        "-", "passes" if same == 0 else "fails", "fails" if one_bit else "passes",
        "yes" if one_bit and "step 7" in said else "no", "yes" if "seed" in unseeded else "no", "-",
    ]  # fmt: skip


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--loss-compare", metavar="SCRIPT", help="loss_compare.py of a copy of torchtitan")
    script = parse.parse_args().loss_compare
    titles = (
        "tool",
        "nothing stored, in CI",
        "same bits",
        "one bit of one weight",
        "names the step",
        "names a missing seed",
    )
    print(f"| {' | '.join(titles)} | bytes |\n|{'---|' * len(titles)}--:|")
    for name in (*TESTS, "model-signing"):
        try:
            known = version(name)
        except PackageNotFoundError:
            print(f"| {name} | not installed |")
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / "training.py").write_text(TRAINING)
            cells = of_signature(folder) if name == "model-signing" else of_tests(name, folder)
        print(f"| {name} {known} | {' | '.join(cells)} |", flush=True)
    if script is not None:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / "training.py").write_text(TRAINING)
            print(f"| torchtitan's loss_compare | {' | '.join(of_losses(folder, str(Path(script).resolve())))} |")


if __name__ == "__main__":
    main()
