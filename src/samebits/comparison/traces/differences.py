"""All that differs between two traces of one process: one vectorised pass over the mapped files.

A record is read as four 64-bit words: step; point, kind, flag and occurrence; and the two halves of the fingerprint.
Where both traces hold the same points in the same order (nearly always) rows are compared as they lie. Else they are
joined by step, point and occurrence. They are cut at steps into blocks of some 250,000 rows, so that each sort stays
small. A trace whose steps are out of order (values that arrive late) is one block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.evidence.judge import NONE, MemoryEvidence
from samebits.comparison.traces.beside import Beside, PairJudge, leaves, roles
from samebits.comparison.traces.differing_rows import Add, DifferingRows, Row, Words, kinds, point_ids
from samebits.store.trace import Point, ProcessTrace
from samebits_probe import wire

_ROWS = 1 << 18
_CLIPPED = 65535  # larger occurrences are all recorded as this number


def compare_joined(a: Words, b: Words, numbers: NDArray[np.uint64] | None, add: Add) -> int:
    """Give every differing row to `add`. `numbers`: those of b's points in the common table, None if they are the same.

    Returns the number of steps that cannot be compared because one trace holds digests and the other holds values.
    """
    return sum(
        _join(a[rows_a], _renumbered(b[rows_b], numbers), (rows_a.start, rows_b.start), add)
        for rows_a, rows_b in _blocks(a, b)
    )


def _blocks(a: Words, b: Words) -> Iterator[tuple[slice, slice]]:
    """Yield the rows of both traces that hold the same steps."""
    steps = [np.maximum(words[:, 0].view(np.int64), 0) for words in (a, b)]  # what is before step 0 comes with it
    if any((np.diff(side) < 0).any() for side in steps):
        yield slice(0, len(a)), slice(0, len(b))
        return
    cuts = np.unique(max(steps, key=len)[_ROWS::_ROWS])
    places = [[0, *np.searchsorted(side, cuts).tolist(), len(side)] for side in steps]
    yield from ((slice(*rows_a), slice(*rows_b)) for rows_a, rows_b in zip(*map(pairwise, places), strict=True))


def _renumbered(words: Words, numbers: NDArray[np.uint64] | None) -> Words:
    if numbers is None:
        return words
    changed: Words = words.copy()
    changed[:, 1] = (words[:, 1] & ~np.uint64(0xFFFFFFFF)) | numbers[point_ids(words)]
    return changed


def _join(a: Words, b: Words, starts: tuple[int, int], add: Add) -> int:
    both = np.concatenate([a, b])
    source = np.repeat(np.array([0, 1], np.uint8), [len(a), len(b)])
    again = np.concatenate([_repetition(a), _repetition(b)])
    order = np.lexsort((source, again, both[:, 1], both[:, 0].view(np.int64)))
    both, source, again = both[order], source[order], again[order]
    same_key = (both[1:, 0] == both[:-1, 0]) & (both[1:, 1] == both[:-1, 1]) & (again[1:] == again[:-1])
    first = np.flatnonzero(same_key & (source[1:] != source[:-1]))
    unequal = first[(both[first, 2] != both[first + 1, 2]) | (both[first, 3] != both[first + 1, 3])]
    positions = np.where(source == 0, order + starts[0], order - len(a) + starts[1])
    add(both[unequal, :2], positions[unequal], missing=False)
    alone = np.ones(len(both), bool)
    alone[first] = alone[first + 1] = False
    index = np.flatnonzero(alone)
    mixed = _digest_against_leaves(both[index], source[index])
    add(both[index[~mixed], :2], positions[index[~mixed]], missing=True)
    return len(np.unique(both[index[mixed], 0]))


def _repetition(words: Words) -> NDArray[np.int64]:
    """0 for nearly all rows. Rows whose occurrence was clipped are numbered."""
    again = np.zeros(len(words), np.int64)
    clipped = np.flatnonzero((words[:, 1] >> np.uint64(48)) == _CLIPPED)
    numbers: dict[bytes, int] = {}
    for index in clipped:
        key = words[index, :2].tobytes()
        again[index] = numbers[key] = numbers.get(key, -1) + 1
    return again


def _digest_against_leaves(words: Words, source: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find the steps and kinds for which one trace holds a digest and the other holds values."""
    place = words[:, 0] * np.uint64(8) + kinds(words)
    digest = ((words[:, 1] >> np.uint64(40)) & np.uint64(0xFF)) == wire.DIGEST
    mixed = np.zeros(len(words), bool)
    for side in (0, 1):
        digests = np.unique(place[digest & (source == side)])
        leaves = np.unique(place[~digest & (source != side)])
        mixed |= np.isin(place, np.intersect1d(digests, leaves))
    return mixed


