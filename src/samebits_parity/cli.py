"""`samebits parity`: what differs between libraries that are said to do the same."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import plain
from samebits.errors import UsageError
from samebits.options import REPORTS
from samebits_parity.options import GROUPS, OPTIONS

if TYPE_CHECKING:
    from samebits.reports.tree import Report

DEFAULTS_TEXT = """Do the defaults of two libraries mean the same?

Measure what optimizers and losses do in each installed library. samebits runs each library on tiny inputs and compares
the results with formulas. It names a behaviour by the formula that gives the same numbers. If a library does not have
a behaviour, that is not a difference. The files of the report also show signatures side by side, those of layers too.

Exit status: 0 they agree, 1 they differ, 2 wrong use or an error, 3 nothing could be compared."""


def _answered(compare: Callable[[dict[str, Any]], Report]) -> Callable[..., int]:
    """Return the function of a command: it compares, shows the result, and writes the reports."""

    def run(**given: Any) -> int:
        targets = {option.name: given[option.name] for option in REPORTS}
        answers.check_targets(targets)
        return answers.present(compare(given), targets)

    return run


def defaults_report(given: dict[str, Any]) -> Report:
    """Measure the defaults of libraries."""
    from samebits_parity import defaults

    groups = tuple(group for group in GROUPS if group in (given["only"] or GROUPS))
    with answers.shown_progress() as progress:
        return defaults.report(defaults.compare(list(given["libraries"] or ()), groups, progress.note))


DEFAULTS_COMMAND = plain("defaults", _answered(defaults_report), DEFAULTS_TEXT, OPTIONS["parity defaults"])


INIT_TEXT = """Do libraries draw initial weights as documented?

Let each installed library draw initial weights, infer their distribution, and compare it with the library's
documentation. samebits tries the initializers and the defaults of layers on shapes of dense, convolution, transposed
and depthwise kernels. It reads the documented formula from the docstring or the signature of the installed library,
if one of them has it.

Exit status: 0 all weights are drawn as documented, 1 some are not, 2 wrong use or an error, 3 nothing could be
measured."""


def init_report(given: dict[str, Any]) -> Report:
    """Let libraries draw initial weights."""
    from samebits_parity import init

    with answers.shown_progress() as progress:
        return init.compare(list(given["libraries"] or ()), progress.note).report


INIT_COMMAND = plain("init", _answered(init_report), INIT_TEXT, OPTIONS["parity init"])


TRAIN_TEXT = """Do two trainings compute the same, step by step?

Run two training scripts, one in each library, and compare their values in each step: batch, outputs of layers, loss,
gradients, and weights after the step. A and B are Python files, or commands in quotes. samebits does not change them.
They have to train on the same data, in the same order, from the same initial weights.

samebits names the first step, phase and layer at which they differ by more than rounding, and the default setting
that explains it, if there is one.

Exit status: 0 they agree to rounding, 1 they diverge, 2 wrong use or an error, 3 no answer."""


def train_report(given: dict[str, Any]) -> Report:
    """Run both trainings, and compare them."""
    requests.refuse_platform()
    a, b = (_words(given[side], side.upper()) for side in "ab")
    from samebits_parity.train import compare
    from samebits_parity.train.runs import TrainRequest

    with _folder(given["out"]) as folder, answers.shown_progress() as progress:
        return compare(TrainRequest(
            a=a, b=b, folder=folder, pythons=_pythons(given), steps=given["steps"], single=given["single"],
            carry=given["carry"], timeout=given["timeout"], progress=progress, host=given["on"],
            each=requests.needs(given),
        ))  # fmt: skip


def _pythons(given: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the interpreters of A and of B; None for one that the user did not name."""
    a, b = (requests.interpreter(given[f"python_{side}"], given[f"env_{side}"]) for side in "ab")
    return a, b


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
TRAIN_COMMAND = plain("train", _answered(train_report), TRAIN_TEXT, OPTIONS["parity train"], SIDES)


WEIGHTS_TEXT = """Carry weights between Keras and PyTorch.

Carry the weights of model A to model B, and compare the two. One is a Keras model, the other a
PyTorch model.

A and B are FILE.py:FUNCTION, where the function returns the model, or a saved Keras model (.keras, .h5). samebits
writes the weights under B's names. It runs both models on the same random inputs, and names the first layer whose
outputs differ by more than rounding.

Exit status: 0 the models agree, 1 they differ, 2 wrong use or an error, 3 no answer."""


def weights_report(given: dict[str, Any]) -> Report:
    """Carry the weights, and compare the models."""
    from samebits_parity.weights import files, report, transfer
    from samebits_parity.weights.models import asked

    out = Path(given["out"] or f"weights-for-{_short(given['b'])}.safetensors")
    files.check_target(out, is_named=given["out"] is not None)
    weights = Path(given["weights"]) if given["weights"] else None
    if weights:
        files.check_source(weights)
    a, b = (asked(side.upper(), given[side], python, given["backend"])
            for side, python in zip("ab", _pythons(given), strict=True))  # fmt: skip
    wanted = transfer.TransferRequest(
        a=a, b=b, weights=weights, out=out, shapes=list(given["input"]) or None, seed=given["seed"]
    )
    return report.report(transfer.move(wanted))


def _short(words: str) -> str:
    """Return the function's name, or the file's."""
    path, _, function = words.rpartition(":")
    return function if path.endswith(".py") and function.isidentifier() else Path(words).stem


WEIGHTS_COMMAND = plain("weights", _answered(weights_report), WEIGHTS_TEXT, OPTIONS["parity weights"], SIDES)


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
