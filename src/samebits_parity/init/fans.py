"""Fan-in and fan-out of a kernel: how many inputs an output is made of, and how many outputs an input goes into.

Strides are taken as one. `order`: where a library has the channels of a kernel; Keras and JAX have them last, PyTorch
first.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

Layout = Literal["dense", "convolution", "transposed", "depthwise", "vector"]
Order = Literal["last", "first"]


class Fans(NamedTuple):
    """`into`: fan-in; `out`: fan-out."""

    into: float
    out: float

    @property
    def swapped(self) -> Fans:
        """The two the other way round."""
        return Fans(self.out, self.into)


def ordinary(shape: tuple[int, ...], order: Order) -> Fans:
    """Of a shape read as a dense layer's or an ordinary convolution's kernel, whatever layer it belongs to."""
    if len(shape) < 2:
        return Fans(math.prod(shape), math.prod(shape))
    if order == "first":
        (out, into), window = shape[:2], math.prod(shape[2:])
    else:
        (into, out), window = shape[-2:], math.prod(shape[:-2])
    return Fans(window * into, window * out)


def of_layer(shape: tuple[int, ...], layout: Layout, order: Order, groups: int = 1) -> Fans:
    """Of a kernel in its layer. `groups`: of the channels, where the kernel does not say it (PyTorch's)."""
    fans = ordinary(shape, order)
    if len(shape) < 2:
        return fans
    if layout == "transposed":
        return fans.swapped
    if layout == "depthwise":
        return Fans(fans.into, fans.out / groups) if order == "first" else Fans(fans.into / shape[-2], fans.out)
    return fans
