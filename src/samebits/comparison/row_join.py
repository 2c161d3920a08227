"""Joining two traces that do not hold the same observations in the same order: by step, point and occurrence.

Traces are cut at steps into blocks of some 250,000 rows, so that what is sorted stays small; a trace whose steps are
out of order (values that arrive late) is one block.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from samebits_probe import wire

Words = NDArray[np.uint64]
_ROWS = 1 << 18
_CLIPPED = 65535  # occurrences above are all recorded as this one


class Add(Protocol):
    """Takes differing rows: their first two words, and their places in their trace."""

    def __call__(self, words: Words, seen: NDArray[np.int64], *, missing: bool) -> None:
        """Take them; `missing`: they are in one trace only."""


def compare_joined(a: Words, b: Words, numbers: NDArray[np.uint64] | None, add: Add) -> int:
    """Give every differing row to `add`. `numbers`: of b's points in the common table, None where they are the same.

    Returns the number of steps that cannot be compared, since one trace holds digests and the other values.
    """
    return sum(
        _join(a[rows_a], _renumbered(b[rows_b], numbers), (rows_a.start, rows_b.start), add)
        for rows_a, rows_b in _blocks(a, b)
    )


def _blocks(a: Words, b: Words) -> Iterator[tuple[slice, slice]]:
    """Rows of both traces that hold the same steps."""
    steps = [np.maximum(words[:, 0].view(np.int64), 0) for words in (a, b)]  # what is before step 0 comes with it
    if any((np.diff(one) < 0).any() for one in steps):
        yield slice(0, len(a)), slice(0, len(b))
        return
    cuts = np.unique(max(steps, key=len)[_ROWS::_ROWS])
    places = [[0, *np.searchsorted(one, cuts).tolist(), len(one)] for one in steps]
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
    seen = np.where(source == 0, order + starts[0], order - len(a) + starts[1])
    add(both[unequal, :2], seen[unequal], missing=False)
    alone = np.ones(len(both), bool)
    alone[first] = alone[first + 1] = False
    index = np.flatnonzero(alone)
    mixed = _digest_against_leaves(both[index], source[index])
    add(both[index[~mixed], :2], seen[index[~mixed]], missing=True)
    return len(np.unique(both[index[mixed], 0]))


def _repetition(words: Words) -> NDArray[np.int64]:
    """0 for nearly all rows; the running number of those whose occurrence was clipped."""
    again = np.zeros(len(words), np.int64)
    clipped = np.flatnonzero((words[:, 1] >> np.uint64(48)) == _CLIPPED)
    seen: dict[bytes, int] = {}
    for index in clipped:
        key = words[index, :2].tobytes()
        again[index] = seen[key] = seen.get(key, -1) + 1
    return again


def _digest_against_leaves(words: Words, source: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Rows of a step and kind that one trace holds as a digest and the other as values."""
    place = words[:, 0] * np.uint64(8) + kinds(words)
    digest = ((words[:, 1] >> np.uint64(40)) & np.uint64(0xFF)) == wire.DIGEST
    mixed = np.zeros(len(words), bool)
    for side in (0, 1):
        digests = np.unique(place[digest & (source == side)])
        leaves = np.unique(place[~digest & (source != side)])
        mixed |= np.isin(place, np.intersect1d(digests, leaves))
    return mixed


def kinds(words: Words) -> Words:
    """Kind codes of rows."""
    codes: Words = (words[:, 1] >> np.uint64(32)) & np.uint64(0xFF)
    return codes


def point_ids(words: Words) -> Words:
    """Point numbers of rows."""
    numbers: Words = words[:, 1] & np.uint64(0xFFFFFFFF)
    return numbers
