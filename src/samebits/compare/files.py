"""What differs after the processes have ended: the files that were written and the metrics that were printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from samebits.compare.pairing import counted, paired
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
    for mine, theirs in paired(a, b):
        found += _parts(mine, theirs) if mine and theirs else _alone(mine or theirs)
    return found + list(_metrics(a, b))


def _alone(file: SavedFile | None) -> list[FileDifference]:
    """A file found by itself may be missing because an earlier trial left it: only named ones count."""
    if file is None or not file.named:
        return []
    return [FileDifference(file.path, f"{file.path} was written in some trials only", missing=True)]


def _parts(a: SavedFile, b: SavedFile) -> list[FileDifference]:
    mine, theirs = counted(a), counted(b)
    return [
        FileDifference(f"{a.path} > {name}" if name else a.path, _detail(name, a, b))
        for name in dict.fromkeys([*mine, *theirs])
        if _differs(name, a, b)
    ]


def _differs(name: str, a: SavedFile, b: SavedFile) -> bool:
    return a.tensors.get(name) != b.tensors.get(name)


def files_alone(a: TrialTrace, b: TrialTrace) -> list[str]:
    """Paths of files, found by themselves, that have no like in the other trial."""
    files = [mine or theirs for mine, theirs in paired(a, b) if mine is None or theirs is None]
    return sorted(file.path for file in files if file and not file.named)


def values_apart(a: TrialTrace, b: TrialTrace) -> list[str]:
    """Parts that differ and do not count: they are no tensors, and nobody named their file."""
    return [
        f"{mine.path} > {name}"
        for mine, theirs in paired(a, b)
        if mine and theirs
        for name in sorted({*mine.tensors, *theirs.tensors} - {*counted(mine), *counted(theirs)})
        if _differs(name, mine, theirs)
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
