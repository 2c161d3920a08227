"""Weights of the studies' Keras models in the form of the PyTorch ones, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samebits.errors import DataError
from samebits_parity.weights.rules import (
    CONVOLUTION,
    DENSE,
    TRANSPOSED,
    Array,
    ArrayRule,
    dense_after_flatten,
    with_kernel,
)


class Kernel(NamedTuple):
    """A layer with a kernel and a bias: its name in PyTorch, and the rule for its kernel."""

    name: str
    rule: ArrayRule


Layers = Sequence[Kernel]  # of a model, in the order of Keras' weights


def _unet(levels: int = 4) -> Layers:
    pairs = [Kernel(f"down.{level}.{place}", CONVOLUTION) for level in range(levels + 1) for place in (0, 2)]
    for level in range(levels):
        pairs += [
            Kernel(f"up.{level}", TRANSPOSED),
            *(Kernel(f"joined.{level}.{place}", CONVOLUTION) for place in (0, 2)),
        ]
    return [*pairs, Kernel("last", CONVOLUTION)]


LENET5: Layers = (
    Kernel("0", CONVOLUTION), Kernel("3", CONVOLUTION), Kernel("7", dense_after_flatten(5, 5, 16)), Kernel("9", DENSE),
    Kernel("11", DENSE),
)  # fmt: skip
UNET: Layers = _unet()


def to_pytorch(arrays: list[Array], layers: Layers) -> dict[str, Array]:
    """The state of the PyTorch model from Keras' weights (kernel, bias, kernel, ...). Raises DataError."""
    if len(arrays) != 2 * len(layers):
        raise DataError(f"The model has {2 * len(layers)} weights, and {len(arrays)} were given.")
    state: dict[str, Array] = {}
    for layer, kernel, bias in zip(layers, arrays[::2], arrays[1::2], strict=True):
        carried = with_kernel(layer.rule).to_pytorch({"kernel": kernel, "bias": bias})
        state |= {f"{layer.name}.{role}": np.ascontiguousarray(array) for role, array in carried.items()}
    return state


def to_keras(state: dict[str, Array], layers: Layers) -> list[Array]:
    """Keras' weights (kernel, bias, kernel, ...) from the state of the PyTorch model. Raises DataError."""
    arrays: list[Array] = []
    for layer in layers:
        if f"{layer.name}.weight" not in state:
            raise DataError(f"The model has a layer {layer.name}, which is not among: {', '.join(state)}.")
        own = {role: state[f"{layer.name}.{role}"] for role in ("weight", "bias")}
        carried = with_kernel(layer.rule).to_keras(own)
        arrays += [np.ascontiguousarray(carried[role]) for role in ("kernel", "bias")]
    return arrays


def carry(source: Path, target: Path, layers: Layers) -> None:
    """Write the weights that a Keras script saved as the npz file that the PyTorch script starts from."""
    with np.load(source) as saved:
        state = to_pytorch([saved[name] for name in saved.files], layers)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(target, **state)  # type: ignore[arg-type]
