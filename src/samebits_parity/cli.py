"""`samebits parity`: what differs between libraries that are said to do the same."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import plain
from samebits.errors import UsageError
from samebits.options import REPORTS
from samebits_parity.options import GROUPS, OPTIONS

DEFAULTS_TEXT = """Do the defaults of two libraries mean the same?

Measure what optimizers and losses do in each installed library. samebits runs each library on tiny inputs and compares
the results with formulas. It names a behaviour by the formula that gives the same numbers. If a library does not have
a behaviour, that is not a difference. The files of the report also show signatures side by side, those of layers too.

Exit status: 0 they agree, 1 they differ, 2 wrong use or an error, 3 nothing could be compared."""


def _targets(given: dict[str, Any]) -> dict[str, Any]:
    """Return where reports are to be written."""
    return {option.name: given[option.name] for option in REPORTS}


def run_defaults(**given: Any) -> int:
    """Measure, show the result, and write the reports."""
    targets = _targets(given)
    answers.check_targets(targets)
    from samebits_parity import defaults

    groups = tuple(group for group in GROUPS if group in (given["only"] or GROUPS))
    with answers.shown_progress() as progress:
        found = defaults.compare(list(given["libraries"] or ()), groups, progress.note)
    return answers.present(defaults.report(found), targets)


DEFAULTS_COMMAND = plain("defaults", run_defaults, DEFAULTS_TEXT, OPTIONS["parity defaults"])


INIT_TEXT = """Do libraries draw initial weights as documented?

Let each installed library draw initial weights, infer their distribution, and compare it with the library's
documentation. samebits tries the initializers and the defaults of layers on shapes of dense, convolution, transposed
and depthwise kernels. It reads the documented formula from the docstring or the signature of the installed library,
if one of them has it.

Exit status: 0 all weights are drawn as documented, 1 some are not, 2 wrong use or an error, 3 nothing could be
measured."""


def run_init(**given: Any) -> int:
    """Measure, show the result, and write the reports."""
    targets = _targets(given)
    answers.check_targets(targets)
    from samebits_parity import init

    with answers.shown_progress() as progress:
        compared = init.compare(list(given["libraries"] or ()), progress.note)
    return answers.present(compared.report, targets)


INIT_COMMAND = plain("init", run_init, INIT_TEXT, OPTIONS["parity init"])


TRAIN_TEXT = """Do two trainings compute the same, step by step?

Run two training scripts, one in each library, and compare their values in each step: batch, outputs of layers, loss,
gradients, and weights after the step. A and B are Python files, or commands in quotes. samebits does not change them.
They have to train on the same data, in the same order, from the same initial weights.

samebits names the first step, phase and layer at which they differ by more than rounding, and the default setting
that explains it, if there is one.

Exit status: 0 they agree to rounding, 1 they diverge, 2 wrong use or an error, 3 no answer."""


def run_train(**given: Any) -> int:
    """Run both trainings, compare them, and answer."""
    requests.refuse_platform()
    targets = _targets(given)
    answers.check_targets(targets)
    commands = [_words(given[side], side.upper()) for side in ("a", "b")]
    pythons = tuple(requests.interpreter(given[f"python_{side}"], given[f"env_{side}"]) for side in ("a", "b"))
    from samebits_parity.train import compare
    from samebits_parity.train.runs import TrainRequest

    with _folder(given["out"]) as folder, answers.shown_progress() as progress:
        asked = TrainRequest(
            a=commands[0], b=commands[1], folder=folder, pythons=(pythons[0], pythons[1]), steps=given["steps"],
            single=given["single"], carry=given["carry"], timeout=given["timeout"], progress=progress, host=given["on"],
            each=requests.needs(given),
        )  # fmt: skip
        report = compare(asked)
    return answers.present(report, targets)


_TRAIN_EXAMPLE = 'samebits parity train a.py "python b.py --epochs 2"'


def _words(text: str, side: str) -> list[str]:
    """Return the words of a command. A Python file is run by python."""
    try:
        words = [text] if Path(text).is_file() else shlex.split(text)
    except ValueError as why:
        raise UsageError(f"{side}: {text!r} cannot be read as a command: {why}.", _TRAIN_EXAMPLE) from None
    if not words:
        raise UsageError(f"{side} is empty.", _TRAIN_EXAMPLE)
    return ["python", *words] if words[0].endswith(".py") else words


@contextmanager
def _folder(out: str | None) -> Iterator[Path]:
    """Yield the folder to which the trials write. It is one that stays, or one that is removed afterwards."""
    if out is not None:
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="samebits-parity-") as folder:
        yield Path(folder)


SIDES = [click.Argument(["a"], metavar="A"), click.Argument(["b"], metavar="B")]
TRAIN_COMMAND = plain("train", run_train, TRAIN_TEXT, OPTIONS["parity train"], SIDES)


WEIGHTS_TEXT = """Carry the weights of model A to model B, and compare the two. One is a Keras model, the other a
PyTorch model.

A and B are FILE.py:FUNCTION, where the function returns the model, or a saved Keras model (.keras, .h5). samebits
writes the weights under B's names. It runs both models on the same random inputs, and names the first layer whose
outputs differ by more than rounding.

Exit status: 0 the models agree, 1 they differ, 2 wrong use or an error, 3 no answer."""


def run_weights(**given: Any) -> int:
    """Carry the weights, compare the models, and answer."""
    targets = _targets(given)
    answers.check_targets(targets)
    from samebits_parity.weights import files, report, transfer
    from samebits_parity.weights.models import asked

    out = Path(given["out"] or f"weights-for-{_short(given['b'])}.safetensors")
    files.check_target(out, is_named=given["out"] is not None)
    weights = Path(given["weights"]) if given["weights"] else None
    if weights:
        files.check_source(weights)
    pythons = {side: requests.interpreter(given[f"python_{side}"], given[f"env_{side}"]) for side in "ab"}
    a, b = (asked(side.upper(), given[side], python, given["backend"]) for side, python in pythons.items())
    wanted = transfer.TransferRequest(
        a=a, b=b, weights=weights, out=out, shapes=list(given["input"]) or None, seed=given["seed"]
    )
    return answers.present(report.report(transfer.move(wanted)), targets)


def _short(words: str) -> str:
    """Return the function's name, or the file's."""
    path, _, function = words.rpartition(":")
    return function if path.endswith(".py") and function.isidentifier() else Path(words).stem


MODELS = [click.Argument(["a"], metavar="A"), click.Argument(["b"], metavar="B")]
TITLE = "Carry weights between Keras and PyTorch."
WEIGHTS_COMMAND = plain("weights", run_weights, f"{TITLE}\n\n{WEIGHTS_TEXT}", OPTIONS["parity weights"], MODELS)


# name -> (what it is, its model), for `samebits schema`
DOCUMENTS = {
    "parity-init": ("--json of parity init", "samebits_parity.init.report:InitDocument"),
    "parity-defaults": ("--json of parity defaults", "samebits_parity.defaults.result:Defaults"),
    "parity-weights": ("--json of parity weights", "samebits_parity.weights.report:WeightsFile"),
    "parity-train": ("--json of parity train", "samebits_parity.train.report:TrainDocument"),
}

TEXT = """What differs between libraries that should do the same?

Each answer is measured in the libraries that are installed.

Exit status: 0 they agree, 1 they differ, 2 wrong use or an error, 3 nothing could be measured."""

COMMAND = click.Group("parity", help=TEXT, commands=[INIT_COMMAND, DEFAULTS_COMMAND, TRAIN_COMMAND, WEIGHTS_COMMAND])
