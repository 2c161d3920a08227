"""Weights of the studies' Keras models in the form of the PyTorch ones, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.errors import DataError

Array = NDArray[Any]


class Layer(NamedTuple):
    """A layer with a kernel and a bias: its name in PyTorch, and its kernel from Keras' order of axes and back."""

    name: str
    to_pytorch: Callable[[Array], Array]
    to_keras: Callable[[Array], Array]


def convolution(name: str) -> Layer:
    """Keras (height, width, in, out); PyTorch (out, in, height, width)."""
    return Layer(name, lambda kernel: kernel.transpose(3, 2, 0, 1), lambda kernel: kernel.transpose(2, 3, 1, 0))


def transposed(name: str) -> Layer:
    """Keras (height, width, out, in); PyTorch (in, out, height, width)."""
    return Layer(name, lambda kernel: kernel.transpose(3, 2, 0, 1), lambda kernel: kernel.transpose(2, 3, 1, 0))


def dense(name: str) -> Layer:
    """Keras (in, out); PyTorch (out, in)."""
    return Layer(name, lambda kernel: kernel.T, lambda kernel: kernel.T)


def dense_after_flatten(name: str, height: int, width: int, channels: int) -> Layer:
    """As `dense`, where Keras flattens (height, width, channels) and PyTorch (channels, height, width)."""

    def to_pytorch(kernel: Array) -> Array:
        apart = kernel.reshape(height, width, channels, -1)
        rows: Array = apart.transpose(3, 2, 0, 1).reshape(kernel.shape[1], -1)
        return rows

    def to_keras(kernel: Array) -> Array:
        apart = kernel.reshape(-1, channels, height, width)
        columns: Array = apart.transpose(2, 3, 1, 0).reshape(-1, kernel.shape[0])
        return columns

    return Layer(name, to_pytorch, to_keras)


def _unet(levels: int = 4) -> list[Layer]:
    pairs = [convolution(f"down.{level}.{place}") for level in range(levels + 1) for place in (0, 2)]
    for level in range(levels):
        pairs += [transposed(f"up.{level}"), convolution(f"joined.{level}.0"), convolution(f"joined.{level}.2")]
    return [*pairs, convolution("last")]


# a study's layers, in the order of Keras' weights
LAYERS: dict[str, list[Layer]] = {
    "lenet5": [
        convolution("0"), convolution("3"), dense_after_flatten("7", 5, 5, 16), dense("9"), dense("11"),
    ],
    "unet": _unet(),
}  # fmt: skip


def layers_of(study: str) -> list[Layer]:
    """The layers of a study's model. Raises DataError."""
    if study not in LAYERS:
        what = f"How the weights of {study} go from Keras to PyTorch is not known."
        raise DataError(what, "LAYERS in study/weights.py says it for each study.")
    return LAYERS[study]


def to_pytorch(arrays: list[Array], study: str) -> dict[str, Array]:
    """The state of the PyTorch model from Keras' weights (kernel, bias, kernel, ...). Raises DataError."""
    layers = layers_of(study)
    if len(arrays) != 2 * len(layers):
        raise DataError(f"The {study} model has {2 * len(layers)} weights, and {len(arrays)} were given.")
    state: dict[str, Array] = {}
    for layer, kernel, bias in zip(layers, arrays[::2], arrays[1::2], strict=True):
        state[f"{layer.name}.weight"] = np.ascontiguousarray(layer.to_pytorch(kernel))
        state[f"{layer.name}.bias"] = bias
    return state


def to_keras(state: dict[str, Array], study: str) -> list[Array]:
    """Keras' weights (kernel, bias, kernel, ...) from the state of the PyTorch model. Raises DataError."""
    arrays: list[Array] = []
    for layer in layers_of(study):
        if f"{layer.name}.weight" not in state:
            raise DataError(f"The {study} model has a layer {layer.name}, which is not among: {', '.join(state)}.")
        arrays += [np.ascontiguousarray(layer.to_keras(state[f"{layer.name}.weight"])), state[f"{layer.name}.bias"]]
    return arrays


def carry(source: Path, target: Path, study: str) -> None:
    """Write the weights that a Keras script saved as the npz file that the PyTorch script starts from."""
    with np.load(source) as saved:
        state = to_pytorch([saved[name] for name in saved.files], study)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(target, **state)  # type: ignore[arg-type]
