"""Opens a record folder: its documents and its trials, each checked before anything is compared.

Seals are checksums of a finished trial's files, so that samebits notices a flipped bit inside a fingerprint. When a
trial has ended, the launcher seals it after its last file: ``seal(trial_folder)``. ``write_record`` and ``write_trial``
write documents below a seal, and renew the seal. Files that a crash left unsealed are read with a warning. Sealed files
that do not match raise RecordError. The seal finds damage, not forgery.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits.errors import NotFoundError, RecordError, SamebitsError
from samebits.model import Document, FilesFile, RecordFile, Result, TrialFile
from samebits.store import record_files
from samebits.store.outputs import probe_failures
from samebits.store.record_files import broken, check_format, digest_of, read_document, read_object, shown
from samebits.words import did_you_mean
from samebits_probe import wire

if TYPE_CHECKING:
    from samebits.store.trace import ProcessTrace, TrialTrace

__all__ = [
    "LOCATION",
    "PROBE",
    "RECORD",
    "RESULT",
    "SEAL",
    "SET_ASIDE",
    "SHIMS",
    "TRIALS",
    "Record",
    "RecordError",
    "left_result",
    "open_record",
    "read_trial",
    "seal",
    "seal_record",
    "sealed_since",
    "unused_places",
    "verify",
    "write_record",
    "write_trial",
]


SEAL = "checksums.json"
FORMAT = 1
LEFT = "left"  # in a record: what its last trial left in the working folder
RECORDS = ".samebits"  # below the working folder: records for which the user named no folder
RECORD, TRIAL = "record.json", "trial.json"
_TRIAL_FILES = (TRIAL, "files.json", "config.json", "stdout.txt", "stderr.txt")
_PROCESS_FILES = (
    wire.PROCESS, wire.POINTS, wire.TRACE, wire.SCALARS, wire.EVENTS, wire.STOPPED, wire.END,
)  # fmt: skip


def seal(trial_folder: Path) -> None:
    """Write the checksums of the trial's files. Call it last; calling it again renews the seal. Raises OSError."""
    _write(trial_folder, _trial_files(trial_folder))


def seal_record(record_folder: Path) -> None:
    """Write the checksum of record.json. Raises OSError."""
    _write(record_folder, iter([RECORD]))


def write_record(record_folder: Path, document: RecordFile) -> None:
    """Write record.json and its seal. If samebits is killed meanwhile, the record stays readable. Raises OSError."""
    _write_below_seal(record_folder, RECORD, document, seal_record)


def write_trial(trial_folder: Path, document: TrialFile) -> None:
    """Write trial.json and the seal of a trial. Raises OSError."""
    _write_below_seal(trial_folder, TRIAL, document, seal)


def _write_below_seal(folder: Path, name: str, document: Document, renew: Callable[[Path], None]) -> None:
    """Write a document and renew the seal.

    The old seal is removed first, because samebits may be killed before there is a new one.
    """
    (folder / SEAL).unlink(missing_ok=True)
    record_files.write_document(folder / name, document)
    renew(folder)


def verify(folder: Path) -> bool:
    """Compare the files with the folder's seal. Return False if there is none.

    Raises RecordError for a file that is missing, has a different content, or is not covered by the seal.
    """
    path = folder / SEAL
    if not os.path.lexists(path):
        return False
    sums = _read(path)
    for name, (size, digest) in sums.items():
        _verify_file(folder / name, size, digest)
    stray = [name for name in _trial_files(folder) if name not in sums]
    if stray:
        raise broken(folder / stray[0], "was added after the trial was sealed")
    return True


