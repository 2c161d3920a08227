"""Reduces two tensors that differ, so that they can be shown: samples of a batch, a histogram, the order of rows.

Pure.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.tensors.size import FRACTION_BITS, element_bits, floats, ulp_distances
from samebits.tensor_pairs import MOST_SIDE, PicturePair, RowOrder, SamplePair, ShownDifference, UlpRange

MOST_SAMPLES = 2
MOST_VALUES = 16  # of a sample
MOST_LETTERS = 400
MOST_ROWS = 1 << 14  # rows whose order is compared, at most
MOST_PLACES = 16
BEFORE = 4  # values shown before the first one that differs
LEAST_SIDE = 8  # pixels of a picture, in height and in width
MOST_LONGER = 8  # times that a picture is longer than it is wide
CHANNELS = (1, 3, 4)
Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TensorPair:
    """Two tensors of one dtype and shape, as bytes in logical order."""

    one: bytes
    other: bytes
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many elements each has."""
        return int(np.prod(self.shape, dtype=object)) if self.shape else 1

    @property
    def is_whole(self) -> bool:
        """Whether both have all their elements."""
        return bool(self.count) and len(self.one) == len(self.other) and not len(self.one) % self.count

    @property
    def rows(self) -> int:
        """The size of the first dimension."""
        return self.shape[0] if self.shape else 1

    def bits(self) -> tuple[Array, Array]:
        """Return the elements of each, a row of the first dimension in each row."""
        size = len(self.one) // self.count
        one, other = (element_bits(data, size).reshape(self.rows, -1) for data in (self.one, self.other))
        return one, other


def shown_difference(pair: TensorPair, kind: str, *, is_related: bool) -> ShownDifference | None:
    """Return what a page shows of two tensors of one kind of point.

    The result is None if they are the same, or if nothing can be shown. `is_related`: whether units in the last place
    are meaningful for these tensors.
    """
    if not pair.is_whole or pair.one == pair.other:
        return None
    is_float = pair.dtype.rpartition(".")[2] in FRACTION_BITS
    has_samples = kind == "batch" or not (is_float and is_related)
    ulps, not_finite = _ulps(pair) if is_float and is_related else ([], 0)
    return ShownDifference(
        samples=list(_samples(pair, has_pictures=kind == "batch")) if has_samples else [],
        ulps=ulps,
        not_finite=not_finite,
        order=_order(pair) if has_samples else None,
    )


# -- samples ----------------------------------------------------------------------------------------------------------


def _samples(pair: TensorPair, *, has_pictures: bool) -> Iterator[SamplePair]:
    """Yield the first rows that differ; a tensor of one dimension is one row."""
    if len(pair.shape) < 2:
        pair = replace(pair, shape=(1, *pair.shape))
    one, other = pair.bits()
    unequal = one != other
    for row in np.flatnonzero(unequal.any(axis=1))[:MOST_SAMPLES].tolist():
        sides = _row(pair.one, pair, row), _row(pair.other, pair, row)
        picture = _picture([_numbers(data, pair.dtype) for data in sides], pair.shape[1:]) if has_pictures else None
        sample = SamplePair(row=row, values=unequal.shape[1], different=int(unequal[row].sum()))
        form = {"form": "picture", "picture": picture} if picture else _lines(pair, sides, int(unequal[row].argmax()))
        yield sample.model_copy(update=form)


def _lines(pair: TensorPair, sides: tuple[bytes, bytes], first: int) -> dict[str, Any]:
    """Return a row as two texts, or as its values from shortly before the first one that differs."""
    texts = [_text(data, pair.dtype) for data in sides]
    if all(texts):
        return {"form": "text", "one": texts[:1], "other": texts[1:]}
    start = max(first - BEFORE, 0)
    one, other = (_words(data, pair, start) for data in sides)
    return {"start": start, "one": one, "other": other}


def _row(data: bytes, pair: TensorPair, row: int) -> bytes:
    size = len(data) // pair.rows
    return data[row * size : (row + 1) * size]


def _numbers(data: bytes, dtype: str) -> Array | None:
    """Return the values of a row, of dtypes that are numbers."""
    if (values := floats(data, dtype)) is not None:
        return values
    try:
        element = np.dtype(dtype.rpartition(".")[2])
    except TypeError:
        return None
    return np.frombuffer(data, element) if element.kind in "biu" and not len(data) % element.itemsize else None


def _words(data: bytes, pair: TensorPair, start: int) -> list[str]:
    """Return the values from a place on, as text.

    Integers are exact, floats have nine digits, and others are in hexadecimal.
    """
    values = _numbers(data, pair.dtype)
    if values is None:
        size = len(data) // (pair.count // pair.rows)
        return [data[at : at + size].hex() for at in range(start * size, len(data), size)][:MOST_VALUES]
    some = values[start : start + MOST_VALUES].tolist()
    return [f"{value:.9g}" if isinstance(value, float) else str(value) for value in some]


def _text(data: bytes, dtype: str) -> str:
    """Return the letters of a row of bytes; empty if it is no text."""
    if dtype.rpartition(".")[2] not in ("uint8", "int8") or len(data) < LEAST_SIDE:
        return ""
    try:
        text = data.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        return ""
    is_printed = all(letter.isprintable() or letter in "\n\t" for letter in text)
    return text[:MOST_LETTERS] if is_printed and any(letter.isalpha() for letter in text) else ""


