"""Pairs the lines of two texts that differ. Lines are alike if they are equal but for their numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from samebits.comparison.evidence.entries import LeftEntries
from samebits.model import Lines

MOST_TRIED = 100  # lines that are compared word by word with a line that has no partner


class LinePair(NamedTuple):
    """Two lines that belong together; None if a trial has no such line. `number`: of the line in its text, from 1."""

    number: int
    mine: str | None
    theirs: str | None


def unlike_lines(a: Lines, b: Lines, left: tuple[LeftEntries, LeftEntries], *, in_order: bool) -> list[LinePair]:
    """Return the lines that differ, in pairs, including lines that differ only in facts of their trials."""
    mine, theirs = ([*lines.kept, *lines.tail] for lines in (a, b))
    if in_order and len(mine) == len(theirs):
        ours, others = (
            [entries.of_line(line).shape.words for line in some]
            for entries, some in zip(left, (mine, theirs), strict=True)
        )
        if ours == others:
            pairs = zip(mine, theirs, strict=True)
            return [LinePair(number, x, y) for number, (x, y) in enumerate(pairs, 1) if x != y]
    return sorted(_left_over(mine, theirs, left), key=lambda pair: pair.number)


def _left_over(mine: Sequence[str], theirs: Sequence[str], left: tuple[LeftEntries, LeftEntries]) -> Iterator[LinePair]:
    """Yield the lines that one trial has more often than the other, paired by their shapes."""
    more, fewer = Counter(mine) - Counter(theirs), Counter(theirs) - Counter(mine)
    ours, others = _lines_with_numbers(mine, more), _lines_with_numbers(theirs, fewer)
    for key in (attrgetter("text"), attrgetter("shape.words")):
        partners: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for place, line in reversed(others):
            partners[key(left[1].of_line(line))].append((place, line))
        alone = []
        for place, line in ours:
            candidates = partners[key(left[0].of_line(line))]
            if candidates:
                yield LinePair(place, line, candidates.pop()[1])
            else:
                alone.append((place, line))
        ours, others = alone, sorted(pair for candidates in partners.values() for pair in candidates)
    yield from _like(ours, others)


def _like(ours: Sequence[tuple[int, str]], others: list[tuple[int, str]]) -> Iterator[LinePair]:
    """Yield lines in pairs that share at least half of their words, as "best model: vit" and "best model: mlp"."""
    for place, line in ours:
        like = max(others[:MOST_TRIED], key=lambda other: _alike(line, other[1]), default=None)
        if like is not None and _alike(line, like[1]) >= 0.5:
            others.remove(like)
            yield LinePair(place, line, like[1])
        else:
            yield LinePair(place, line, None)
    yield from (LinePair(place, None, line) for place, line in others)


def _lines_with_numbers(lines: Sequence[str], wanted: Counter[str]) -> list[tuple[int, str]]:
    """Return these lines with their numbers, each as often as `wanted` says."""
    room, numbered = wanted.copy(), []
    for number, line in enumerate(lines, 1):
        if room[line] > 0:
            room[line] -= 1
            numbered.append((number, line))
    return numbered


def _alike(a: str, b: str) -> float:
    """Return the share of equal words."""
    first, second = a.split(), b.split()
    return sum(map(str.__eq__, first, second)) / max(len(first), len(second), 1)
