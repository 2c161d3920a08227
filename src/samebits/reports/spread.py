"""How a difference spreads over layers and steps. For pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from samebits.comparison.traces.difference_map import DifferenceMap, StepColumns
from samebits.documents import Location, TensorDistance
from samebits.model import Result
from samebits.reports import heat
from samebits.reports.heat import HeatMap, differences, heat_map
from samebits.reports.tree import PAGE, Section
from samebits.store.record import Record
from samebits.store.trace import Point


def spread(result: Result, record: Record | None) -> Iterator[Section]:
    """Yield a section for each figure; nothing if nothing that a step observes differs."""
    figures = (
        ("What differs, layer by layer and step by step", "heat", heat_map(result, differences(result, record))),
        ("How far two trials are apart, layer by layer and step by step", "distances", distance_map(result.location)),
    )
    for title, anchor, figure in figures:
        if figure is not None:
            yield Section(title, anchor, (figure,), on=PAGE)


# -- how far two trials are apart -------------------------------------------------------------------------------------


# shade -> the smallest relative distance that gets it
SHADES = {"h1": 0.0, "h2": 1e-6, "h3": 1e-4, "h4": 1e-2}
NAMES = {"h1": "below 1e-6", "h2": "1e-6 to 1e-4", "h3": "1e-4 to 1e-2", "h4": "1e-2 or more"}
UNKNOWN = "unknown"
ROOT = "(the whole model)"  # a module without a name
CODES = ("same", UNKNOWN, *SHADES)  # by the number of a cell; if it has several tensors, the largest counts
DISTANCE_CAPTION = (
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


def distance_map(location: Location | None) -> HeatMap | None:
    """Return the map of what locate measured; None if it was not asked for, or nothing differed."""
    if location is None or not any(_code(value) for tensor in location.distances for value in tensor.relative):
        return None
    return heat.drawn(_table(location.distances, max(location.step, 0)), DistanceShades(), DISTANCE_CAPTION)


def _table(distances: Sequence[TensorDistance], since: int) -> DifferenceMap:
    steps = [step for tensor in distances for step in tensor.steps if step >= 0] or [since]
    first, last = min(*steps, since), max(*steps, since) + 1
    every = max(1, -(-(last - first) // heat.COLUMNS))
    columns = StepColumns(since - (since - first) // every * every, last, every, since)
    compared, codes = (np.zeros((len(distances), columns.number), np.int64) for _ in range(2))
    for row, tensor in enumerate(distances):
        at = columns.of(np.array(tensor.steps, np.int64))
        code = np.array([_code(value) for value in tensor.relative], np.int64)
        compared[row, at[at >= 0]] = 1
        np.maximum.at(codes[row], at[at >= 0], code[at >= 0])
    return DifferenceMap([Point(tensor.kind, tensor.name or ROOT) for tensor in distances], columns, compared, codes)


def _code(relative: float | None) -> int:
    """Return the number of a distance among CODES."""
    if relative is None:
        return CODES.index(UNKNOWN)
    if relative == 0:
        return 0
    return max(CODES.index(shade) for shade, least in SHADES.items() if relative >= least)
