"""Finds the files of the trained model: those with tensors, or with a model, that the last whole trial left."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from samebits.comparison.files.file_pairs import counted
from samebits.errors import UsageError
from samebits.store import fingerprint_file
from samebits.store.formats import TENSOR_FORMATS
from samebits.store.record import Record
from samebits.store.trace import TrialTrace

__all__ = ["TrainedFile", "model_files", "parts_of", "sha256", "whole_trial"]


class TrainedFile(NamedTuple):
    """A file of a trained model. `path`: where it is now. `parts`: the fingerprints of its content in the record."""

    path: Path
    parts: Mapping[str, str]


def whole_trial(record: Record) -> TrialTrace | None:
    """Return the last trial that ran to its end; its files are in the working folder."""
    return next((trial for trial in reversed(record.trials) if trial.file.status == "complete"), None)


def model_files(record: Record, trial: TrialTrace) -> dict[str, TrainedFile]:
    """Return name -> file for each file of the model. A file in the folder {out} has its name there."""
    found = {}
    for file in trial.files.files:
        parts = counted(file)
        if parts and (file.format in TENSOR_FORMATS or any(part.model for part in file.parts.values())):
            name = file.path.removeprefix("{out}/")
            name = file.path if name in found else name
            found[name] = TrainedFile(_place(record, trial, file.path), parts)
    return found


def _place(record: Record, trial: TrialTrace, name: str) -> Path:
    number = f"{trial.id:03d}"
    out = record.folder / "trials" / number / "out"
    filled = name.replace("{out}", str(out.absolute())).replace("{trial}", number)
    return Path(record.file.directory, filled)


def parts_of(path: Path) -> dict[str, str]:
    """Return the fingerprints of the content of a file as it is now."""
    return counted(fingerprint_file(path, False))  # noqa: FBT003


def sha256(path: Path) -> str:
    """Return the digest of the bytes of a file. Raises UsageError if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                digest.update(chunk)
    except OSError as why:
        raise UsageError(f"{path} cannot be read ({why.strerror or why}).", "check the path.") from None
    return digest.hexdigest()
