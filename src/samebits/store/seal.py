"""Seals: checksums of a finished trial's files, so that a flipped bit inside a fingerprint is recognised.

A trial is sealed when it has ended, by the launcher, after its last file: ``seal(trial_folder)``. The record's own
document is sealed after each time it is written: ``seal_record(record_folder)``. What a crash left unsealed is read
with a warning; what is sealed and does not match is a RecordError. The seal finds damage, not forgery.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samebits.errors import RecordError
from samebits.store import regular_files
from samebits.store.content import digest_of
from samebits.store.record_files import broken, check_format, read_object, shown
from samebits_probe import wire

SEAL = "checksums.json"
FORMAT = 1
_TRIAL_FILES = ("trial.json", "files.json", "config.json", "stdout.txt", "stderr.txt")
_PROCESS_FILES = (
    wire.PROCESS, wire.POINTS, wire.TRACE, wire.SCALARS, wire.EVENTS, wire.STOPPED, wire.END,
)  # fmt: skip
PROBE_FAILURES = "probe-failed-*.txt"  # written where the probe could not start


def seal(trial_folder: Path) -> None:
    """Write the checksums of the trial's files. Call it last; calling it again renews the seal. Raises OSError."""
    _write(trial_folder, _trial_files(trial_folder))


def seal_record(record_folder: Path) -> None:
    """Write the checksum of record.json. Call it each time record.json has been written. Raises OSError."""
    _write(record_folder, iter(["record.json"]))


def verify(folder: Path) -> bool:
    """Compare the files with the folder's seal. False where there is none.

    Raises RecordError for a file that is missing, has another content, or is not covered by the seal.
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
    text = json.dumps({"files": sums, "format": FORMAT}, sort_keys=True, separators=(",", ":"))
    regular_files.write(folder / SEAL, text)


def _trial_files(folder: Path) -> Iterator[str]:
    """Names, relative to the trial folder, of what is there and belongs to the record."""
    yield from (name for name in _TRIAL_FILES if regular_files.is_file(folder / name))
    yield from sorted(path.name for path in folder.glob(PROBE_FAILURES))
    processes = folder / wire.PROCESSES
    for process in sorted(processes.iterdir()) if regular_files.is_folder(processes) else []:
        for name in _PROCESS_FILES:
            if regular_files.is_folder(process) and regular_files.is_file(process / name):
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
        found = path.lstat().st_size
        if found != size:
            what = "truncated" if found < size else "changed"
            raise broken(path, f"was {what}: it has {found:,} bytes, and had {size:,} when the trial was sealed")
        if _digest(path) != digest:
            raise broken(path, "is damaged: its content does not match its checksum")
    except FileNotFoundError:
        raise broken(path, "this file of the record is missing") from None
    except OSError as error:
        raise broken(path, f"cannot be read ({error.strerror or error})") from None


def _digest(path: Path) -> str:
    with regular_files.opened(path) as file:
        return digest_of(file)


__all__ = ["SEAL", "RecordError", "seal", "seal_record", "verify"]
