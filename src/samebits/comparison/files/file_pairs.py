"""Pairs the files of two trials. Their names may hold times, numbers, or random text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from operator import attrgetter
from pathlib import PurePosixPath
from typing import NamedTuple

from samebits.comparison.evidence.entries import LeftEntries
from samebits.model import SavedFile
from samebits.names import matches_any
from samebits.store.formats import TENSOR_FORMATS, by_name
from samebits.store.trace import TrialTrace

Pair = tuple[SavedFile | None, SavedFile | None]


class _PlainName(NamedTuple):
    """A file under its path, without what belongs to its trial only."""

    path: str
    file: SavedFile


_Trait = Callable[[_PlainName], Hashable]


def shown_path(file: SavedFile, trial: TrialTrace) -> str:
    """Return the file's path without anything that names the trial."""
    return trial.without_folders(file.path)


def counted(file: SavedFile) -> dict[str, str]:
    """Return the parts that count: all parts of a file that --artifact names, and the arrays of any other file."""
    return {name: part.digest for name, part in file.parts.items() if file.named or part.kind == "array"}


def paired(a: LeftEntries, b: LeftEntries) -> list[Pair]:
    """Pair files of the same path, then the others, first by content.

    None stands for a file that only one trial has.
    """
    mine, theirs = ([_PlainName(left.of_line(f.path).text, f) for f in left.trial.files.files] for left in (a, b))
    pairs: list[Pair] = []
    for traits, evenly in _ROUNDS:
        pairs += _matched(mine, theirs, traits, evenly=evenly)
    ours, others = ([left.file for left in some if not _is_by_chance(left)] for some in (mine, theirs))
    return [*pairs, *((file, None) for file in ours), *((None, file) for file in others)]


def _is_by_chance(alone: _PlainName) -> bool:
    """Return whether a file that only one trial wrote lies outside of its folders and holds no tensors.

    Often only the first run of a program writes such a file, for example into a cache.
    """
    file = alone.file
    return not file.named and PurePosixPath(file.path).is_absolute() and file.format not in TENSOR_FORMATS


def _matched(
    mine: list[_PlainName], theirs: list[_PlainName], traits: tuple[_Trait, ...], *, evenly: bool
) -> Iterator[Pair]:
    """Pair files with equal traits in the order of their paths, and remove them from the lists.

    `evenly`: only if both trials have equally many of them. Otherwise it is not known which file is missing.
    """
    taken: set[int] = set()
    ours, others = _grouped(mine, traits), _grouped(theirs, traits)
    for key, group in ours.items():
        other = others.get(key, [])
        if evenly and len(group) != len(other):
            continue
        for first, second in zip(group, other, strict=False):
            taken |= {id(first), id(second)}
            yield first.file, second.file
    for left in (mine, theirs):
        left[:] = [name for name in left if id(name) not in taken]


def _grouped(files: list[_PlainName], traits: tuple[_Trait, ...]) -> dict[tuple[Hashable, ...], list[_PlainName]]:
    groups: dict[tuple[Hashable, ...], list[_PlainName]] = defaultdict(list)
    for file in sorted(files, key=lambda name: name.path):
        key = tuple(trait(file) for trait in traits)
        if None not in key:
            groups[key].append(file)
    return groups


def _without_digits(path: str) -> str:
    return re.sub(r"\d+", "0", path)


def _path_pattern(name: _PlainName) -> Hashable:
    """Return the path with a placeholder for each number."""
    return name.file.named, _without_digits(name.path)


def _content(name: _PlainName) -> Hashable:
    return frozenset(counted(name.file).items()) or None


def _folder(name: _PlainName) -> Hashable:
    """Return the folder and the ending, for files with random names.

    The result is None for a file that --artifact names, because the user meant that name.
    """
    path = PurePosixPath(name.path)
    return None if name.file.named else (_without_digits(str(path.parent)), path.suffix)


def _basename(name: _PlainName) -> Hashable:
    """Return the name and the number of folders above it, for folders with random names."""
    path = PurePosixPath(name.path)
    return None if name.file.named else (len(path.parts), _without_digits(path.name))


def _below_other_folders(name: _PlainName) -> Hashable:
    """Return the name as it is and the number of folders above it.

    The folder of a named file may have a random name.
    """
    path = PurePosixPath(name.path)
    return name.file.named, len(path.parts), path.name


_ROUNDS: tuple[tuple[tuple[_Trait, ...], bool], ...] = (
    ((attrgetter("path"),), False),
    ((_path_pattern, _content), False),
    ((_folder, _content), False),
    ((_basename, _content), False),
    ((_path_pattern,), True),
    ((_folder,), True),
    ((_basename,), True),
    ((_below_other_folders,), True),
)


def was_there(file: SavedFile, trials: tuple[TrialTrace, TrialTrace]) -> bool:
    """Return whether the trial that did not write the file found it, because an earlier trial had written it."""
    first, second = trials
    writer, other = (first, second) if any(saved is file for saved in first.files.files) else (second, first)
    leaks = (leak for leak in other.file.leaks if leak.path == file.path)
    return any(writer.id < other.id or leak.written_by == writer.id for leak in leaks)


def is_ignored(file: SavedFile | None, ignores: Sequence[str]) -> bool:
    """Return whether a pattern of --ignore names a file."""
    return file is not None and bool(ignores) and matches_any(file.path, ignores)


class Limit:
    """Knows which files may not have been compared because the trial wrote too many: those late in the order."""

    def __init__(self, trial: TrialTrace) -> None:
        files = trial.files.files
        self._is_reached = trial.files.found > len(files)
        ordinary = (file.path for file in files if not self._comes_first(file)) if self._is_reached else iter(())
        self._last = max(ordinary, default="")

    def leaves_out(self, file: SavedFile | None) -> bool:
        """Return whether the trial may have written this file too."""
        return self._is_reached and file is not None and not self._comes_first(file) and file.path > self._last

    def _comes_first(self, file: SavedFile) -> bool:
        return file.named or by_name(file.path) is not None
