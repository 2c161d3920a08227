"""Finds results in the names of two paired files: numbers and words that are not a time or an id of the run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import PurePosixPath

from samebits.comparison.classification import Effect
from samebits.comparison.file_difference import FileDifference
from samebits.comparison.file_pairs import shown_path
from samebits.model import SavedFile
from samebits.store.duration_masks import names_a_result
from samebits.store.masks import masked
from samebits.store.trace import TrialTrace
from samebits.store.value_names import is_moment_of_time, reason_of_key

# a number in a name, with the word before it. A match begins only at the first letter of a word: so the search is fast
# in long names, too
_NUMBER = re.compile(r"(?:(?<![A-Za-z])([A-Za-z]+)[^A-Za-z0-9]*)?(?<![\d.])(\d+(?:\.\d+)?)(?!\.?\d)")
# probably an accuracy or a loss, even if no word says so: "model-2.3145.pt"
_MEASURE = re.compile(r"\d{1,3}\.\d{2,}")
_TIME_OF_DAY = re.compile(r"[01]\d\.[0-5]\d|2[0-3]\.[0-5]\d")  # "log_14.41.txt"
_PIECES = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[^A-Za-z\d]+")
_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}")
_RUNNING = frozenset(("run", "version", "exp", "experiment", "trial", "job", "session", "attempt", "slurm", "task"))
FOLDER = "folder"  # the format of an empty folder, which samebits compares like a file
_TEMPORARY_NAME = re.compile(r"tmp[a-z0-9_]{8}")  # as Python's tempfile makes it


def results_in_names(a: SavedFile, b: SavedFile, trials: tuple[TrialTrace, TrialTrace]) -> tuple[str, str] | None:
    """Return the first results that differ in the paths of two paired files, as ("acc 0.91", "acc 0.92"); else None.

    A time, a date and a running number are not results. A word is one: best-cat.txt and best-dog.txt.
    """
    one, two = (_without_host(shown_path(file, trial), trial) for file, trial in zip((a, b), trials, strict=True))
    are_empty = _is_empty(a) and _is_empty(b)
    found = (
        (f"{word} {number}".strip(), f"{word} {other}".strip())
        for (word, number, is_whole), (twin, other, _) in zip(_numbers(one), _numbers(two), strict=False)
        if number != other
        and word == twin
        and (
            _is_result(word, number, other)
            or (are_empty and is_whole and not _are_of_run(word, (number, other), trials))
        )
    )
    return next(found, None) or _words_in_names(PurePosixPath(one).name, PurePosixPath(two).name)


def name_differences(
    mine: SavedFile, theirs: SavedFile, trials: tuple[TrialTrace, TrialTrace]
) -> Iterator[FileDifference]:
    """Yield a result in the names of the two versions of a file: acc0.91.pt and acc0.92.pt."""
    found = results_in_names(mine, theirs, trials)
    if found:
        effect: Effect = "counts" if mine.named else "unknown"
        name, detail = f"{mine.path} > its name", f"{found[0]} and {found[1]}"
        yield FileDifference(name, detail, effect=effect, path=_in_both(mine.path, theirs.path), values=found)


_PLACEHOLDERS = re.compile(r"(?:<[a-z ]+>|\*)+")


def in_each_run(path: str) -> str:
    """Return a pattern for the file in each run: `*` stands for times and ids in its path."""
    parts = PurePosixPath(path).parts
    return str(PurePosixPath(*(_PLACEHOLDERS.sub("*", masked(part)) for part in parts)))


def _in_both(one: str, two: str) -> str:
    """Return a pattern that matches both paths: `*` stands for a number or a word that differs in a name."""
    parts = PurePosixPath(one).parts, PurePosixPath(two).parts
    return str(PurePosixPath(*map(_star, *parts))) if len(parts[0]) == len(parts[1]) else one


def _star(one: str, two: str) -> str:
    if one == two:
        return one
    pieces = _PIECES.findall(one), _PIECES.findall(two)
    start = _shared(*pieces)
    end = _shared(*(some[start:][::-1] for some in pieces))
    return "".join([*pieces[0][:start], "*", *pieces[0][len(pieces[0]) - end :]])


def _shared(one: Sequence[str], two: Sequence[str]) -> int:
    """Return how many first pieces are the same."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(one, two, strict=False)))


