"""What differs after the processes have ended: the files that were written and the metrics that were printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from samebits.compare.align import TRIAL_FOLDER
from samebits.model import SavedFile
from samebits.store.trace import TrialTrace


@dataclass(frozen=True)
class FileDifference:
    """A part of a file (or a metric) that differs. `missing`: a named file that only one trial wrote."""

    name: str
    detail: str
    missing: bool = False


def file_differences(a: TrialTrace, b: TrialTrace) -> list[FileDifference]:
    """By name, files first: the parts that differ, then the metrics."""
    found: list[FileDifference] = []
    for mine, theirs in _paired(a, b):
        found += _parts(mine, theirs) if mine and theirs else _alone(mine or theirs)
    return found + list(_metrics(a, b))


def shown_path(file: SavedFile, trial: TrialTrace) -> str:
    """The file's path without what names the trial."""
    return file.path.replace(trial.written_at, TRIAL_FOLDER) if trial.written_at else file.path


def _paired(a: TrialTrace, b: TrialTrace) -> Iterator[tuple[SavedFile | None, SavedFile | None]]:
    """Files of the same path; then files whose paths differ in digits only (times, versions), in their order."""
    mine = {shown_path(file, a): file for file in a.files.files}
    theirs = {shown_path(file, b): file for file in b.files.files}
    same = [path for path in mine if path in theirs]
    yield from ((mine.pop(path), theirs.pop(path)) for path in same)
    for path in list(mine):
        twin = next((other for other in theirs if _without_digits(other) == _without_digits(path)), None)
        yield mine.pop(path), theirs.pop(twin) if twin else None
    yield from ((None, file) for file in theirs.values())


def _without_digits(path: str) -> str:
    return re.sub(r"\d+", "0", path)


def _alone(file: SavedFile | None) -> list[FileDifference]:
    """A file found by itself may be missing because an earlier trial left it: only named ones count."""
    if file is None or not file.named:
        return []
    return [FileDifference(file.path, f"{file.path} was written in some trials only", missing=True)]


def _parts(a: SavedFile, b: SavedFile) -> list[FileDifference]:
    if a.tensors == b.tensors:
        return []
    names = [*a.tensors, *(name for name in b.tensors if name not in a.tensors)]
    return [
        FileDifference(f"{a.path} > {name}" if name else a.path, _detail(name, a, b))
        for name in names
        if a.tensors.get(name) != b.tensors.get(name)
    ]


def _detail(name: str, a: SavedFile, b: SavedFile) -> str:
    if name not in a.tensors or name not in b.tensors:
        return "stands in the file of some trials only"
    error = a.error or b.error
    return f"the bytes of the file differ; its content could not be read: {error}" if error else "the content differs"


def _metrics(a: TrialTrace, b: TrialTrace) -> Iterator[FileDifference]:
    mine, theirs = a.file.metrics_printed, b.file.metrics_printed
    for name in mine:
        if name in theirs and mine[name] != theirs[name]:
            yield FileDifference(f"metric {name}", f"printed {mine[name]} and {theirs[name]}")
