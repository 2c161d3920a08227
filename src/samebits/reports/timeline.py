"""The step in which trials diverge, as a line of what it did: layers with their outcome, the first one marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from samebits import words
from samebits.comparison.difference_map import DifferenceMap
from samebits.model import Divergence, Result
from samebits.reports import result_words
from samebits.reports.heat import DIGEST, layer_names
from samebits.reports.tree import PAGE, Block, Format, Mark, Marks, NestedTree

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


def timeline(result: Result, found: DifferenceMap | None) -> Timeline | None:
    """Return the step of the divergence; None if nothing in it is where trials diverge."""
    if found is None or result.divergence is None:
        return None
    stations = tuple(_stations(result, result.divergence, found))
    is_marked = any(mark.is_first for station in stations for mark in station.marks.marks)
    return Timeline(CAPTION, stations) if is_marked else None


def _stations(result: Result, divergence: Divergence, found: DifferenceMap) -> Iterator[Station]:
    for kind in result_words.JUDGED_KINDS:
        marks = tuple(_rng(result) if kind == "rng" else _layers(kind, divergence, found))
        is_first = any(mark.is_first for mark in marks)
        if marks:
            shown = Marks(marks, f"{kind} of this step")
            yield Station(kind, result_words.KIND_WORDS[kind], shown, _grown(result) if is_first else None)


def _grown(result: Result) -> NestedTree | None:
    """Return the path that `samebits locate` found within the step."""
    located = result.location.path if result.location is not None else []
    return NestedTree(tuple((one.level, one.name, one.detail) for one in located)) if located else None


def _rng(result: Result) -> Iterator[Mark]:
    """Yield all random generators as one station: a trial may hold many, and uses few."""
    mark = result.judged.get("rng", "-")
    if mark in ("=", "!"):
        is_first = result.divergence is not None and result.divergence.kind == "rng"
        yield Mark("generators", result_words.MARKS[mark], result_words.MARK_WORDS[mark], is_first=is_first)


def _layers(kind: str, divergence: Divergence, found: DifferenceMap) -> Iterator[Mark]:
    column = found.columns.number - 1 if divergence.kind == "end" else found.columns.own if divergence.step >= 0 else 0
    places = [n for n, point in enumerate(found.points) if point.kind == kind and found.compared[n, column]]
    if not places:
        return
    layers: dict[str, list[int]] = {}
    for number, name in zip(places, layer_names([found.points[n].name for n in places], kind), strict=True):
        layers.setdefault(name, []).append(number)
    marks = [_mark(name, kind, [found.points[n].name for n in members], divergence,
                   int(found.differing[members, column].max())) for name, members in layers.items()]  # fmt: skip
    yield from marks if any(mark.sign == "!=" for mark in marks) else _some(marks)


def _some(marks: Sequence[Mark]) -> list[Mark]:
    """Return the first few of many names that all agree."""
    left = len(marks) - MOST_SAME
    if left < 2:
        return list(marks)
    return [*marks[:MOST_SAME], Mark(f"{words.count(left, 'more layer')}", "=", result_words.MARK_WORDS["="])]


def _mark(name: str, kind: str, tensors: list[str], divergence: Divergence, differing: int) -> Mark:
    is_first = (kind == divergence.kind or divergence.kind == "structure") and divergence.name in tensors
    said = f"{words.count(differing, 'group')} {words.agree(differing, 'differs', 'differ')}"
    meaning = said if differing else result_words.MARK_WORDS["="]
    about = words.first_few([tensor or DIGEST for tensor in tensors], MOST_NAMES)
    return Mark(name, "!=" if differing else "=", meaning, about, is_first=is_first and bool(differing))
