"""`samebits parity train`: two trainings that are said to do the same, step by step, by value."""

from __future__ import annotations

import shlex
import sys
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
from samebits_parity.options import OPTIONS

TEXT = """Run two training scripts, one in each library, and compare them step by step by value: batch, outputs of
layers and loss, gradients, weights after the step.

A and B are Python files, or commands in quotes. Both are run as they are; they have to train on the same data, in the
same order, from the same initial weights.

The first step, phase and layer in which they diverge beyond rounding is named, with the default that accounts for it
where one does.

Exit status: 0 they agree to rounding, 1 they diverge, 2 wrong use or an error, 3 no answer."""


def run(**given: Any) -> int:
    """Ask, run, answer."""
    requests.refuse_platform()
    targets = {name: given[name] for name in ("json", "md", "html")}
    answers.check_targets(targets)
    commands = [_words(given[side], side.upper()) for side in ("a", "b")]
    pythons = tuple(requests.interpreter(given[f"python_{side}"], given[f"env_{side}"]) for side in ("a", "b"))
    from samebits_parity.train.comparison import compare
    from samebits_parity.train.runs import TrainRequest

    with _folder(given["out"]) as folder:
        asked = TrainRequest(
            a=commands[0], b=commands[1], folder=folder, pythons=(pythons[0], pythons[1]), steps=given["steps"],
            single=given["single"], carry=given["carry"], timeout=given["timeout"],
            say=lambda words: answers.say(words, sys.stderr),
        )  # fmt: skip
        report = compare(asked)
    return answers.present(report, targets)


def _words(text: str, side: str) -> list[str]:
    """The words of a command; a file of Python is run by python."""
    try:
        words = [text] if Path(text).is_file() else shlex.split(text)
    except ValueError as why:
        raise UsageError(f"{side}: {text!r} cannot be read as a command: {why}.") from None
    if not words:
        raise UsageError(f"{side} is empty.", 'samebits parity train a.py "python b.py --epochs 2"')
    return ["python", *words] if words[0].endswith(".py") else words


@contextmanager
def _folder(out: str | None) -> Iterator[Path]:
    """Where the trials write: a folder that stays, or one that is gone afterwards."""
    if out is not None:
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="samebits-parity-") as folder:
        yield Path(folder)


SIDES = [click.Argument(["a"], metavar="A"), click.Argument(["b"], metavar="B")]
COMMAND = plain("train", run, TEXT, OPTIONS["parity train"], SIDES)