# -- pictures ---------------------------------------------------------------------------------------------------------


def _picture(sides: Sequence[Array | None], shape: tuple[int, ...]) -> PicturePair | None:
    """Return two rows as pictures; None if they do not have the shape of one."""
    planes = [plane for values in sides if values is not None and (plane := _plane(values, shape)) is not None]
    if len(planes) != 2:
        return None
    usable = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    low, high = (float(usable.min()), float(usable.max())) if len(usable) else (0.0, 0.0)
    with np.errstate(all="ignore"):  # infinity minus infinity; halves, so that the largest numbers do not overflow
        apart = np.nan_to_num(np.abs(planes[0] - planes[1]).max(axis=2), nan=high - low, posinf=high - low)
    largest = float(apart.max())
    one, other = (_pixels(_thinned(plane[:, :, :3]), low, high) for plane in planes)
    height, width, channels = one.shape
    return PicturePair(
        height=height, width=width, channels=channels, low=low, high=high, largest=largest,
        one=_encoded(one), other=_encoded(other), difference=_encoded(_pixels(_largest(apart), 0.0, largest)),
    )  # fmt: skip


def _encoded(pixels: NDArray[np.uint8]) -> str:
    return base64.b64encode(pixels.tobytes()).decode()


def _plane(values: Array, shape: tuple[int, ...]) -> Floats | None:
    """Return the values in the order height, width, channels."""
    array: NDArray[np.float64] = values.astype(np.float64).reshape(shape)
    if len(shape) == 2:
        array = array[:, :, None]
    elif len(shape) == 3 and shape[0] in CHANNELS and min(shape[1:]) >= LEAST_SIDE:
        array = array.transpose(1, 2, 0)
    elif len(shape) != 3 or shape[2] not in CHANNELS:
        return None
    height, width = array.shape[:2]
    is_picture = min(height, width) >= LEAST_SIDE and max(height, width) <= MOST_LONGER * min(height, width)
    return array if is_picture else None


def _every(side: int) -> int:
    return -(-side // MOST_SIDE)


def _thinned(plane: Floats) -> Floats:
    """Takes every second, third ... pixel, so that the picture is small enough."""
    every = max(map(_every, plane.shape[:2]))
    return plane[::every, ::every]


def _largest(apart: Floats) -> Floats:
    """Reduces to as many pixels. Each is the largest of those that it stands for, so no difference is lost."""
    every = max(map(_every, apart.shape))
    height, width = (-(-side // every) for side in apart.shape)
    padded = np.zeros((height * every, width * every))
    padded[: apart.shape[0], : apart.shape[1]] = apart
    whole: Floats = padded.reshape(height, every, width, every).max(axis=(1, 3))
    return whole


def _pixels(plane: Floats, low: float, high: float) -> NDArray[np.uint8]:
    with np.errstate(all="ignore"):
        share = np.nan_to_num((plane / 2 - low / 2) / (high / 2 - low / 2 or 1.0), nan=0.0)
        pixels: NDArray[np.uint8] = (np.clip(share, 0.0, 1.0) * 255).round().astype(np.uint8)
    return pixels


# -- units in the last place ------------------------------------------------------------------------------------------


def _ulps(pair: TensorPair) -> tuple[list[UlpRange], int]:
    """Return (how many pairs of finite values differ, how many other pairs differ).

    The first is one number for each distance in powers of two.
    """
    one, other = (part.reshape(-1) for part in pair.bits())
    values = [floats(data, pair.dtype) for data in (pair.one, pair.other)]
    unequal = one != other
    finite = unequal.copy()
    for part in values:
        finite &= np.isfinite(part) if part is not None else False
    apart = ulp_distances(one[finite], other[finite]).astype(np.float64)
    powers = np.ceil(np.log2(np.maximum(apart, 1.0))).astype(np.int64)  # 1; 2; 3 to 4; 5 to 8 ...
    counts = np.bincount(powers) if len(powers) else np.zeros(0, np.int64)
    ranges = [
        UlpRange(first=1 if not power else 2 ** (power - 1) + 1, last=2**power, values=int(number))
        for power, number in enumerate(counts.tolist())
    ]
    first = next((at for at, one_range in enumerate(ranges) if one_range.values), 0)
    return ranges[first:], int(unequal.sum() - finite.sum())


# -- the order of rows ------------------------------------------------------------------------------------------------


def _order(pair: TensorPair) -> RowOrder | None:
    """Return which rows of the two are the same.

    The result is None if there is one row, if there are too many, or if no row changed its place.
    """
    if not 1 < pair.rows <= MOST_ROWS:
        return None
    one, other = ([_row(data, pair, row) for row in range(pair.rows)] for data in (pair.one, pair.other))
    rest = [row for row in range(pair.rows) if one[row] != other[row]]
    rows_by_content = defaultdict[bytes, list[int]](list)
    for row in reversed(rest):
        rows_by_content[other[row]].append(row)
    places = [[row, rows_by_content[one[row]].pop()] for row in rest if rows_by_content[one[row]]]
    if not places:
        return None
    return RowOrder(
        rows=pair.rows, same=pair.rows - len(rest), moved=len(places), alone=len(rest) - len(places),
        places=places[:MOST_PLACES],
    )  # fmt: skip
