"""Pairs the lines of two texts that differ, whose names and numbers may differ too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from samebits.comparison.classification import NUMBER
from samebits.model import Lines

MOST_LINES_TOLD = 20
MOST_TRIED = 100  # lines that are compared word by word with a line that has no partner


def unlike_lines(
    a: Lines, b: Lines, same: Callable[[str, str], bool], *, in_order: bool
) -> Iterator[tuple[int, str, str]]:
    """Yield (number, line of one, line of the other) of lines that differ.

    If a trial has no such line, the text is empty.
    """
    if in_order and a.count == b.count:
        pairs = [(n, one, two) for n, (one, two) in enumerate(zip(a.kept, b.kept, strict=False), 1) if one != two]
    else:
        pairs = _left_over(a, b, same)
    yield from pairs[:MOST_LINES_TOLD]
    if not pairs:
        yield min(len(a.kept), len(b.kept)) + 1, "", ""


def _left_over(a: Lines, b: Lines, same: Callable[[str, str], bool]) -> list[tuple[int, str, str]]:
    """Return the lines that one trial has more often than the other.

    They are paired by their text without names and numbers.
    """
    more, fewer = Counter(a.kept) - Counter(b.kept), Counter(b.kept) - Counter(a.kept)
    ours = [line for line in a.kept if more[line] > 0]
    theirs = [line for line in b.kept if fewer[line] > 0]
    places = {line: number for number, line in reversed(list(enumerate(a.kept, 1)))}
    others = {line: number for number, line in reversed(list(enumerate(b.kept, 1)))}
    found = []
    for line in ours:
        like = next((other for other in theirs if same(line, other)), None)
        like = like or next((other for other in theirs if _skeleton(other) == _skeleton(line)), None)
        like = like or max(
            (other for other in theirs[:MOST_TRIED] if _alike(line, other)), key=partial(_alike, line), default=None
        )
        if like is not None:
            theirs.remove(like)
        found.append((places[line], line, like or ""))
    return sorted([*found, *((others[line], "", line) for line in theirs)])


def _skeleton(line: str) -> str:
    """Return a line without its numbers and spaces. NumPy prints more spaces before a number without a sign."""
    return re.sub(r"\s+", "", NUMBER.sub("#", line))


def _alike(a: str, b: str) -> float:
    """Return the share of equal words if it is at least a half, as in "best model: vit" and "best model: mlp"."""
    one, two = a.split(), b.split()
    same = sum(map(str.__eq__, one, two)) / max(len(one), len(two), 1)
    return same if same >= 0.5 else 0
