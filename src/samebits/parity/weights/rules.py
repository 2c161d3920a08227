"""How one array of a layer goes from Keras' order of axes to PyTorch's, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]


class Rule(NamedTuple):
    """The same numbers in the order of either library; each undoes the other."""

    to_pytorch: Callable[[Array], Array]
    to_keras: Callable[[Array], Array]


# (height, width, in, out) of Keras, (out, in, height, width) of PyTorch
CONVOLUTION = Rule(lambda kernel: kernel.transpose(3, 2, 0, 1), lambda kernel: kernel.transpose(2, 3, 1, 0))
# (height, width, out, in) of Keras, (in, out, height, width) of PyTorch
TRANSPOSED = Rule(lambda kernel: kernel.transpose(3, 2, 0, 1), lambda kernel: kernel.transpose(2, 3, 1, 0))
# (in, out) of Keras, (out, in) of PyTorch
DENSE = Rule(lambda kernel: kernel.T, lambda kernel: kernel.T)


def dense_after_flatten(height: int, width: int, channels: int) -> Rule:
    """As `DENSE`, where Keras flattens (height, width, channels) and PyTorch (channels, height, width)."""

    def to_pytorch(kernel: Array) -> Array:
        apart = kernel.reshape(height, width, channels, -1)
        rows: Array = apart.transpose(3, 2, 0, 1).reshape(kernel.shape[1], -1)
        return rows

    def to_keras(kernel: Array) -> Array:
        apart = kernel.reshape(-1, channels, height, width)
        columns: Array = apart.transpose(2, 3, 1, 0).reshape(-1, kernel.shape[0])
        return columns

    return Rule(to_pytorch, to_keras)
