"""What a convolution, pooling, resizing or activation may mean: each meaning is a formula on rows, in float64."""

from __future__ import annotations

import math

import numpy as np

from samebits_parity.defaults.hypotheses import Array


def windows(row: Array, size: int, stride: int, pads: tuple[int, int], value: float = 0.0) -> Array:
    """Windows (n, size) of a row with `value` put at both ends, as many as fit."""
    full = np.concatenate([np.full(pads[0], value), row, np.full(pads[1], value)])
    return np.lib.stride_tricks.sliding_window_view(full, size)[::stride]


def convolved(row: Array, kernel: Array, stride: int, pads: tuple[int, int]) -> Array:
    """Correlation: the kernel is not turned."""
    value: Array = windows(row, len(kernel), stride, pads) @ kernel
    return value


def transposed(row: Array, kernel: Array, stride: int) -> Array:
    """A transposed convolution, whole: ((n - 1) stride + size,)."""
    whole = np.zeros((len(row) - 1) * stride + len(kernel))
    for place, value in enumerate(row):
        whole[place * stride : place * stride + len(kernel)] += value * kernel
    return whole


def averaged(row: Array, size: int, stride: int, pads: tuple[int, int], padding: str) -> Array:
    """Average pooling; padding is counted as `zero`, as the `edge` value beside it, or is `absent`."""
    inside = windows(row, size, stride, pads, np.nan)
    if padding == "edge":
        inside = windows(np.pad(row, pads, mode="edge"), size, stride, (0, 0))
    if padding == "zero":
        inside = np.nan_to_num(inside)
    means: Array = np.nanmean(inside, axis=1)
    return means


def nearest(row: Array) -> Array:
    """Twice as long, each value twice."""
    return np.repeat(row, 2)


def linear(row: Array, corners: str) -> Array:
    """Twice as long, linear between values; `corners`: half (pixel centres), aligned, or start."""
    new = np.arange(2 * len(row), dtype=float)
    places = {
        "half": (new + 0.5) / 2 - 0.5,
        "aligned": new * (len(row) - 1) / (2 * len(row) - 1),
        "start": new / 2,
    }[corners]
    return np.interp(places, np.arange(len(row)), row)


def gelu(x: Array, *, exact: bool) -> Array:
    """x times the normal distribution function, or its approximation by tanh (Hendrycks and Gimpel 2016)."""
    if exact:
        return np.array([value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in x])
    value: Array = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return value
