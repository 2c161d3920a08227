"""How far two trials' tensors are apart as a whole, and whether one step moved them by multiples of each other."""

from __future__ import annotations

import numpy as np

from samebits.compare.size import FRACTION_BITS, Floats, floats

_NOISE = 4.0  # units in the last place by which a weight may be rounded as it is moved
_CLEARLY = 8.0  # times the noise of the factor, from which on it is not 1


def relative_distance(a: bytes, b: bytes, dtype: str) -> float | None:
    """||a - b|| / ||a||; None for what is no floating point, or where either holds infinity or NaN, or has
    a norm that is zero or too large for a float."""
    x, y = floats(a, dtype), floats(b, dtype)
    if x is None or y is None or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    with np.errstate(over="ignore"):
        whole, apart = float(np.linalg.norm(x)), float(np.linalg.norm(x - y))
    return apart / whole if whole and np.isfinite((whole, apart)).all() else None


def update_looks(before: bytes, after: tuple[bytes, bytes], dtype: str) -> str:
    """A phrase where one trial's step is a multiple of the other's; else empty.

    Both begin with `before`. A weight hides such a factor, since the step is small against it: it shows in what was
    added, up to the rounding of the sum.
    """
    start, x, y = (floats(data, dtype) for data in (before, *after))
    if start is None or x is None or y is None or not start.shape == x.shape == y.shape or len(start) < 2:
        return ""
    moved, other = x - start, y - start
    square = float(np.dot(moved, moved))
    if not np.isfinite(square) or not square:
        return ""
    factor = float(np.dot(moved, other)) / square
    largest: Floats = np.maximum(np.abs(start), np.maximum(np.abs(x), np.abs(y)))
    noise = _NOISE * 2.0 ** -FRACTION_BITS[dtype.rpartition(".")[2]] * largest * max(1.0, abs(factor))
    if (np.abs(other - factor * moved) > noise).any():
        return ""
    if abs(factor - 1) * np.sqrt(square) < _CLEARLY * float(np.linalg.norm(noise)):
        return ""
    return f"like a different computation: the step of one is the other's times one common factor of {factor:.6g}"
