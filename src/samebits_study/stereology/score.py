"""A number that may be undefined, and then says why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A finite number, or None with the reason in `undefined`. Never NaN."""

    value: float | None
    undefined: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.undefined) or not math.isfinite(self.value or 0.0):
            raise ValueError(f"a score is a finite number or says why there is none, not {self!r}")

    def shown(self, digits: int = 3) -> str:
        """For a table: the number with so many digits after the point, or `undefined: no cell in the ground truth`."""
        return f"undefined: {self.undefined}" if self.value is None else f"{self.value:.{digits}f}"


def ratio(part: float, whole: float, undefined: str) -> Score:
    """A part of a whole; where the whole is 0, undefined for this reason."""
    return Score(part / whole) if whole else Score(None, undefined)


def mean(scores: Sequence[Score], undefined: str) -> Score:
    """The mean of those that are defined; where none is, undefined for this reason."""
    values = [score.value for score in scores if score.value is not None]
    return ratio(math.fsum(values), len(values), undefined)
