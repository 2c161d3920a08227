"""Opening a record folder: its documents and its trials, each checked before anything is compared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from samebits.errors import NotFound, RecordError, SamebitsError
from samebits.model import FilesFile, RecordFile, Result, TrialFile
from samebits.store import regular_files
from samebits.store.record_files import broken, read_bytes, read_document, read_object, shown
from samebits.store.seal import PROBE_FAILURES, verify
from samebits.store.trace import ProcessTrace, TrialTrace, read_process
from samebits_probe import wire

__all__ = [
    "LOCATION",
    "RECORD",
    "RESULT",
    "SET_ASIDE",
    "TRIALS",
    "Record",
    "left_result",
    "open_record",
    "read_trial",
]

RECORD = "record.json"
TRIALS = "trials"
RESULT, LOCATION = "result.json", "locate.json"
_MOST_DIGITS = 9
SET_ASIDE = ".old-"  # and the trial's number: its folder while a new one takes its place


@dataclass(frozen=True)
class Record:
    """A record folder. `trials` are read when they are first asked for, and can raise RecordError then.

    `known`: trials that were read before, by their numbers.
    """

    folder: Path
    file: RecordFile
    known: Mapping[int, TrialTrace] = field(default_factory=dict, repr=False)

    @cached_property
    def trials(self) -> list[TrialTrace]:
        """All trials, by number."""
        return [self.known.get(trial_number(folder)) or read_trial(folder) for folder in trial_folders(self.folder)]


def left_result(folder: Path) -> Result | None:
    """The result that was left in a record; None where it cannot be read (it can be made again)."""
    try:
        return read_document(folder / RESULT, Result)
    except SamebitsError:
        return None


def open_record(path: Path | str) -> Record:
    """Open a record folder. Raises NotFound where there is none, RecordError where it cannot be read."""
    folder = Path(path)
    _check_folder(folder)
    if not (folder / RECORD).is_file():
        what = "is missing" if (folder / TRIALS).is_dir() else "is not there, so this is not a record of samebits"
        raise RecordError(
            f"{shown(folder)}: {RECORD} {what}",
            "Give the folder that a check wrote, by default .samebits/<time>-<name>.",
        )
    verify(folder)
    return Record(folder, read_document(folder / RECORD, RecordFile))


def _check_folder(folder: Path) -> None:
    try:
        there, is_folder = os.path.lexists(folder), folder.is_dir()
        if is_folder:
            next(folder.iterdir(), None)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"{shown(folder)}: cannot be read ({shown(error)})", "Check the path and its permissions."
        ) from None
    if not there:
        raise NotFound(f"There is no record at {shown(folder)}", "Give the folder that a check wrote (see .samebits/).")
    if not is_folder:
        raise RecordError(f"{shown(folder)} is a file, not a record folder", "Give the folder that holds record.json.")


def trial_folders(record: Path) -> list[Path]:
    """The folders of the trials, by number. Raises RecordError for one that is not named by a number."""
    found = _inner(record / TRIALS) if os.path.lexists(record / TRIALS) else []
    found = sorted([*found, *_set_aside(record, {path.name for path in found})], key=trial_number)
    if not found:
        raise RecordError(f"{shown(record)}: holds no trials", "Run the check again; --overwrite replaces this record.")
    return found


def _inner(folder: Path) -> list[Path]:
    """What is in a folder of a record. Raises RecordError where it is a link, or cannot be read."""
    if not regular_files.is_folder(folder):
        raise broken(folder, "is not a folder of its own (links in a record are not followed)")
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise broken(folder, f"cannot be read ({error.strerror or error})") from None


def _set_aside(record: Path, there: set[str]) -> list[Path]:
    """Trials that were set aside when samebits was killed, before the new trial of that number had its place."""
    found = (path for path in _inner(record) if path.name.startswith(SET_ASIDE))
    return [path for path in found if path.name.removeprefix(SET_ASIDE) not in there]


def trial_number(folder: Path) -> int:
    """The number of a trial's folder. Raises RecordError where it has none."""
    name = folder.name.removeprefix(SET_ASIDE)
    if not name.isascii() or not name.isdigit() or len(name) > _MOST_DIGITS:
        raise broken(folder, "does not belong in a record: trials are named by their number")
    return int(name)


def read_trial(folder: Path) -> TrialTrace:
    """One trial with all that its processes observed. Raises RecordError."""
    number = trial_number(folder)
    _inner(folder)
    sealed = verify(folder)
    file = read_document(folder / "trial.json", TrialFile)
    if file.id != number:
        raise broken(folder / "trial.json", f"says trial {file.id}, in the folder of trial {number}")
    config = read_object(folder / "config.json") if os.path.lexists(folder / "config.json") else {}
    failed = sorted(folder.glob(PROBE_FAILURES))
    return TrialTrace(
        file=file,
        files=_read_files(folder / "files.json", required=sealed),
        processes=_read_processes(folder / wire.PROCESSES),
        written_at=str(config.get("folder", folder)),
        hash=str(config.get("hash", "")),
        probe_failures=[shown(read_bytes(path).decode("utf-8", "replace").strip()) for path in failed],
        warnings=[] if sealed else [f"trial {file.id} has no seal: damage to its files cannot be noticed"],
    )


def _read_files(path: Path, *, required: bool) -> FilesFile:
    """files.json; a trial that was cut short (and so not sealed) may have none."""
    return read_document(path, FilesFile) if required or os.path.lexists(path) else FilesFile()


def _read_processes(folder: Path) -> list[ProcessTrace]:
    """By start: the folders' names begin with it."""
    found = _inner(folder) if os.path.lexists(folder) else []
    traces = [_guarded(path) for path in found if path.is_dir() and _inner(path)]
    return [trace for trace in traces if trace is not None]


def _guarded(folder: Path) -> ProcessTrace | None:
    try:
        return read_process(folder)
    except OSError as error:
        raise broken(folder, f"cannot be read ({error.strerror or error})") from None
