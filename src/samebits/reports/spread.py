"""How a difference spreads: in the step in which trials diverge, and over layers and steps. For pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from samebits import words
from samebits.comparison.traces.difference_map import DifferenceMap, StepColumns
from samebits.documents import Location, TensorDistance
from samebits.model import Divergence, Result
from samebits.reports import heat, result_words
from samebits.reports.heat import DIGEST, HeatMap, differences, heat_map, layer_names
from samebits.reports.tree import PAGE, Block, Format, Mark, Marks, NestedTree, Section
from samebits.store.record import Record
from samebits.store.trace import Point


def spread(result: Result, record: Record | None) -> Iterator[Section]:
    """Yield a section for each figure; nothing if nothing that a step observes differs."""
    grid = differences(result, record)
    figures = (
        ("The step in which they diverge", "step", timeline(result, grid)),
        ("What differs, layer by layer and step by step", "heat", heat_map(result, grid)),
        ("How far two trials are apart, layer by layer and step by step", "distances", distance_map(result.location)),
    )
    for title, anchor, figure in figures:
        if figure is not None:
            yield Section(title, anchor, (figure,), on=PAGE)


# -- the step in which they diverge -----------------------------------------------------------------------------------


MOST_SAME = 6  # how many layers are named if nothing differs
MOST_NAMES = 8
CAPTION = "What was observed, from top to bottom in the order of a step. The trials diverge at the filled sign."


@dataclass(frozen=True)
class Station:
    """What a step does with one kind of thing.

    `grown`: what `samebits locate` found inside the first difference, if that lies here.
    """

    kind: str
    about: str
    marks: Marks
    grown: NestedTree | None = None


@dataclass(frozen=True)
class Timeline(Block):
    """The stations of a step, in their order."""

    caption: str
    stations: tuple[Station, ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


def timeline(result: Result, grid: DifferenceMap | None) -> Timeline | None:
    """Return the step of the divergence; None if nothing in it is where trials diverge."""
    if grid is None or result.divergence is None:
        return None
    stations = tuple(_stations(result, result.divergence, grid))
    is_marked = any(mark.is_first for station in stations for mark in station.marks.marks)
    return Timeline(CAPTION, stations) if is_marked else None


def _stations(result: Result, divergence: Divergence, grid: DifferenceMap) -> Iterator[Station]:
    for kind in result_words.JUDGED_KINDS:
        marks = tuple(_rng(result) if kind == "rng" else _layers(kind, divergence, grid))
        is_first = any(mark.is_first for mark in marks)
        if marks:
            row = Marks(marks, f"{kind} of this step")
            yield Station(kind, result_words.KIND_WORDS[kind], row, _grown(result) if is_first else None)


def _grown(result: Result) -> NestedTree | None:
    """Return the path that `samebits locate` found within the step."""
    located = result.location.path if result.location is not None else []
    return NestedTree(tuple((part.level, part.name, part.detail) for part in located)) if located else None


def _rng(result: Result) -> Iterator[Mark]:
    """Yield all random generators as one station: a trial may hold many, and uses few."""
    mark = result.judged.get("rng", "-")
    if mark in ("=", "!"):
        is_first = result.divergence is not None and result.divergence.kind == "rng"
        yield Mark("generators", result_words.MARKS[mark], result_words.MARK_WORDS[mark], is_first=is_first)


def _layers(kind: str, divergence: Divergence, grid: DifferenceMap) -> Iterator[Mark]:
    column = grid.columns.number - 1 if divergence.kind == "end" else grid.columns.own if divergence.step >= 0 else 0
    places = [n for n, point in enumerate(grid.points) if point.kind == kind and grid.compared[n, column]]
    if not places:
        return
    layers: dict[str, list[int]] = {}
    for number, name in zip(places, layer_names([grid.points[n].name for n in places], kind), strict=True):
        layers.setdefault(name, []).append(number)
    marks = [_mark(name, kind, [grid.points[n].name for n in members], divergence,
                   int(grid.differing[members, column].max())) for name, members in layers.items()]  # fmt: skip
    yield from marks if any(mark.sign == "!=" for mark in marks) else _some(marks)


def _some(marks: Sequence[Mark]) -> list[Mark]:
    """Return the first few of many names that all agree."""
    left = len(marks) - MOST_SAME
    if left < 2:
        return list(marks)
    return [*marks[:MOST_SAME], Mark(f"{words.count(left, 'more layer')}", "=", result_words.MARK_WORDS["="])]


def _mark(name: str, kind: str, tensors: list[str], divergence: Divergence, differing: int) -> Mark:
    is_first = (kind == divergence.kind or divergence.kind == "structure") and divergence.name in tensors
    text = f"{words.count(differing, 'group')} {words.agree(differing, 'differs', 'differ')}"
    meaning = text if differing else result_words.MARK_WORDS["="]
    about = words.first_few([tensor or DIGEST for tensor in tensors], MOST_NAMES)
    return Mark(name, "!=" if differing else "=", meaning, about, is_first=is_first and bool(differing))


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
