"""Collects the rows that differ between two traces: rows of the training, and rows beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.traces.beside import GLOBALS, Beside, PairJudge, PointDifference, Role
from samebits.store.trace import Point
from samebits_probe import wire

Words = NDArray[np.uint64]
_RNG = wire.CODE["rng"]


class Add(Protocol):
    """Receives differing rows: their first two words, and their places in the trace."""

    def __call__(self, words: Words, positions: NDArray[np.int64], *, missing: bool) -> None:
        """Receive rows. `missing`: only one trace has them."""


def kinds(words: Words) -> Words:
    """Return the kind codes of rows."""
    codes: Words = (words[:, 1] >> np.uint64(32)) & np.uint64(0xFF)
    return codes


def point_ids(words: Words) -> Words:
    """Return the point numbers of rows."""
    numbers: Words = words[:, 1] & np.uint64(0xFFFFFFFF)
    return numbers


def _each(numbers: Words) -> list[int]:
    """Return each of these numbers once, in order. (`np.unique` imports `np.ma` for that.)"""
    distinct: list[int] = np.flatnonzero(np.bincount(numbers.astype(np.int64))).tolist()
    return distinct


@dataclass(frozen=True, order=True)
class Row:
    """One observation that differs.

    `position`: its place among the rows of its trace. `missing`: whether only one trace has it.
    """

    step: int
    kind: int
    position: int
    name: str = field(compare=False)
    occurrence: int = field(compare=False)
    missing: bool = field(compare=False)
    point: Point = field(compare=False)


class _Rows:
    """The differing rows of the earliest step."""

    def __init__(self, points: list[Point]) -> None:
        self._points = points
        self.step: int | None = None
        self._kept: dict[tuple[int, int, int, bool], Row] = {}

    def add(self, words: Words, positions: NDArray[np.int64], *, missing: bool) -> None:
        """Take differing rows."""
        if not len(words):
            return
        steps = words[:, 0].view(np.int64)
        first = int(steps.min())
        if self.step is None or first < self.step:
            self.step, self._kept = first, {}
        if first == self.step:
            for index in np.flatnonzero(steps == first):
                self._keep(words[index], int(positions[index]), missing=missing)

    def _keep(self, word: Words, position: int, *, missing: bool) -> None:
        key = int(word[1])
        number, kind, occurrence = key & 0xFFFFFFFF, (key >> 32) & 0xFF, key >> 48
        point = self._points[number]
        row = Row(int(word[0:1].view(np.int64)[0]), kind, position, point.name, occurrence, missing, point)
        self._kept.setdefault((number, kind, occurrence, missing), row)

    def rows(self) -> list[Row]:
        """Return the rows in the order of judging."""
        return sorted(self._kept.values())


class _PointRows:
    """The differing rows of one point: the earliest, all steps, and how many there are."""

    def __init__(self, points: list[Point]) -> None:
        self.earliest = _Rows(points)
        self._steps: list[NDArray[np.int64]] = []
        self.rows, self.missing = 0, False

    def add(self, words: Words, positions: NDArray[np.int64], *, missing: bool) -> None:
        """Take differing rows."""
        self.earliest.add(words, positions, missing=missing)
        self._steps.append(np.unique(words[:, 0].view(np.int64)))
        self.rows, self.missing = self.rows + len(words), self.missing or missing

    def difference(self, point: Point, role: Role) -> PointDifference:
        """Return where the point differs."""
        return PointDifference(point, role, np.unique(np.concatenate(self._steps)), self.rows, self.missing)


class DifferingRows:
    """Keeps the differing rows of the earliest step, of each point beside the training, and of the random states.

    `leaves`: points of a model that are a single number, which may be a time.
    """

    def __init__(self, points: list[Point], roles_: list[Role], leaves: Collection[int]) -> None:
        self._points, self._roles = points, roles_
        beside = [role != "trained" or number in leaves for number, role in enumerate(roles_)]
        self._is_beside = np.array(beside, bool)
        self._trained = _Rows(points)
        self._beside: dict[int, _PointRows] = {}
        self.rng: dict[str, int] = {}
        self._is_global = np.array([p.kind == "end" and p.name.startswith(GLOBALS) for p in points], bool)
        self.globals: dict[str, bool] = {}

    def add(self, words: Words, positions: NDArray[np.int64], *, missing: bool) -> None:
        """Take differing rows; `words`: their first two words, under the point numbers of the common table."""
        if self._is_global.any():
            words, positions = self._without_globals(words, positions, missing=missing)
        steps, kind = words[:, 0].view(np.int64), kinds(words)
        self._add_rng(steps[kind == _RNG], words[kind == _RNG], missing=missing)
        value = kind != _RNG
        beside = value & self._is_beside[point_ids(words)] if len(words) else value
        self._trained.add(words[value & ~beside], positions[value & ~beside], missing=missing)
        self._add_beside(words[beside], positions[beside], missing=missing)

    def _without_globals(
        self, words: Words, positions: NDArray[np.int64], *, missing: bool
    ) -> tuple[Words, NDArray[np.int64]]:
        is_global = self._is_global[point_ids(words)]
        for number in _each(point_ids(words[is_global])):
            self.globals.setdefault(self._points[number].name, missing)
        return words[~is_global], positions[~is_global]

    def _add_beside(self, words: Words, positions: NDArray[np.int64], *, missing: bool) -> None:
        numbers = point_ids(words)
        for number in _each(numbers):
            mask = numbers == number
            self._beside.setdefault(number, _PointRows(self._points)).add(words[mask], positions[mask], missing=missing)

    def _add_rng(self, steps: NDArray[np.int64], words: Words, *, missing: bool) -> None:
        if missing:  # a generator that only one trial used, or that it sampled less often
            return
        numbers = point_ids(words)
        for number in _each(numbers):
            name, step = self._points[number].name, int(steps[numbers == number].min())
            self.rng[name] = min(step, self.rng.get(name, step))

    def judged(self, judge: PairJudge) -> tuple[list[Row], list[Beside]]:
        """Return the rows that count, in the order of judging, and the differences that train nothing.

        If anything counts, all that the values do not explain is kept with it, because it may be the cause.
        """
        each = {n: rows.difference(self._points[n], self._roles[n]) for n, rows in self._beside.items()}
        explained = {number: meaning for number, difference in each.items() if (meaning := judge.by_value(difference))}
        left = {number: difference for number, difference in each.items() if number not in explained}
        if self._trained.step is None and not any(judge.counts(difference) for difference in left.values()):
            return [], [*explained.values(), *judge.meanings(left.values(), explained.values())]
        return self._rows(left), list(explained.values())

    def _rows(self, left: dict[int, PointDifference]) -> list[Row]:
        """Return the rows of the earliest step. Missing points come only if no value of the step differs.

        An evaluation alone is left out.
        """
        parts = [self._trained, *(self._beside[n].earliest for n in left if left[n].role != "evaluation")]
        counted = min(part.step for part in parts if part.step is not None)
        parts += [self._beside[n].earliest for n in left if left[n].role == "evaluation"]
        first = min(part.step for part in parts if part.step is not None and part.step <= counted)
        rows = sorted(row for part in parts if part.step == first for row in part.rows())
        return [row for row in rows if not row.missing] or rows
