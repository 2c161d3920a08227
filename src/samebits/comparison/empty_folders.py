"""Finds differences in the names of the empty folders that the trials left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from samebits.comparison.file_difference import FileDifference
from samebits.comparison.file_names import FOLDER, is_temporary, name_differences
from samebits.comparison.file_pairs import is_ignored, paired, was_there
from samebits.model import FilesFile, SavedFile
from samebits.store.trace import TrialTrace


def of_empty_folders(a: TrialTrace, b: TrialTrace, ignores: Sequence[str]) -> Iterator[FileDifference]:
    """Yield results in the names of empty folders, and the empty folders that only one trial left."""
    if a.files.empty_folders is None or b.files.empty_folders is None:  # a record of an earlier version
        return
    trials = (_with_folders(a, a.files.empty_folders), _with_folders(b, b.files.empty_folders))
    for mine, theirs in paired(*trials):
        folder = mine or theirs
        if folder is None or is_ignored(folder, ignores):
            continue
        if mine and theirs:
            yield from name_differences(mine, theirs, trials)
        elif not is_temporary(PurePosixPath(folder.path).name) and not was_there(folder, trials):
            said = f"{folder.path} is an empty folder after some trials only"
            yield FileDifference(folder.path, said, effect="unknown", path=folder.path)


def _with_folders(trial: TrialTrace, names: Sequence[str]) -> TrialTrace:
    """Return a trial whose only files are its empty folders, so that they are paired as files are."""
    files = [SavedFile(path=name, named=False, format=FOLDER, tensors={}) for name in names]
    return replace(trial, files=FilesFile(files=files, apart=trial.files.apart))
