"""Files that a trial wrote and that are compared: tensor files, found by themselves, and what `--artifact` names."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from samebits.launch import folders
from samebits.launch.command import Naming
from samebits.model import FilesFile, SavedFile
from samebits.store import fingerprint_file, holds_tensors

MOST_MATCHES = 10_000


class Pattern(NamedTuple):
    """An artifact pattern, and the files that matched it before the trial began."""

    text: str
    filled: str
    out: Path
    before: dict[Path, folders.State]


def patterns(texts: Iterable[str], directory: Path, out: Path, trial: str) -> list[Pattern]:
    """The patterns of `--artifact`, with what they match now: only what the trial writes anew counts."""
    filled = [(text, text.replace("{out}", glob.escape(str(out))).replace("{trial}", trial)) for text in texts]
    return [Pattern(text, pattern, out, _states(matches(pattern, directory, out))) for text, pattern in filled]


def matches(pattern: str, directory: Path, out: Path) -> list[Path]:
    """Files that match, relative to the working folder; `**` goes through folders, but into no record.

    `out`: the trial's own output folder, which lies in a record and counts.
    """
    found = sorted(glob.glob(pattern, root_dir=directory, recursive=True))  # noqa: PTH207
    records: dict[Path, bool] = {}
    paths = (directory / name for name in found)
    own = (path for path in paths if path.is_relative_to(out) or not _is_in_record(path.parent, directory, records))
    return [path for path in islice(own, MOST_MATCHES) if path.is_file()]


def _is_in_record(folder: Path, directory: Path, known: dict[Path, bool]) -> bool:
    """Whether a folder below the working folder is a record, or in one. `known`: what was found of others."""
    if folder == directory or not folder.is_relative_to(directory):
        return False
    if folder not in known:
        known[folder] = _is_in_record(folder.parent, directory, known) or folders.is_record(folder)
    return known[folder]


def _states(paths: Iterable[Path]) -> dict[Path, folders.State]:
    return {path: state for path in paths if (state := folders.state(path)) is not None}


def collect(asked: list[Pattern], written: Iterable[Path], directory: Path, naming: Naming) -> FilesFile:
    """Fingerprint what the trial wrote: files that a pattern names, and tensor files among `written`."""
    named: set[Path] = set()
    empty = []
    for pattern in asked:
        after = _states(matches(pattern.filled, directory, pattern.out))
        fresh = {path for path, state in after.items() if pattern.before.get(path) != state}
        named |= fresh
        if not fresh:
            empty.append(pattern.text)
    found = {path for path in written if path.is_file() and holds_tensors(path)}
    saved = [_saved(path, naming.name(path), named=path in named) for path in sorted(named | found)]
    return FilesFile(files=saved, patterns_without_match=empty)


def _saved(path: Path, shown: str, *, named: bool) -> SavedFile:
    return fingerprint_file(path, named=named).model_copy(update={"path": shown})