@dataclass
class TraceDifference:
    """What differs between two traces. `rows`: of the earliest differing step, in the order of judging, rng left out.

    `rng`: name of a random state -> (first step at which it differs, whether it agreed before).
    `uncompared`: steps for which one trace holds values and the other holds digests.
    `reordered`: whether independent networks came in a different order, and each variable ended with the same one.
    `globals`: names of arrays in the program's globals that differ -> whether only one trace has them.
    `beside`: values that differ but train nothing, with their meanings.
    """

    rows: list[Row] = field(default_factory=list)
    rng: dict[str, tuple[int, bool]] = field(default_factory=dict)
    uncompared: int = 0
    beside: list[Beside] = field(default_factory=list)
    reordered: bool = False
    globals: dict[str, bool] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether the bits are the same; random states do not count."""
        return not self.rows


def difference(a: ProcessTrace, b: ProcessTrace, evidence: MemoryEvidence = NONE) -> TraceDifference:
    """Compare two traces of one process. If both trials were stopped, compare as far as the shorter one goes.

    `evidence`: says what a difference of two numbers or two texts means.
    """
    points, number_b = common_table(a.points, b.points)
    roles_ = roles(points, a, b)
    differing = DifferingRows(points, roles_, leaves(points, roles_, a, b))
    uncompared = each_difference(compared_words(a, b), number_b, differing.add)
    roles_by_name = {point[:2]: role for point, role in zip(points, roles_, strict=True)}
    rows, beside = differing.judged(PairJudge(a, b, roles_by_name, evidence))
    facts = _rng_facts(differing.rng, a)
    return TraceDifference(rows, facts, uncompared, beside, globals=differing.globals)


def each_difference(pair: tuple[Words, Words], number_b: NDArray[np.uint64] | None, add: Add) -> int:
    """Give every differing row of two traces to `add`. Returns the number of steps that cannot be compared."""
    if number_b is None and _compare_in_place(*pair, add):
        return 0
    return compare_joined(*pair, number_b, add)


def common_table(a: list[Point], b: list[Point]) -> tuple[list[Point], NDArray[np.uint64] | None]:
    """Return (the points of both traces, the number of each of b's points in that table).

    The second is None if b's own numbers are right for the table.
    """
    shared = min(len(a), len(b))
    if all(x[:2] == y[:2] for x, y in zip(a[:shared], b[:shared], strict=True)):
        return (a if len(a) >= len(b) else b), None
    places = {point[:2]: number for number, point in enumerate(a)}
    points = list(a)
    numbers = np.empty(len(b), np.uint64)
    for index, point in enumerate(b):
        if point[:2] not in places:
            places[point[:2]] = len(points)
            points.append(point)
        numbers[index] = places[point[:2]]
    return points, numbers


def compared_words(a: ProcessTrace, b: ProcessTrace) -> tuple[Words, Words]:
    """Return the rows of two traces as four words each, up to where both are known."""
    limits = [limit for limit in (a.limit, b.limit) if limit is not None]
    return _words(a, limits), _words(b, limits)


def _words(trace: ProcessTrace, limits: list[int]) -> Words:
    """Return the rows of a trace as four words each, those at or after the limit left out."""
    rows: NDArray[Any] = np.asarray(trace.rows)
    if limits and trace.last_step >= min(limits):
        rows = rows[rows["step"] < min(limits)]
    words: Words = np.ascontiguousarray(rows).view("<u8").reshape(-1, 4)
    return words


def _compare_in_place(a: Words, b: Words, add: Add) -> bool:
    """Compare row by row. Returns False, and keeps nothing, if the rows are not the same observations."""
    if len(a) != len(b):
        return False
    differing: list[NDArray[np.int64]] = []
    for at in range(0, len(a), _ROWS):
        unequal = a[at : at + _ROWS] != b[at : at + _ROWS]
        if unequal[:, :2].any():
            return False
        differing.append(np.flatnonzero(unequal[:, 2] | unequal[:, 3]) + at)
    for index in differing:
        add(a[index, :2], index, missing=False)
    return True


def _rng_facts(first: dict[str, int], a: ProcessTrace) -> dict[str, tuple[int, bool]]:
    """Add to each state's first differing step whether it was seen before, and agreed then."""
    rows = a.rows
    numbers = {point.name: number for number, point in enumerate(a.points) if point.kind == "rng"}
    return {
        name: (step, bool(((rows["point"] == numbers[name]) & (rows["step"] < step)).any()))
        for name, step in first.items()
    }
