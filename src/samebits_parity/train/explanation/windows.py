"""The windows that a convolution or a pooling sees, under every padding that libraries have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from samebits_parity.train.values import Array

_STRIDES = (1, 2, 3, 4)


def every(
    x: Array, size: tuple[int, ...], shape: tuple[int, ...], fill: float | None = None
) -> Iterator[tuple[str, Array]]:
    """(padding in words, windows) of one sample (1, h, w, c), with which an output is of `shape` (rows, columns).

    Windows are (rows, columns, height, width, channels). `fill`: what is padded with; None for zeros, and for what is
    copied from the input.
    """
    for stride in _STRIDES:
        seen = set[tuple[tuple[int, int], ...]]()
        for pads in _paddings(x.shape[1:3], size, shape, stride):
            if pads not in seen:
                seen.add(pads)
                for mode, padded in _padded(x[0], pads, fill):
                    yield _words(pads, stride) + mode, _windows(padded, size, stride)


def _padded(x: Array, pads: tuple[tuple[int, int], ...], fill: float | None) -> Iterator[tuple[str, Array]]:
    both = (*pads, (0, 0))
    yield "", np.pad(x, both, constant_values=fill or 0.0)
    if (
        fill is None
        and any(max(one) for one in pads)
        and all(max(one) < n for one, n in zip(pads, x.shape, strict=False))
    ):
        yield ", with copies of the edge", np.pad(x, both, mode="edge")
        yield ", mirrored at the edge", np.pad(x, both, mode="reflect")
        yield ", from the other side", np.pad(x, both, mode="wrap")


def _paddings(
    given: tuple[int, ...], size: tuple[int, ...], shape: tuple[int, ...], stride: int
) -> Iterator[tuple[tuple[int, int], ...]]:
    """((above, below), (left, right)): none, the most at the end (TensorFlow's same), equal, the most at the start."""
    needed = [(out - 1) * stride + length - n for n, length, out in zip(given, size, shape, strict=True)]
    if all(one <= 0 for one in needed) and all(
        (n - length) // stride + 1 == out for n, length, out in zip(given, size, shape, strict=True)
    ):
        yield ((0, 0), (0, 0))
    if any(one < 0 for one in needed):
        return
    yield tuple((one // 2, one - one // 2) for one in needed)
    yield tuple((-(-one // 2), -(-one // 2)) for one in needed)
    yield tuple((one - one // 2, one // 2) for one in needed)


def _windows(padded: Array, size: tuple[int, ...], stride: int) -> Array:
    seen = np.lib.stride_tricks.sliding_window_view(padded, size, (0, 1))[::stride, ::stride]
    windows: Array = np.moveaxis(seen, 2, -1)
    return windows


def _words(pads: tuple[tuple[int, int], ...], stride: int) -> str:
    if pads == ((0, 0), (0, 0)):
        return f"none (stride {stride})"
    (above, below), (left, right) = pads
    if above == below and left == right:
        return f"{above} on every side (stride {stride})" if above == left else f"{above} and {left} (stride {stride})"
    return f"{above} above and {below} below, {left} left and {right} right (stride {stride})"