def pattern_of(paths: Sequence[str], others: Iterable[Sequence[str]]) -> str:
    """Return a pattern that matches the first of some files in each run, and others of its folder.

    `others`: the paths that other trials wrote. `*` stands for a name that one of them does not have at this place.
    """
    first = PurePosixPath(paths[0])
    is_alone = [PurePosixPath(path).parent for path in paths].count(first.parent) == 1
    written = [[PurePosixPath(in_each_run(path)).parts for path in some] for some in others]
    *folder, name = (
        part if all(any(other[at : at + 1] == (part,) for other in some) for some in written) else "*"
        for at, part in enumerate(PurePosixPath(in_each_run(paths[0])).parts)
    )
    return str(PurePosixPath(*folder, name if is_alone and name != "*" else f"*{first.suffix}"))


def is_temporary(name: str) -> bool:
    """Return whether Python's standard library may have drawn this name for a temporary file."""
    return _TEMPORARY_NAME.search(name) is not None


def _without_host(path: str, trial: TrialTrace) -> str:
    host = trial.file.machine.get("host")
    return path.replace(host, "<host>") if isinstance(host, str) and host else path


def _is_result(word: str, *numbers: str) -> bool:
    if names_a_result(word):
        return True
    is_of_run = word.lower() in _RUNNING or reason_of_key(word) or all(map(_TIME_OF_DAY.fullmatch, numbers))
    return not is_of_run and all(map(_MEASURE.fullmatch, numbers))


def _is_empty(file: SavedFile) -> bool:
    """Return whether a file or a folder is empty. Then only its name can hold a result."""
    return file.format == FOLDER or (file.lines is not None and file.lines.count <= 1 and not any(file.lines.kept))


def _are_of_run(word: str, numbers: tuple[str, str], trials: tuple[TrialTrace, TrialTrace]) -> bool:
    """Return whether two numbers after a word are moments, process ids or running numbers of the trials."""
    one, two = numbers
    if word.lower() in _RUNNING or any(is_moment_of_time(float(number)) for number in numbers):
        return True
    pids = ({str(process.facts.get("pid")) for process in trial.processes} for trial in trials)
    if all(number in own for number, own in zip(numbers, pids, strict=True)):
        return True
    return float(two) - float(one) == trials[1].id - trials[0].id


def _words_in_names(one: str, two: str) -> tuple[str, str] | None:
    """Return the first words that differ in two names whose other pieces are equal. Random letters are not words."""
    if one == two or any(map(is_temporary, (one, two))):
        return None
    ours, others = (_PIECES.findall(masked(name)) for name in (one, two))
    unlike = [n for n, (piece, other) in enumerate(zip(ours, others, strict=False)) if piece != other]
    if len(ours) != len(others) or not unlike or len(unlike) == len(ours):
        return None
    are_words = all(_WORD.fullmatch(some[n]) for n in unlike for some in (ours, others))
    # a word is not next to a digit: "3f2a" has no word
    near = [some[m] for n in unlike for some in (ours, others) for m in (n - 1, n + 1) if 0 <= m < len(some)]
    are_whole = not any(piece[0].isdigit() for piece in near)
    return (ours[unlike[0]], others[unlike[0]]) if are_words and are_whole else None


def _numbers(path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield (word, number, is_whole) for each number. `is_whole`: it is not a part of a random name such as "3f2a"."""
    for match in _NUMBER.finditer(masked(path)):
        beside = match.string[match.start(2) - 1 : match.start(2)], match.string[match.end() : match.end() + 1]
        is_in_letters = (beside[0].isalpha() and len(match[1] or "") < 2) or beside[1].isalpha()
        yield match[1] or "", match[2], not is_in_letters
