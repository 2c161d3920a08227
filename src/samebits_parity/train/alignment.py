"""Brings arrays that Keras and PyTorch divide differently into one form, so that the two can be compared."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from samebits_parity.train.values import Array, Joint, TrainingValues
from samebits_parity.weights.rules import PROJECTIONS

__all__ = ["SUM", "align", "is_recurrent"]


def align(a: TrainingValues, b: TrainingValues) -> None:
    """Bring the arrays of both into one form, if one side is of Keras and one of PyTorch."""
    if a.is_keras == b.is_keras:
        return
    keras, pytorch = (a, b) if a.is_keras else (b, a)
    _align_recurrent(keras, pytorch)
    _align_attention(keras, pytorch)


# -- attention layers: brings Keras' arrays into PyTorch's form -------------------------------------------------------
# Keras has a kernel (inputs, heads, size) and a bias (heads, size) for each of query, key and value. PyTorch has all
# three in one array. So Keras' three are shown as one array, in the form of a Keras dense layer: (inputs, 3 heads
# size).

ATTENTION, OUTPUT = "attention", "attention_output"
TOGETHER = "+".join(PROJECTIONS)
IN_PYTORCH = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
Shape = tuple[int, ...]


def _align_attention(keras: TrainingValues, pytorch: TrainingValues) -> None:
    """Bring the attention layers of Keras into PyTorch's form."""
    for name in _attention_layers(keras, "MultiHeadAttention"):
        for prefix in _prefixes(keras, name):
            _join_attention(keras, name, prefix)
    for name in _attention_layers(pytorch, "MultiheadAttention"):
        start = pytorch.names(-1, "start")
        prefix = f"{name}." if name else ""
        _own(pytorch, name, [f"{prefix}{one}" for one in IN_PYTORCH if f"{prefix}{one}" in start])
        pytorch.rename_output(name)


def _attention_layers(training: TrainingValues, kind: str) -> list[str]:
    return [name for name, facts in training.layers.items() if facts.get("type") == kind]


def _prefixes(keras: TrainingValues, name: str) -> list[str]:
    """Return the text before "query/kernel" in the names of a layer's weights."""
    end = f"{PROJECTIONS[0]}/kernel"
    found = [one.removesuffix(end) for one in keras.names(-1, "start") if one.endswith(f"/{end}")]
    return [prefix for prefix in found if prefix.split("/")[-2] == name]


def _join_attention(keras: TrainingValues, name: str, prefix: str) -> None:
    """Show the arrays of one layer as PyTorch's. Arrays of a different form stay as they are, without a partner."""
    start = keras.names(-1, "start")
    kernels, biases = ([f"{prefix}{one}/{role}" for one in PROJECTIONS] for role in ("kernel", "bias"))
    if len({start[one].shape for one in kernels if one in start}) != 1:
        return
    heads = start[kernels[0]].shape[1]
    given = [
        (f"{prefix}{TOGETHER}/kernel", kernels, _kernels(heads)),
        (f"{prefix}{TOGETHER}/bias", biases, _biases(heads)),
        (f"{prefix}{OUTPUT}/kernel", [f"{prefix}{OUTPUT}/kernel"], _output(heads)),
    ]
    for joined, parts, joint in given:
        keras.join(joined, joint, tuple(parts))
    owned = [joined for joined, _, _ in given] + [f"{prefix}{OUTPUT}/bias"]
    _own(keras, name, [one for one in owned if one in keras.names(-1, "start")])
    keras.drop_outputs(
        [one for one in (*PROJECTIONS, OUTPUT) if keras.layers.get(one, {}).get("type") == "EinsumDense"]
    )


def _own(training: TrainingValues, name: str, weights: list[str]) -> None:
    """Give these weights to a layer, and take them from the layers within it."""
    for facts in training.layers.values():
        facts["weights"] = [one for one in facts["weights"] if one not in weights]
    training.layers[name]["weights"] = weights


def _kernels(heads: int) -> Joint:
    def split(array: Array) -> list[Array]:
        return [part.reshape(len(part), heads, -1) for part in np.split(array, 3, axis=1)]

    def shaped(shape: Shape) -> Shape:
        return shape[0], 3 * math.prod(shape[1:])

    def join(arrays: list[Array]) -> Array:
        return np.concatenate([one.reshape(len(one), -1) for one in arrays], axis=1)

    return Joint(ATTENTION, join, split, shaped)


def _biases(heads: int) -> Joint:
    def split(array: Array) -> list[Array]:
        return [part.reshape(heads, -1) for part in np.split(array, 3)]

    def join(arrays: list[Array]) -> Array:
        return np.concatenate([one.ravel() for one in arrays])

    return Joint(ATTENTION, join, split, lambda shape: (3 * math.prod(shape),))


def _output(heads: int) -> Joint:
    def split(array: Array) -> list[Array]:
        return [array.reshape(heads, -1, array.shape[-1])]

    def shaped(shape: Shape) -> Shape:
        return math.prod(shape[:-1]), shape[-1]

    return Joint(ATTENTION, lambda arrays: arrays[0].reshape(-1, arrays[0].shape[-1]), split, shaped)


# -- recurrent layers: brings PyTorch's arrays into Keras' form -------------------------------------------------------
# Both keep the gates of an LSTM in one order (input, forget, new, output). In a GRU, Keras has update, reset, new, and
# PyTorch reset, update, new. PyTorch adds two biases, one for the input and one for the state. Keras has one bias in an
# LSTM and in a SimpleRNN; its GRU has two (`reset_after`), as two rows of one array.

KINDS = ("LSTM", "GRU", "RNN", "SimpleRNN", "Bidirectional")
_CELL = 2  # the names after a layer's in a path: its cell, and the weight


def is_recurrent(facts: dict[str, Any]) -> bool:
    """Return whether a layer is one of those that this module knows."""
    return facts.get("type") in KINDS


def _align_recurrent(keras: TrainingValues, pytorch: TrainingValues) -> None:
    """Bring the recurrent layers of PyTorch into Keras' form."""
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
