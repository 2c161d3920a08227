"""The heat map by distance.

It needs two trials that kept their values, because `samebits locate --heat` asked for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from samebits.comparison.difference_map import DifferenceMap, StepColumns
from samebits.documents import Location, TensorDistance
from samebits.reports import heat
from samebits.reports.heat import HeatMap
from samebits.store.trace import Point

# shade -> the smallest relative distance that gets it
SHADES = {"h1": 0.0, "h2": 1e-6, "h3": 1e-4, "h4": 1e-2}
NAMES = {"h1": "below 1e-6", "h2": "1e-6 to 1e-4", "h3": "1e-4 to 1e-2", "h4": "1e-2 or more"}
UNKNOWN = "unknown"
ROOT = "(the whole model)"  # a module without a name
CODES = ("same", UNKNOWN, *SHADES)  # by the number of a cell; if it has several tensors, the largest counts
CAPTION = (
    "The trials of the record kept no values, so more trials ran for this map. It shows two of them. A colour "
    "shows the norm of the difference of a tensor, divided by its norm in the first trial. A row shows "
    "the largest value among its tensors. "
    "Outputs of modules are in the order of execution."
)


class DistanceShades:
    """Colours by relative distance."""

    def shade(self, differing: int) -> str:
        """Return the class of a cell."""
        return CODES[differing]

    def said(self, compared: int, differing: int) -> str:
        """Return the cell in words."""
        del compared
        return _words(CODES[differing])

    def key(self) -> Iterator[tuple[str, str]]:
        """Yield (class, words) of each shade."""
        yield from ((shade, _words(shade)) for shade in CODES)
        yield "unseen", "not observed, or not kept"


def _words(shade: str) -> str:
    if shade == "same":
        return "the same bits"
    return NAMES.get(shade, "different bits without a distance")


def distance_map(found: Location | None) -> HeatMap | None:
    """Return the map of what locate measured; None if it was not asked for, or nothing differed."""
    if found is None or not any(_code(value) for one in found.distances for value in one.relative):
        return None
    return heat.drawn(_table(found.distances, max(found.step, 0)), DistanceShades(), CAPTION)


def _table(distances: Sequence[TensorDistance], since: int) -> DifferenceMap:
    steps = [step for one in distances for step in one.steps if step >= 0] or [since]
    first, last = min(*steps, since), max(*steps, since) + 1
    every = max(1, -(-(last - first) // heat.COLUMNS))
    columns = StepColumns(since - (since - first) // every * every, last, every, since)
    compared, codes = (np.zeros((len(distances), columns.number), np.int64) for _ in range(2))
    for row, one in enumerate(distances):
        at = columns.of(np.array(one.steps, np.int64))
        code = np.array([_code(value) for value in one.relative], np.int64)
        compared[row, at[at >= 0]] = 1
        np.maximum.at(codes[row], at[at >= 0], code[at >= 0])
    return DifferenceMap([Point(one.kind, one.name or ROOT) for one in distances], columns, compared, codes)


def _code(relative: float | None) -> int:
    """Return the number of a distance among CODES."""
    if relative is None:
        return CODES.index(UNKNOWN)
    if relative == 0:
        return 0
    return max(CODES.index(shade) for shade, least in SHADES.items() if relative >= least)
