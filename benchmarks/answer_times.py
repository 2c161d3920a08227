"""How long an answer takes on ten real programs: the plain run, `repeated`, `diverged` without a seed, and the cause.

    python benchmarks/answer_times.py [--only NAME ...] [--beside CHECKOUT/src ...] [--trials 3] [--no-cause]

Each row is one program of `benchmarks/programs` and `examples`. "diverged": until the verdict is in the record.
"measured": until the command has also measured how far the values are apart. The "goal" beside a time is the most that
it should take: 1 s and a plain run for each trial for `repeated`, 1 s and a start with 20 steps for each trial for
`diverged`. A recorded run tells how much of a plain run such a start takes; all its steps count as equally long.
"trials": of the check and of the search for the cause. This number depends less on the load of the machine.
"estimated": what explain said before the search. "none": an earlier version gave no such answer.
`--beside`: other versions of samebits, measured in the same run, program by program, so that a machine whose
speed drifts moves all of them. The programs of Lightning, Transformers and Gymnasium are left out, and named, if these
are not installed:
pip install lightning==2.6.* transformers==5.* accelerate gymnasium==1.*
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
OWN = HERE.parent / "src"
INCONCLUSIVE = 3  # exit status of a command that gives no answer
STEPS = 20  # of a trial in the first round
LOOK = 0.02  # seconds between two looks for the verdict
DIGITS = ["--data", str(HERE.parent / "data/mnist"), "--digits", "5000", "--epochs", "1"]


class Program(NamedTuple):
    """A training: its script, what it is given, what must be installed, and the variables that it needs."""

    script: Path
    words: list[str] = []
    needs: tuple[str, ...] = ()
    variables: dict[str, str] = {}


class Answer(NamedTuple):
    """Seconds until samebits knew the verdict, and until the command had ended, as text."""

    verdict: str
    whole: str


NONE = Answer("none", "none")

PROGRAMS = {
    "PyTorch, LeNet-5": Program(HERE.parent / "examples/lenet5_pytorch.py", DIGITS),
    "PyTorch, characters": Program(HERE / "programs/char_model.py"),
    "PyTorch, CartPole": Program(HERE / "programs/policy_gradient.py", needs=("gymnasium",)),
    "Lightning": Program(HERE / "programs/lightning_classifier.py", needs=("lightning",)),
    "Transformers": Program(HERE / "programs/transformers_trainer.py", ["{out}"], needs=("transformers", "accelerate")),
    "Keras on TensorFlow": Program(HERE / "programs/keras_digits.py", variables={"KERAS_BACKEND": "tensorflow"}),
    "Keras on JAX": Program(HERE / "programs/keras_digits.py", variables={"KERAS_BACKEND": "jax"}),
    "JAX with optax": Program(HERE / "programs/jax_regression.py"),
    "scikit-learn": Program(HERE / "programs/sklearn_digits.py"),
    "XGBoost": Program(HERE / "programs/xgboost_digits.py"),
}


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--only", nargs="*", default=list(PROGRAMS), choices=PROGRAMS)
    parse.add_argument("--beside", nargs="*", default=[], type=Path, metavar="SRC")
    parse.add_argument("--trials", type=int, default=3)
    parse.add_argument("--no-cause", action="store_true")
    args = parse.parse_args()
    columns = f"{'plain':>7} {'repeated':>9} {'goal':>6} {'diverged':>9} {'goal':>6} {'measured':>9}"
    print(f"seconds, {args.trials} trials\n{'':34} {columns} {'cause':>7} {'trials':>6}  estimated")
    for name, program in installed(args.only):
        plain = statistics.median(run_plainly(program) for _ in range(3))
        goals = args.trials * plain + 1, args.trials * plain * share_of_start(program) + 1
        for source in [OWN, *args.beside]:
            row = measured(program, source, args, goals)
            shown = name if source == OWN else f"  {source.parent.name}"
            print(f"{shown:34} {plain:7.1f} " + " ".join(row), flush=True)


def installed(names):
    """The programs that can run here, by these names. It says which ones are left out."""
    for name in names:
        missing = [library for library in PROGRAMS[name].needs if find_spec(library) is None]
        if missing:
            print(f"{name:34} left out: {', '.join(missing)} not installed", flush=True)
        else:
            yield name, PROGRAMS[name]


def measured(program, source, args, goals):
    """The cells of one row. `goals`: seconds in which the two verdicts should be known."""
    with tempfile.TemporaryDirectory() as folder:
        repeated = checked(program, source, Path(folder) / "same", args.trials, [], "repeated")
        diverged = checked(program, source, Path(folder) / "other", args.trials, ["--no-seed"], "diverged")
        searched = not args.no_cause and diverged is not NONE
        seconds, trials, said = explained(source, Path(folder) / "other") if searched else ("-", "-", "-")
    return (
        f"{repeated.whole:>9} {goals[0]:6.1f}",
        f"{diverged.verdict:>9} {goals[1]:6.1f}",
        f"{diverged.whole:>9}",
        f"{seconds:>7} {trials:>6}  {said}",
    )


def share_of_start(program):
    """The share of a run that its start and its first 20 steps take. It is recorded alone: in a check, trials wait."""
    with tempfile.TemporaryDirectory() as folder:
        record, words = Path(folder) / "one", [sys.executable, str(program.script), *program.words]
        run(OWN, ["record", "--out", str(record), "--", *words], environment(program), folder).check_returncode()
        ends, starts = ([json.loads(path.read_text()) for path in record.glob(f"trials/001/processes/*/{name}.json")]
                        for name in ("end", "process"))  # fmt: skip
        seconds = json.loads((record / "trials/001/trial.json").read_text())["seconds"]
    trained, began = max(ends, key=lambda end: end["steps"]), min(start["started"] for start in starts)
    first, last = trained["step_times"]
    step = (last - first) / max(trained["steps"] - 1, 1)
    return min((first - began + step * (min(STEPS, trained["steps"]) - 1)) / seconds, 1.0)


def run_plainly(program):
    with tempfile.TemporaryDirectory() as folder:
        words = [word.replace("{out}", folder) for word in program.words]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, str(program.script), *words], env=environment(program), check=True, capture_output=True
        )
        return time.perf_counter() - began


def checked(program, source, record, trials, more, verdict):
    """Seconds of a check until its verdict, and in all. Only an earlier version may end with a different verdict."""
    command = ["check", "-n", str(trials), "--out", str(record), "--json", "-", "--"]
    words = [sys.executable, str(program.script), *program.words, *more]
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run, source, [*command, *words], environment(program), record.parent)
        while not (done.done() or (record / "result.json").exists()):
            time.sleep(LOOK)
        known = time.perf_counter() - began
    seconds = time.perf_counter() - began
    ended = done.result()
    result = json.loads(ended.stdout) if ended.stdout else {"verdict": ended.stderr}
    if result["verdict"] != verdict:
        if source != OWN:
            return NONE
        raise SystemExit(f"{program.script.name} {' '.join(more)}: {result['verdict']}, and not {verdict}")
    return Answer(f"{known:.1f}", f"{seconds:.1f}")


def explained(source, record):
    """Seconds of a search, the number of trials of the check and the search, and what was estimated before.

    "none": the search found no cause, or an earlier version estimated nothing.
    """
    began = time.perf_counter()
    done = run(source, ["explain", str(record)], os.environ, record.parent)
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 1, INCONCLUSIVE):
        raise SystemExit(f"explain: {done.stderr}")
    found = json.loads((record / "result.json").read_text())["explanation"]
    estimate = re.search(r"most searches need .*, about (.+)", done.stderr)
    said = estimate[1] if estimate else "none"
    return "none" if done.returncode == INCONCLUSIVE else f"{seconds:.1f}", found.get("trials", "-"), said


def run(source, words, variables, folder):
    """Run a command in a folder of its own: files that others write beside a trial would count among its own."""
    return subprocess.run(
        [sys.executable, "-m", "samebits", *words],
        env={**variables, "PYTHONPATH": str(source)}, capture_output=True, text=True, cwd=folder,
    )  # fmt: skip


def environment(program):
    return {**os.environ, **program.variables}


if __name__ == "__main__":
    main()
