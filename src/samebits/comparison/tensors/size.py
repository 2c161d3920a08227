"""Measures how far two tensors are apart, and says what the difference looks like.

The tensors are those of the divergence, captured when two trials of different groups run again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.documents import Size

__all__ = ["FRACTION_BITS", "element_bits", "floats", "measure", "relative_distance", "ulp_distances", "update_looks"]

Floats = NDArray[np.float64]
_FLOATS = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
FRACTION_BITS = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
# a sum in a different order changes by at most so many units in the last place of its largest terms
_ROUNDING = {"float16": 4.0, "bfloat16": 2.0, "float32": 64.0, "float64": 64.0}
_SAME_FACTOR = 16.0  # ratios within so many units in the last place count as one factor
_ALIKE = 0.99  # the cosine from which on two tensors are close
_CLEARLY = 4.0  # times the spread of the ratios (or differences), from which on they are not rounding


def measure(a: bytes, b: bytes, dtype: str, shape: tuple[int, ...]) -> Size:
    """Compare two tensors of one dtype and shape, given as bytes in logical order.

    `dtype`: "float32", "torch.float32", "bfloat16", "int64" ... `max_ulp` and `max_relative` are for floating point
    only, over pairs of finite numbers; `looks` is a phrase, empty for equal tensors.
    """
    name = dtype.rpartition(".")[2]
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if len(a) != len(b) or count == 0 or len(a) % count:
        return Size(elements=count, different=count if a != b else 0, looks="like a different shape" if a != b else "")
    bits_a, bits_b = element_bits(a, len(a) // count), element_bits(b, len(b) // count)
    unequal = bits_a != bits_b
    different = int(unequal.sum())
    if not different:
        return Size(elements=count, different=0)
    if _FLOATS.get(name) != len(a) // count:
        return Size(elements=count, different=different, looks=_plain_looks(bits_a, bits_b, shape))
    with np.errstate(all="ignore"):  # numbers at the ends of their range overflow; comparisons below allow for it
        return _of_floats((bits_a, bits_b), name, shape)


def _of_floats(bits: tuple[NDArray[Any], NDArray[Any]], name: str, shape: tuple[int, ...]) -> Size:
    unequal = bits[0] != bits[1]
    x, y = (_values(part, name) for part in bits)
    finite = unequal & np.isfinite(x) & np.isfinite(y)
    return Size(
        elements=len(unequal),
        different=int(unequal.sum()),
        max_ulp=_max_ulp(bits[0][finite], bits[1][finite]),
        max_relative=_max_relative(x[finite], y[finite]),
        looks=_looks(x, y, bits, (name, shape)),
        unrelated=_is_unrelated(x[finite], y[finite], 2.0 ** -FRACTION_BITS[name] * _ROUNDING[name]),
    )


def element_bits(data: bytes, size: int) -> NDArray[Any]:
    """Return the elements as unsigned integers; as raw bytes if there is no integer of that size."""
    return np.frombuffer(data, f"<u{size}" if size in (1, 2, 4, 8) else f"V{size}")


def _values(bits: NDArray[Any], name: str) -> Floats:
    if name == "bfloat16":
        bits = (bits.astype("<u4") << np.uint32(16)).astype("<u4")
    values: Floats = bits.view(f"<f{bits.itemsize}").astype(np.float64)
    return values


def floats(data: bytes, dtype: str) -> Floats | None:
    """Return the values of a tensor of this dtype; None if it is not floating point."""
    name = dtype.rpartition(".")[2]
    size = _FLOATS.get(name)
    return _values(element_bits(data, size), name) if size and not len(data) % size else None


def _max_ulp(a: NDArray[Any], b: NDArray[Any]) -> int | None:
    """Return the largest number of representable values between the two elements of a pair."""
    return int(ulp_distances(a, b).max()) if len(a) else None


def ulp_distances(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return how many representable values the floats of each pair are apart. The floats are given as bits."""
    x, y = _ordered(a), _ordered(b)
    apart: NDArray[Any] = np.where(x > y, x - y, y - x)
    return apart


def _ordered(bits: NDArray[Any]) -> NDArray[Any]:
    """Map bits to unsigned integers in the order of the floats that they stand for."""
    sign = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    return np.where(bits & sign, ~bits, bits | sign)


def _max_relative(x: Floats, y: Floats) -> float | None:
    if not len(x):
        return None
    larger = np.maximum(np.abs(x), np.abs(y))
    apart = np.abs(x / 2 - y / 2) * 2
    return float(np.minimum(np.divide(apart, larger, out=np.zeros_like(apart), where=larger > 0), 2.0).max())


def _plain_looks(a: NDArray[Any], b: NDArray[Any], shape: tuple[int, ...]) -> str:
    """Describe the difference of integers, truth values and formats without arithmetic here."""
    return _order((a, b), shape) or _rows_look(a, b, shape) or "like different values"


def _looks(x: Floats, y: Floats, bits: tuple[NDArray[Any], NDArray[Any]], kind: tuple[str, tuple[int, ...]]) -> str:
    """Return the first phrase that fits; the most specific come first."""
    name, shape = kind
    if (np.isfinite(x) != np.isfinite(y)).any():
        return "like an overflow: NaN or infinity in one, numbers in the other"
    usable = np.isfinite(x)
    x, y, unit = x[usable], y[usable], 2.0 ** -FRACTION_BITS[name]
    if not (x != y).any():
        return "like different zeros or NaNs: the numbers are the same, their signs or payloads are not"
    look = _order(bits, shape) or _factor(x, y, unit) or _offset(x, y, unit) or _rounding(x, y, unit * _ROUNDING[name])
    return look or _rows_look(*bits, shape) or _sample(x, y)


