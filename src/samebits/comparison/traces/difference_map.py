"""Counts the groups that differ from the largest one, for each point and each range of steps of one process.

The result holds only the first difference. A page also shows how it spreads from there, over points and steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.traces.beside import GLOBALS, is_apart
from samebits.comparison.traces.differences import common_table, compared_words, each_difference
from samebits.comparison.traces.differing_rows import Words, kinds, point_ids
from samebits.comparison.traces.processes import AlignedTrial, Member, pairs
from samebits.store.trace import Point, ProcessTrace
from samebits_probe import wire

MOST_GROUPS = 12  # groups that are compared with the largest one
_END = wire.CODE["end"]
_LEFT_OUT = ("rng", "structure")
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class StepColumns:
    """The steps from `first` to `last` (not included) in columns of `every` steps each.

    The step `since`, at which trials diverge, has a column of its own, so the highest cell in it is what differs first.
    The first column holds what came before step 0. The last column holds what came after the last step.
    """

    first: int
    last: int
    every: int
    since: int

    @property
    def number(self) -> int:
        """How many columns there are."""
        return self.own + 2 - (-(self.last - self.since - 1) // self.every)

    @property
    def own(self) -> int:
        """The column of the step at which trials diverge."""
        return 1 + (self.since - self.first) // self.every

    def of(self, steps: Counts) -> Counts:
        """Return the column of each step; -1 for a step that is left out."""
        before = 1 + (steps - self.first) // self.every
        after = self.own + 1 + (steps - self.since - 1) // self.every
        columns = np.where(steps < self.since, before, np.where(steps == self.since, self.own, after))
        columns[(steps < self.first) | (steps >= self.last)] = -1
        columns[steps < 0] = 0
        return columns

    def steps(self, column: int) -> range:
        """Return the steps of a column. The first and the last column (the start and the end) have none."""
        if column in (0, self.number - 1):
            return range(0)
        if column <= self.own:
            begin = self.first + (column - 1) * self.every
            return range(begin, begin + (self.every if column < self.own else 1))
        begin = self.since + 1 + (column - self.own - 1) * self.every
        return range(begin, min(begin + self.every, self.last))


@dataclass(frozen=True)
class DifferenceMap:
    """A row for each point, in the order of the trace, and a column as `columns` says.

    `compared`: with how many groups the largest one was compared there. `differing`: how many of them differ.
    """

    points: list[Point]
    columns: StepColumns
    compared: Counts
    differing: Counts


def difference_map(
    home: tuple[AlignedTrial, Member], others: Sequence[AlignedTrial], since: int, most: int
) -> DifferenceMap | None:
    """Return the map of one process of the largest group's trial; None if there is nothing to compare it with.

    `since`: the step at which trials diverge; steps long before it are left out. `most`: the largest number of columns.
    """
    trial, member = home
    twins = [twin for other in others[:MOST_GROUPS] if (twin := _twin(trial, other, member)) is not None]
    if not twins:
        return None
    columns = _columns(max(min(member.trace.steps, twin.steps) for twin in twins), since, most)
    return _map(member.trace, twins, columns)


def _twin(trial: AlignedTrial, other: AlignedTrial, member: Member) -> ProcessTrace | None:
    """Return the same process in a different trial."""
    twins = (theirs for mine, theirs in pairs(trial, other) if mine is not None and mine.key == member.key)
    twin = next(twins, None)
    return twin.trace if twin is not None else None


def _columns(steps: int, since: int, most: int) -> StepColumns:
    """Return the columns that begin shortly before the trials diverge. All steps before that are the same."""
    since = min(max(since, 0), max(steps - 1, 0))
    before = min(since, max(2, (steps - since) // 3))
    every = max(1, -(-(steps - since + before) // (most - 1)))
    first = since - min(-(-before // every), since // every) * every
    return StepColumns(first, max(steps, since + 1), every, since)


def _map(trace: ProcessTrace, twins: Sequence[ProcessTrace], columns: StepColumns) -> DifferenceMap:
    places: dict[tuple[str, str], int] = {point[:2]: number for number, point in enumerate(trace.points)}
    points = list(trace.points)
    masks = list(_masks(trace, twins, columns))
    for of_pair, _, _ in masks:
        for point in of_pair:
            if point[:2] not in places:
                places[point[:2]] = len(points)
                points.append(point)
    compared, differing = (np.zeros((len(points), columns.number), np.int64) for _ in range(2))
    for of_pair, present, unequal in masks:
        rows = [places[point[:2]] for point in of_pair]
        compared[rows] += present | unequal
        differing[rows] += unequal
    numbers = [number for number, point in enumerate(points) if _counts(point)]
    return DifferenceMap([points[number] for number in numbers], columns, compared[numbers], differing[numbers])


def _counts(point: Point) -> bool:
    """Return whether a difference in it counts. Random states are not layers."""
    return point.kind not in _LEFT_OUT and not is_apart(point) and not point.name.startswith(GLOBALS)


def _masks(
    trace: ProcessTrace, twins: Sequence[ProcessTrace], columns: StepColumns
) -> Iterator[tuple[list[Point], Mask, Mask]]:
    """Yield (points, compared, differing) of each pair.

    Pairs in which one trace has digests and the other has values are left out.
    """
    for twin in twins:
        points, numbers = common_table(trace.points, twin.points)
        words = compared_words(trace, twin)
        unequal = _Marked(np.zeros((len(points), columns.number), bool), columns)
        if not each_difference(words, numbers, unequal.add):
            present = _Marked(np.zeros_like(unequal.mask), columns)
            present.add(words[0], np.zeros(0, np.int64), missing=False)
            yield points, present.mask, unequal.mask


@dataclass(frozen=True)
class _Marked:
    """Marks the cells of rows."""

    mask: Mask
    columns: StepColumns

    def add(self, words: Words, positions: NDArray[np.int64], *, missing: bool) -> None:
        """Take rows, whose points have the numbers of the common table."""
        del positions, missing  # what one trace alone has differs too
        at = self.columns.of(words[:, 0].view(np.int64))
        at[kinds(words) == _END] = self.columns.number - 1
        self.mask[point_ids(words)[at >= 0].astype(np.int64), at[at >= 0]] = True
