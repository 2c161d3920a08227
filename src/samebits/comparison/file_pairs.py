"""Pairs the files of two trials, and the lines of two files: names may hold times, numbers, or random text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

from samebits.comparison.classification import MODEL_ENDINGS, NUMBER, TENSOR_FORMATS
from samebits.model import Lines, SavedFile
from samebits.names import matches_any
from samebits.store.masks import masked
from samebits.store.trace import TrialTrace
from samebits.store.value_names import COMPARED_FIRST

Pair = tuple[SavedFile | None, SavedFile | None]


class _PlainName(NamedTuple):
    """A file under its path, without the parts that name the trial."""

    path: str
    file: SavedFile


_Trait = Callable[[_PlainName], Hashable]


def shown_path(file: SavedFile, trial: TrialTrace) -> str:
    """Return the file's path without anything that names the trial."""
    return trial.without_folders(file.path)


def counted(file: SavedFile) -> dict[str, str]:
    """Return the parts that count: all parts of a file that --artifact names, and the tensors of any other file."""
    values = frozenset(() if file.named else file.values)
    return {name: digits for name, digits in file.tensors.items() if name not in values}


def paired(a: TrialTrace, b: TrialTrace) -> list[Pair]:
    """Pair files of the same path, then the others, first by content.

    None stands for a file that only one trial has.
    """
    mine, theirs = ([_PlainName(shown_path(file, t), file) for file in t.files.files] for t in (a, b))
    found: list[Pair] = []
    for traits, evenly in _ROUNDS:
        found += _matched(mine, theirs, traits, evenly=evenly)
    ours, others = ([left.file for left in some if not _is_by_chance(left)] for some in (mine, theirs))
    return [*found, *((file, None) for file in ours), *((None, file) for file in others)]


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
    """Return the path with a placeholder for each number."""
    return shown.file.named, _without_digits(shown.path)


def _content(shown: _PlainName) -> Hashable:
    return frozenset(counted(shown.file).items()) or None


def _folder(shown: _PlainName) -> Hashable:
    """Return the folder and the ending, for files with random names.

    The result is None for a file that --artifact names, because the user meant that name.
    """
    path = PurePosixPath(shown.path)
    return None if shown.file.named else (_without_digits(str(path.parent)), path.suffix)


def _basename(shown: _PlainName) -> Hashable:
    """Return the name and the number of folders above it, for folders with random names."""
    path = PurePosixPath(shown.path)
    return None if shown.file.named else (len(path.parts), _without_digits(path.name))


def _below_other_folders(shown: _PlainName) -> Hashable:
    """Return the name as it is and the number of folders above it.

    The folder of a named file may have a random name.
    """
    path = PurePosixPath(shown.path)
    return shown.file.named, len(path.parts), path.name


_ROUNDS: tuple[tuple[tuple[_Trait, ...], bool], ...] = (
    ((_path,), False),
    ((_numbered, _content), False),
    ((_folder, _content), False),
    ((_basename, _content), False),
    ((_below_other_folders, _content), False),
    ((_numbered,), True),
    ((_folder,), True),
    ((_basename,), True),
    ((_below_other_folders,), True),
)


MOST_RENAMED = 1000  # the most parts of a file whose names are replaced
_BY_NAME = {"tensors", "values", "shown", "masked", "numbers", "nonnegative", "models"}


class FolderNames:
    """Names of files and folders that differ between two trials, since each trial has its own: version_0, version_1."""

    def __init__(self, pairs: Sequence[Pair], a: TrialTrace, b: TrialTrace) -> None:
        self._names: dict[str, str] = {}
        self.some_were_there = any((one is None or two is None) and was_there(one or two, (a, b)) for one, two in pairs)
        for mine, theirs in pairs:
            if mine and theirs and mine.path != theirs.path:
                ours, others = PurePosixPath(shown_path(mine, a)).parts, PurePosixPath(shown_path(theirs, b)).parts
                if len(ours) == len(others):
                    self._names.update(
                        {masked(one): masked(two) for one, two in zip(ours, others, strict=True) if one != two}
                    )

    def same(self, a: str, b: str) -> bool:
        """Return whether the texts are equal after the first trial's names are replaced by the second's."""
        return bool(self._names) and self._changed(masked(a)) == masked(b)

    def renamed(self, mine: SavedFile, theirs: SavedFile) -> SavedFile:
        """Return the first file with the names that its parts have in the second one.

        A name may hold something that belongs to one run: in Lightning's checkpoints, some keys are paths.
        """
        ours, others = mine.tensors.keys() - theirs.tensors.keys(), theirs.tensors.keys() - mine.tensors.keys()
        if not ours or len(ours) != len(others) or len(ours) > MOST_RENAMED:
            return mine
        names = {masked(name): name for name in others}
        new = {name: names.get(self._changed(masked(name)), name) for name in ours}
        if len(names) < len(others) or len(set(new.values())) < len(new):
            return mine
        found = mine.model_dump(include=_BY_NAME)
        for field, value in found.items():
            is_table = isinstance(value, dict)
            found[field] = {new.get(n, n): value[n] for n in value} if is_table else [new.get(n, n) for n in value]
        return mine.model_copy(update=found)

    def _changed(self, text: str) -> str:
        if not self._names:
            return text
        names = sorted(self._names, key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names)
        return re.sub(pattern, lambda found: self._names[found[0]], text)


def was_there(file: SavedFile | None, trials: tuple[TrialTrace, TrialTrace]) -> bool:
    """Return whether an earlier trial wrote the file in a shared folder.

    The later trial shares that folder, and could find the file there.
    """
    if file is None or file.path.startswith("{out}"):
        return False
    if all(trial.files.apart for trial in trials) and not PurePosixPath(file.path).is_absolute():
        return False
    one, two = trials
    earlier = [a for a, b in ((one, two), (two, one)) if a.id < b.id or _took(b, a.id)]
    return any(found is file for trial in earlier for found in trial.files.files)


def _took(trial: TrialTrace, other: int) -> bool:
    """Return whether a trial found what the other one left, because the other one continued first after a wait."""
    return any(leak.written_by == other for leak in trial.file.leaks)


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
        ending = PurePosixPath(file.path).suffix.lower()
        return file.named or file.format in TENSOR_FORMATS or ending in MODEL_ENDINGS or ending in COMPARED_FIRST


# -- the lines of two texts, whose names and numbers may differ too ----------------------------------------------------

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