def _rounding(x: Floats, y: Floats, bound: float) -> str:
    """Return a phrase if all differences are small against the largest number; else empty.

    Elements near zero may be off by many of their own units.
    """
    largest = float(np.maximum(np.abs(x), np.abs(y)).max())
    if not float(np.abs(x - y).max()) <= bound * largest:
        return ""
    few = int((x != y).sum()) <= len(x) // 10
    return "like rounding: same sums in a different order" + (", in few values" if few else "")


def _order(bits: tuple[NDArray[Any], NDArray[Any]], shape: tuple[int, ...]) -> str:
    """Return a phrase if the same values are at different places; else empty."""
    a, b = bits
    if len(shape) > 1 and _same_rows(a, b, shape):
        return "like the same rows in a different order"
    return "like the same values in a different order" if _same_rows(a, b, (len(a),)) else ""


def _same_rows(a: NDArray[Any], b: NDArray[Any], shape: tuple[int, ...]) -> bool:
    if not shape or shape[0] < 2:
        return False
    rows = [np.ascontiguousarray(part).view("u1").reshape(shape[0], -1) for part in (a, b)]
    kind = f"V{rows[0].shape[1]}"
    x, y = (np.sort(np.frombuffer(part.tobytes(), f"S{part.shape[1]}")) for part in rows)
    return bool((x.view(kind) == y.view(kind)).all())


def _factor(x: Floats, y: Floats, unit: float) -> str:
    """Return a phrase if one tensor is a multiple of the other; else empty."""
    both = (x != 0) & (y != 0)
    if both.sum() < 2 or ((x == 0) != (y == 0)).any():
        return ""
    ratio = y[both] / x[both]
    middle = float(np.median(ratio))
    spread = float(np.abs(ratio - middle).max())
    if not spread <= _SAME_FACTOR * unit * abs(middle) or abs(middle - 1) < _CLEARLY * max(spread, unit):
        return ""
    return f"like a different computation: the values differ by one common factor of {middle:.6g}"


def _offset(x: Floats, y: Floats, unit: float) -> str:
    """Return a phrase if all elements moved by the same amount; else empty."""
    apart = y - x
    middle = float(np.median(apart))
    scale = max(float(np.abs(x).max()), float(np.abs(y).max()))
    spread = float(np.abs(apart - middle).max())
    if len(x) < 2 or not spread <= _SAME_FACTOR * unit * scale or abs(middle) < _CLEARLY * max(spread, unit * scale):
        return ""
    return f"like a different computation: {middle:.6g} was added to all values"


def _rows_look(a: NDArray[Any], b: NDArray[Any], shape: tuple[int, ...]) -> str:
    """Return a phrase if some rows differ and others are the same; else empty."""
    if len(shape) < 2 or shape[0] < 2:
        return ""
    changed = int((a != b).reshape(shape[0], -1).any(axis=1).sum())
    differ = "differs" if changed == 1 else "differ"
    return f"like different rows: {changed:,} of {shape[0]:,} {differ}" if changed < shape[0] else ""


def _sample(x: Floats, y: Floats) -> str:
    """Return a phrase that says whether the two tensors are related at all."""
    if len(x) > 1 and _likeness(x, y) > _ALIKE:
        return "like a different computation: close, but rounding does not explain the difference"
    return "like a different sample: the values have little in common"


def _likeness(x: Floats, y: Floats) -> float:
    """Return the cosine between the two: 1 if one is a positive multiple of the other."""
    return float(np.dot(x, y) / np.sqrt(np.dot(x, x) * np.dot(y, y)))


def _is_unrelated(x: Floats, y: Floats, bound: float) -> bool:
    """Return whether the pairs that differ differ by more than rounding, and have little in common."""
    return len(x) > 1 and not _rounding(x, y, bound) and not _likeness(x, y) > _ALIKE


# -- whether a step moved one trial's tensor by a multiple of the other's ---------------------------------------------


_NOISE = 4.0  # units in the last place by which a weight may be rounded as it is moved
_CLEARLY_MULTIPLE = 8.0  # times the noise of the factor, from which on it is not 1


def relative_distance(a: bytes, b: bytes, dtype: str) -> float | None:
    """||a - b|| / ||a||; None if the tensors are not floating point, if either holds infinity or NaN, or if a norm is
    zero or too large for a float.
    """
    x, y = floats(a, dtype), floats(b, dtype)
    if x is None or y is None or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    with np.errstate(over="ignore"):
        whole, apart = float(np.linalg.norm(x)), float(np.linalg.norm(x - y))
    return apart / whole if whole and np.isfinite((whole, apart)).all() else None


def update_looks(before: bytes, after: tuple[bytes, bytes], dtype: str) -> str:
    """Return a phrase if one trial's step is a multiple of the other's; else empty.

    Both steps begin with `before`. A weight hides such a factor, because the step is small against it. The factor shows
    in what was added, up to the rounding of the sum.
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
    if abs(factor - 1) * np.sqrt(square) < _CLEARLY_MULTIPLE * float(np.linalg.norm(noise)):
        return ""
    return f"like a different computation: the steps of the two trials differ by one common factor of {factor:.6g}"