def _write(folder: Path, names: Iterator[str]) -> None:
    sums = {name: [(folder / name).stat().st_size, _digest(folder / name)] for name in names}
    text = json.dumps({"files": sums, "format": FORMAT}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    record_files.write(folder / SEAL, text)


def _trial_files(folder: Path) -> Iterator[str]:
    """Yield the names of existing files that belong to the record, relative to the trial folder."""
    yield from (name for name in _TRIAL_FILES if record_files.is_file(folder / name))
    yield from sorted(path.name for path in folder.glob(wire.PROBE_FAILURES))
    processes = folder / wire.PROCESSES
    for process in sorted(processes.iterdir()) if record_files.is_folder(processes) else []:
        for name in _PROCESS_FILES:
            if record_files.is_folder(process) and record_files.is_file(process / name):
                yield f"{wire.PROCESSES}/{shown(process.name)}/{name}"


def _read(path: Path) -> dict[str, tuple[int, str]]:
    content = read_object(path)
    check_format(content, path, FORMAT)
    files = content.get("files")
    if not isinstance(files, dict) or not files or not all(_is_entry(*item) for item in files.items()):
        raise broken(path, "is not a table of checksums")
    return {name: (entry[0], entry[1]) for name, entry in files.items()}


def _is_entry(name: str, entry: Any) -> bool:
    inside = "\0" not in name and not Path(name).is_absolute() and ".." not in Path(name).parts
    return inside and isinstance(entry, list) and [type(part) for part in entry] == [int, str]


def _verify_file(path: Path, size: int, digest: str) -> None:
    try:
        actual = path.lstat().st_size
        if actual != size:
            what = "truncated" if actual < size else "changed"
            raise broken(path, f"was {what}: it has {actual:,} bytes, and had {size:,} when the trial was sealed")
        if _digest(path) != digest:
            raise broken(path, "is damaged: its content does not match its checksum")
    except FileNotFoundError:
        raise broken(path, "this file of the record is missing") from None
    except OSError as error:
        raise broken(path, f"cannot be read ({error.strerror or error})") from None


def _digest(path: Path) -> str:
    with record_files.opened(path) as file:
        return digest_of(file)


TRIALS = "trials"
RESULT, LOCATION = "result.json", "locate.json"
_MOST_DIGITS = 9
SHIMS, PROBE = "bin", "probe"  # folders that samebits puts on the paths of trials
SET_ASIDE = ".old-"  # before a trial's number: the name of its folder while a new one takes its place


@dataclass(frozen=True)
class Record:
    """A record folder. `trials` are read when they are first used, and can raise RecordError then.

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
    """Return the result that a run left in a record; None if it cannot be read. It can be made again."""
    try:
        return read_document(folder / RESULT, Result, record_files.DISTANCES)
    except SamebitsError:
        return None


def open_record(path: Path | str) -> Record:
    """Open a record folder. Raises NotFoundError if there is none, RecordError if it cannot be read."""
    folder = Path(path)
    _check_folder(folder)
    if not (folder / RECORD).is_file():
        what = "is missing" if (folder / TRIALS).is_dir() else "is missing, so this is not a record of samebits"
        raise RecordError(
            f"{shown(folder)}: {RECORD} {what}",
            "Give the folder that a check wrote, by default .samebits/<time>-<name>.",
        )
    verify(folder)
    return Record(folder, read_document(folder / RECORD, RecordFile))


def _check_folder(folder: Path) -> None:
    try:
        exists, is_folder = os.path.lexists(folder), folder.is_dir()
        if is_folder:
            next(folder.iterdir(), None)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"{shown(folder)}: cannot be read ({shown(error)})", "Check the path and its permissions."
        ) from None
    if not exists:
        advice = _like(folder) or "Give the folder that a check wrote (see .samebits/)."
        raise NotFoundError(f"There is no record at {shown(folder)}.", advice)
    if not is_folder:
        raise RecordError(f"{shown(folder)} is a file, not a record folder.", "Give the folder that holds record.json.")


def unused_places(folder: Path, name: str) -> Iterator[Path]:
    """Return names in a folder that nothing has: `<time>-<name>`, then with a number at the end."""
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    names = (stem, *(f"{stem}-{n}" for n in range(2, 1000)))
    return (folder / name for name in names if not os.path.lexists(folder / name))


def _like(folder: Path) -> str:
    """Return a question that names records with a similar name in the same folder or in .samebits; "" if none is."""
    import difflib  # here, because it is needed only for a wrong name

    places = [folder.parent] if len(folder.parts) > 1 else [Path(), Path(RECORDS)]
    try:
        records = {path.parent.name: path.parent for place in places for path in place.glob(f"*/{RECORD}")}
    except OSError:  # a disk that fails, or is gone
        return ""
    close = difflib.get_close_matches(folder.name, sorted(records), 2, 0.75)
    return did_you_mean(shown(records[name]) for name in close)


def trial_folders(record: Path) -> list[Path]:
    """Return the folders of the trials, by number. Raises RecordError for one that is not named by a number."""
    folders = _inner(record / TRIALS) if os.path.lexists(record / TRIALS) else []
    folders = sorted([*folders, *_set_aside(record, {path.name for path in folders})], key=trial_number)
    if not folders:
        raise RecordError(f"{shown(record)}: holds no trials", "Run the check again; --overwrite replaces this record.")
    return folders


def _inner(folder: Path) -> list[Path]:
    """Return the paths in a folder of a record. Raises RecordError if the folder is a link, or cannot be read."""
    if not record_files.is_folder(folder):
        raise broken(folder, "is not a folder of its own (links in a record are not followed)")
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise broken(folder, f"cannot be read ({error.strerror or error})") from None


def _set_aside(record: Path, names: set[str]) -> list[Path]:
    """Return the trials that were set aside when samebits was killed, before a new trial took their place."""
    paths = (path for path in _inner(record) if path.name.startswith(SET_ASIDE))
    return [path for path in paths if path.name.removeprefix(SET_ASIDE) not in names]


def trial_number(folder: Path) -> int:
    """Return the number of a trial's folder. Raises RecordError if it has none."""
    name = folder.name.removeprefix(SET_ASIDE)
    if not name.isascii() or not name.isdigit() or len(name) > _MOST_DIGITS:
        raise broken(folder, "does not belong in a record: trials are named by their number")
    return int(name)


def read_trial(folder: Path) -> TrialTrace:
    """Read one trial with everything that its processes observed. Raises RecordError."""
    from samebits.store.trace import TrialTrace

    number = trial_number(folder)
    _inner(folder)
    sealed = verify(folder)
    stamps = {} if sealed else _stamps(folder)
    file = read_document(folder / TRIAL, TrialFile)
    if file.id != number:
        raise broken(folder / TRIAL, f"says trial {file.id}, in the folder of trial {number}")
    config = read_object(folder / "config.json") if os.path.lexists(folder / "config.json") else {}
    files = folder / "files.json"
    return TrialTrace(
        file=file,
        # a trial that was cut short, and so not sealed, may have no files.json
        files=read_document(files, FilesFile) if sealed or os.path.lexists(files) else FilesFile(),
        processes=_read_processes(folder / wire.PROCESSES),
        written_at=str(config.get("folder", folder)),
        hash=str(config.get("hash", "")),
        probe_failures=[failure.error for failure in probe_failures(folder)],
        warnings=[] if sealed else [f"trial {file.id} has no seal: damage to its files cannot be noticed"],
        stamps=stamps,
    )


def sealed_since(trial: TrialTrace, folder: Path) -> TrialTrace | None:
    """Return a trial that was sealed after it had been read; None if its files have changed meanwhile."""
    unchanged = bool(trial.stamps) and trial.stamps == _stamps(folder)
    return replace(trial, warnings=[], stamps={}) if unchanged else None


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the size and the last change of each file of a trial."""
    return {name: _stamp(folder / name) for name in _trial_files(folder)}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.lstat()
    except OSError:  # a name that is not UTF-8
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _read_processes(folder: Path) -> list[ProcessTrace]:
    """Read the processes in the order of their start. The names of their folders begin with it."""
    folders = _inner(folder) if os.path.lexists(folder) else []
    traces = [_guarded(path) for path in folders if path.is_dir() and _inner(path)]
    return [trace for trace in traces if trace is not None]


def _guarded(folder: Path) -> ProcessTrace | None:
    from samebits.store.trace import read_process

    try:
        return read_process(folder)
    except OSError as error:
        raise broken(folder, f"cannot be read ({error.strerror or error})") from None
