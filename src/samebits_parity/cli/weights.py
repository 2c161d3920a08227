"""`samebits parity weights`: carry the weights of a Keras model to a PyTorch one, or back, and compare what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import plain
from samebits_parity.options import OPTIONS

TEXT = """Carry the weights of model A to model B, one of Keras and one of PyTorch, and compare what the two do.

A and B are FILE.py:FUNCTION, where the function returns the model, or a saved Keras model (.keras, .h5). The weights
are written with B's own names. Both models are run on the same random inputs; the first layer whose outputs are
further apart than rounding explains is named.

Exit status: 0 the models agree, 1 they differ, 2 wrong use or an error, 3 not known."""


def run(**given: Any) -> int:
    """Ask, move, answer."""
    targets = {name: given[name] for name in ("json", "html", "md")}
    answers.check_targets(targets)
    from samebits_parity.weights import files, report, transfer
    from samebits_parity.weights.description import asked

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
    """The function's name, or the file's."""
    path, _, function = words.rpartition(":")
    return function if path.endswith(".py") and function.isidentifier() else Path(words).stem


MODELS = [click.Argument(["a"], metavar="A"), click.Argument(["b"], metavar="B")]
TITLE = "Carry weights between Keras and PyTorch."
COMMAND = plain("weights", run, f"{TITLE}\n\n{TEXT}", OPTIONS["parity weights"], MODELS)
