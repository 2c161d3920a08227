"""Holds one difference in what trials left."""

from __future__ import annotations

import re
from dataclasses import dataclass

from samebits.comparison.evidence.judge import Effect

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
_FRACTION = re.compile(r"\d[.,]\d|\d[eE]-\d")


@dataclass(frozen=True)
class FileDifference:
    """A part of a file, a printed line, or a metric that differs, and what the difference means.

    `missing`: it is a file that --artifact names, and only one trial wrote it. `path`: a pattern that matches the file
    in each run. `values`: those of both trials, if they were kept. `is_caveat`: it is not understood, but it is not
    a difference in a result, such as the lines of a first run. `by_name`: only its name explains it. `is_open`: trials
    with a faster clock could explain it. `is_result`: such trials took part, and it is not a time.
    """

    name: str
    detail: str
    missing: bool = False
    effect: Effect = "counts"
    reason: str = ""
    path: str = ""
    values: tuple[str, str] = ("", "")
    is_caveat: bool = False
    by_name: bool = False
    is_open: bool = False
    is_result: bool = False

    @property
    def is_number(self) -> bool:
        """Whether the two values differ only in numbers that have a fraction. A count may be a fact of the machine."""
        first, second = (_NUMBER.split(value) for value in self.values)
        return first == second and len(first) > 1 and all(map(_FRACTION.search, self.values))
