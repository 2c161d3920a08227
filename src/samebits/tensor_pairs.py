"""Defines the documents that show two different tensors: samples, a histogram of ULPs, the order of rows."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import model_validator

from samebits.document import AnyNumber, Document, Pair

__all__ = [
    "MOST_RUNS",
    "MOST_SIDE",
    "WITH_TENSORS",
    "PicturePair",
    "RowOrder",
    "SamplePair",
    "ShownDifference",
    "UlpRange",
]

WITH_TENSORS = ("start", "batch", "forward", "gradient", "update")  # kinds of divergences that have a tensor
MOST_RUNS = 4  # of a program, until two of them diverge at the same point again
MOST_SIDE = 32  # pixels of a picture, in height and in width


class PicturePair(Document):
    """Two pictures and their difference, scaled down. Pixels are 0 to 255 in base64, row by row, channels last.

    `low`, `high`: the values for which 0 and 255 stand in the two pictures. `largest`: the difference for which 255
    stands. The difference has one channel.
    """

    height: int
    width: int
    channels: int
    low: AnyNumber
    high: AnyNumber
    largest: AnyNumber
    one: str
    other: str
    difference: str

    @model_validator(mode="after")
    def _with_all_pixels(self) -> PicturePair:
        """Raise ValueError if the sizes are wrong."""
        area = self.height * self.width
        sizes = ((self.one, area * self.channels), (self.other, area * self.channels), (self.difference, area))
        if not (0 < area <= MOST_SIDE**2 and self.channels in (1, 3)):
            raise ValueError("a picture of an impossible size")
        if any(len(base64.b64decode(pixels, validate=True)) != size for pixels, size in sizes):
            raise ValueError("a picture without all its pixels")
        return self


class SamplePair(Document):
    """One row of a tensor in two trials: a picture, a text or numbers.

    `values`: how many values the row has. `one`, `other`: some of these, from `start` on.
    """

    row: int
    values: int
    different: int
    picture: PicturePair | None = None
    form: Literal["picture", "text", "numbers"] = "numbers"
    start: int = 0
    one: list[str] = []
    other: list[str] = []


class UlpRange(Document):
    """One bar of the histogram: `values` pairs of values are `first` to `last` units in the last place apart."""

    first: int
    last: int
    values: int


class RowOrder(Document):
    """The rows of two tensors. `same`: equal at one place. `moved`: equal at different places. `alone`: in one only.

    `places`: for the first rows that moved, the place in the one and in the other.
    """

    rows: int
    same: int
    moved: int
    alone: int
    places: list[Annotated[list[int], Pair]] = []


class ShownDifference(Document):
    """A difference, small enough to be shown. `not_finite`: how many differing pairs hold infinity or NaN."""

    samples: list[SamplePair] = []
    ulps: list[UlpRange] = []
    not_finite: int = 0
    order: RowOrder | None = None
