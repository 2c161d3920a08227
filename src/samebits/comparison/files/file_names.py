"""Makes patterns that match the files of a program in each of its runs."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import PurePosixPath

from samebits.comparison.evidence.entries import LeftEntries

_PIECES = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[^A-Za-z\d]+")
_MARKS = re.compile(r"(?:<[a-z ]+>|\*)+")


def in_each_run(path: str, left: LeftEntries) -> str:
    """Return a pattern for the file in each run: `*` stands for times and ids in its path."""
    return str(PurePosixPath(*(_MARKS.sub("*", left.of_line(part).text) for part in PurePosixPath(path).parts)))


def in_both(first: str, second: str) -> str:
    """Return a pattern that matches both paths: `*` stands for a number or a word that differs in a name."""
    parts = PurePosixPath(first).parts, PurePosixPath(second).parts
    return str(PurePosixPath(*map(_star, *parts))) if len(parts[0]) == len(parts[1]) else first


def _star(first: str, second: str) -> str:
    if first == second:
        return first
    pieces = _PIECES.findall(first), _PIECES.findall(second)
    start = _shared(*pieces)
    end = _shared(*(some[start:][::-1] for some in pieces))
    return "".join([*pieces[0][:start], "*", *pieces[0][len(pieces[0]) - end :]])


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many first pieces are the same."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(first, second, strict=False)))


def pattern_of(paths: Sequence[str], others: Iterable[Sequence[str]]) -> str:
    """Return a pattern for files that a trial wrote.

    If the files lie in several folders, the pattern is for the folder that holds all of them. Otherwise it is for the
    first of these paths, by its name or its ending. `others`: the paths that other trials wrote. `*` stands for a name
    that differs between the trials.
    """
    first = PurePosixPath(paths[0])
    folders = [PurePosixPath(path).parent for path in paths]
    is_alone = folders.count(first.parent) == 1
    other_parts = [[PurePosixPath(path).parts for path in some] for some in others]
    *folder, name = (
        glob.escape(part) if all(any(other[at : at + 1] == (part,) for other in some) for some in other_parts) else "*"
        for at, part in enumerate(first.parts)
    )
    shared = os.path.commonpath(folders) if len({path.is_absolute() for path in folders}) == 1 else ""
    if len(set(folders)) > 1 and shared not in ("", "/"):
        return str(PurePosixPath(*folder[: len(PurePosixPath(shared).parts)], "**"))
    return str(PurePosixPath(*folder, name if is_alone and name != "*" else f"*{first.suffix}"))
