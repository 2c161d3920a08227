"""Recurrent layers: brings PyTorch's arrays into Keras' form, so that the two can be compared.

Both keep the gates of an LSTM in one order (input, forget, new, output). In a GRU, Keras has update, reset, new, and
PyTorch reset, update, new. PyTorch adds two biases, one for the input and one for the state. Keras has one bias in an
LSTM and in a SimpleRNN; its GRU has two (`reset_after`), as two rows of one array.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from samebits_parity.train.values import Array, Joint, TrainingValues

__all__ = ["SUM", "align", "is_recurrent"]

KINDS = ("LSTM", "GRU", "RNN", "SimpleRNN", "Bidirectional")
_CELL = 2  # the names after a layer's in a path: its cell, and the weight


def is_recurrent(facts: dict[str, Any]) -> bool:
    """Return whether a layer is one of those that this module knows."""
    return facts.get("type") in KINDS


def align(a: TrainingValues, b: TrainingValues) -> None:
    """Bring the recurrent layers of PyTorch into Keras' form, if one side is of Keras and one of PyTorch."""
    if a.is_keras == b.is_keras:
        return
    keras, pytorch = (a, b) if a.is_keras else (b, a)
    _own_cells(keras)
    for name, facts in pytorch.layers.items():
        if is_recurrent(facts):
            _join(pytorch, name, facts)


def _own_cells(keras: TrainingValues) -> None:
    """Give a layer the weights of the cell within it: for PyTorch, the cell is not a layer."""
    owners = [name for name, facts in keras.layers.items() if is_recurrent(facts)]
    for weight in keras.names(-1, "start"):
        owner = next((name for name in weight.split("/")[:-_CELL] if name in owners), None)
        if owner is not None and weight not in keras.layers[owner]["weights"]:
            keras.layers[owner]["weights"].append(weight)
    for facts in keras.layers.values():  # cells of two layers may have one name
        if str(facts.get("type", "")).endswith("Cell"):
            facts["weights"] = []


def _join(pytorch: TrainingValues, name: str, facts: dict[str, Any]) -> None:
    """Join the arrays of one layer of PyTorch, and its output.

    The output is the first of the values that it returns.
    """
    weights = list(facts["weights"])
    for weight in weights:
        found = re.fullmatch(r"(.*?)bias_ih(_l\d+(?:_reverse)?)", weight)
        if found:
            parts = weight, f"{found[1]}bias_hh{found[2]}"
            pytorch.join(f"{found[1]}bias{found[2]}", ROWS if facts["type"] == "GRU" else SUM, parts)
        elif facts["type"] == "GRU" and re.search(r"weight_[ih]h_l\d+(_reverse)?$", weight):
            pytorch.join(weight, GATES, (weight,))
    pytorch.rename_output(name)


def _swapped(array: Array) -> Array:
    """Return the gates of a GRU along the first axis, in the other library's order. To swap twice changes nothing."""
    first, second, third = np.split(array, 3)
    return np.concatenate([second, first, third])


SUM = Joint("sum", lambda arrays: sum(arrays[1:], arrays[0]), lambda array: [array, np.zeros_like(array)])
ROWS = Joint(
    "rows",
    lambda arrays: np.stack([_swapped(one) for one in arrays]),
    lambda array: [_swapped(row) for row in array],
    lambda shape: (2, *shape),
)
GATES = Joint("gates", lambda arrays: _swapped(arrays[0]), lambda array: [_swapped(array)])
