"""Which file of one trial belongs to which of another: names may hold times, numbers, or random text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from samebits.comparison.classification import MODEL_ENDINGS, TENSOR_FORMATS
from samebits.comparison.processes import TRIAL_FOLDER
from samebits.model import SavedFile
from samebits.store.artifacts import COMPARED_FIRST
from samebits.store.trace import TrialTrace

Pair = tuple[SavedFile | None, SavedFile | None]


class _PlainName(NamedTuple):
    """A file under its path without what names the trial."""

    path: str
    file: SavedFile


_Trait = Callable[[_PlainName], Hashable]


def shown_path(file: SavedFile, trial: TrialTrace) -> str:
    """The file's path without what names the trial."""
    return file.path.replace(trial.written_at, TRIAL_FOLDER) if trial.written_at else file.path


def counted(file: SavedFile) -> dict[str, str]:
    """The parts that count: all of a named file, the tensors of one found by itself."""
    values = frozenset(() if file.named else file.values)
    return {name: digits for name, digits in file.tensors.items() if name not in values}


def paired(a: TrialTrace, b: TrialTrace) -> list[Pair]:
    """Files of the same path; then what is left, by content first; None stands for a file of one trial only."""
    mine, theirs = ([_PlainName(shown_path(file, t), file) for file in t.files.files] for t in (a, b))
    found: list[Pair] = []
    for traits, evenly in _ROUNDS:
        found += _matched(mine, theirs, traits, evenly=evenly)
    return [*found, *((left.file, None) for left in mine), *((None, left.file) for left in theirs)]


def _matched(
    mine: list[_PlainName], theirs: list[_PlainName], traits: tuple[_Trait, ...], *, evenly: bool
) -> Iterator[Pair]:
    """Pair files of equal traits in the order of their paths, and take them from the lists.

    `evenly`: only where both trials have as many of them, since else it is not known which one is missing.
    """
    taken: set[int] = set()
    ours, others = _grouped(mine, traits), _grouped(theirs, traits)
    for key, group in ours.items():
        other = others.get(key, [])
        if evenly and len(group) != len(other):
            continue
        for one, two in zip(group, other, strict=False):
            taken |= {id(one), id(two)}
            yield one.file, two.file
    for left in (mine, theirs):
        left[:] = [shown for shown in left if id(shown) not in taken]


def _grouped(files: list[_PlainName], traits: tuple[_Trait, ...]) -> dict[tuple[Hashable, ...], list[_PlainName]]:
    groups: dict[tuple[Hashable, ...], list[_PlainName]] = defaultdict(list)
    for file in sorted(files, key=lambda shown: shown.path):
        key = tuple(trait(file) for trait in traits)
        if None not in key:
            groups[key].append(file)
    return groups


def _without_digits(path: str) -> str:
    return re.sub(r"\d+", "0", path)


def _path(shown: _PlainName) -> Hashable:
    return shown.path


def _numbered(shown: _PlainName) -> Hashable:
    """The path with all numbers made equal."""
    return shown.file.named, _without_digits(shown.path)


def _content(shown: _PlainName) -> Hashable:
    return frozenset(counted(shown.file).items()) or None


def _folder(shown: _PlainName) -> Hashable:
    """The folder and the ending, for names that are random; None for a named file, whose name was meant."""
    path = PurePosixPath(shown.path)
    return None if shown.file.named else (_without_digits(str(path.parent)), path.suffix)


def _basename(shown: _PlainName) -> Hashable:
    """The name below as many folders, for folders that are random."""
    path = PurePosixPath(shown.path)
    return None if shown.file.named else (len(path.parts), _without_digits(path.name))


_ROUNDS: tuple[tuple[tuple[_Trait, ...], bool], ...] = (
    ((_path,), False),
    ((_numbered, _content), False),
    ((_folder, _content), False),
    ((_basename, _content), False),
    ((_numbered,), True),
    ((_folder,), True),
    ((_basename,), True),
)


class Limit:
    """Which files a trial may have written that were not compared, because it wrote too many: those late in order."""

    def __init__(self, trial: TrialTrace) -> None:
        files = trial.files.files
        self._is_reached = trial.files.found > len(files)
        self._last = max((file.path for file in files if not self._comes_first(file)), default="")

    def leaves_out(self, file: SavedFile | None) -> bool:
        """Whether the trial may have written this file too."""
        return self._is_reached and file is not None and not self._comes_first(file) and file.path > self._last

    def _comes_first(self, file: SavedFile) -> bool:
        ending = PurePosixPath(file.path).suffix.lower()
        return file.named or file.format in TENSOR_FORMATS or ending in MODEL_ENDINGS or ending in COMPARED_FIRST
