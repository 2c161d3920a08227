"""Finds results in the names of two paired files: numbers and words that are not a time or an id of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from samebits.comparison.file_pairs import shown_path
from samebits.model import SavedFile
from samebits.store.duration_masks import names_a_result
from samebits.store.masks import masked
from samebits.store.trace import TrialTrace
from samebits.store.value_names import is_moment_of_time

# a number in a name, with the word before it. A match begins only at the first letter of a word: so the search is fast
# in long names, too
_NUMBER = re.compile(r"(?:(?<![A-Za-z])([A-Za-z]+)[^A-Za-z0-9]*)?(?<![\d.])(\d+(?:\.\d+)?)(?!\.?\d)")
_SHARE = re.compile(r"0\.\d{2,}")  # probably an accuracy, even if no word says so
_PIECES = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[^A-Za-z\d]+")
_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}")
_TEMPORARY_NAME = re.compile(r"tmp[a-z0-9_]{8}")  # as Python's tempfile makes it


def results_in_names(a: SavedFile, b: SavedFile, trials: tuple[TrialTrace, TrialTrace]) -> tuple[str, str] | None:
    """Return the first results that differ in the paths of two paired files, as ("acc 0.91", "acc 0.92"); else None.

    A time, a date and a running number are not results. A word is one: best-cat.txt and best-dog.txt.
    """
    one, two = (_without_host(shown_path(file, trial), trial) for file, trial in zip((a, b), trials, strict=True))
    are_empty = _is_empty(a) and _is_empty(b)
    found = (
        (f"{word} {number}".strip(), f"{word} {other}".strip())
        for (word, number), (twin, other) in zip(_numbers(one), _numbers(two), strict=False)
        if number != other
        and word == twin
        and (_is_result(word, number, other) or (are_empty and not _are_of_run(number, other, trials)))
    )
    return next(found, None) or _words_in_names(PurePosixPath(one).name, PurePosixPath(two).name)


def _without_host(path: str, trial: TrialTrace) -> str:
    host = trial.file.machine.get("host")
    return path.replace(host, "<host>") if isinstance(host, str) and host else path


def _is_result(word: str, one: str, two: str) -> bool:
    return names_a_result(word) or (_SHARE.fullmatch(one) is not None and _SHARE.fullmatch(two) is not None)


def _is_empty(file: SavedFile) -> bool:
    """Return whether a file is empty. Then only its name can hold a result."""
    return file.lines is not None and file.lines.count <= 1 and not any(file.lines.kept)


def _are_of_run(one: str, two: str, trials: tuple[TrialTrace, TrialTrace]) -> bool:
    """Return whether two numbers are moments, process ids or running numbers of the trials."""
    if any(is_moment_of_time(float(number)) for number in (one, two)):
        return True
    pids = ({str(process.facts.get("pid")) for process in trial.processes} for trial in trials)
    if all(number in own for number, own in zip((one, two), pids, strict=True)):
        return True
    return float(two) - float(one) == trials[1].id - trials[0].id


def _words_in_names(one: str, two: str) -> tuple[str, str] | None:
    """Return the first words that differ in two names whose other pieces are equal. Random letters are not words."""
    if one == two or any(_TEMPORARY_NAME.search(name) for name in (one, two)):
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


def _numbers(path: str) -> Iterator[tuple[str, str]]:
    for match in _NUMBER.finditer(masked(path)):
        yield match[1] or "", match[2]
