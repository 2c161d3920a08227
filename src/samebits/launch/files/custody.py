"""Makes a record's folder, locks it for one samebits at a time, and replaces it only if samebits wrote all of it."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from samebits import __version__, disks
from samebits.errors import NotFoundError, RecordBusy, RecordError, RecordExists, SamebitsError
from samebits.launch.files.folders import DOCUMENTS, MARK, MARKED, discard, is_record
from samebits.model import TrialFile
from samebits.store import record_files, write_document
from samebits.store.record import LEFT, RECORDS, SET_ASIDE, TRIALS
from samebits.store.record_files import shown

FOLDERS = "folders"  # of vary: copies of the working folder
FIX_COPIES = "fix-copies"  # while fix tries a patch: each file as it is without the patch, and with it
JOBS = ".samebits-"  # and eight digits: the orders of trials on different machines, and their outcomes
NEW = ".new-"  # followed by the trial's number: its folder until it is complete enough to be read
_HELD: weakref.WeakValueDictionary[tuple[int, int], Custody] = weakref.WeakValueDictionary()

_FILE, _ANY = "file", "any"  # a regular file; a folder of any content
_NUMBER = r"(\.new-|\.old-)?\d+|\.new|\.old"
# What samebits writes: for each kind of folder, the names in it and what they are. The first that fits decides.
# Anything else belongs to somebody else.
_HOLDS: dict[str, list[tuple[str, str]]] = {
    "record": [
        (rf"{re.escape(MARK)}|(record|result|checksums|locate|fix|ops|vary|noise|study)\.json(\.part)?", _FILE),
        (TRIALS, "trials"),
        (_NUMBER, "trial"),
        (re.escape(JOBS) + "[0-9a-f]{8}|bin", "files"),
        (re.escape(LEFT), _ANY),
        ("probe", "code"),
        (FIX_COPIES, "copies"),
        (".*", "record"),
    ],
    "trials": [(_NUMBER, "trial")],
    "trial": [
        (r"(trial|files|config|answer|checksums)\.json(\.part)?|(stdout|stderr|job)\.txt|probe-failed-.*\.txt", _FILE),
        ("out|work", _ANY),  # a trial may write anything there
        ("processes", "processes"),
    ],
    "processes": [(".*", "process")],
    "process": [(r"[a-z]+(-[a-z0-9-]+)?\.(json|jsonl|bin)(\.part)?|\d{8}\.(json|bin)", _FILE)],
    "code": [(r".*\.(py|pyc|pyi|typed)|.*\.pyc\.\d+", _FILE), (".*", "code")],
    "copies": [(r"[0-9a-f]{32}(\.patched)?", _FILE)],  # of a file, by its digest
    "files": [(".*", _FILE)],
}


class Custody:
    """The lock of one samebits on a folder. It ends with the last plan that refers to it, or with the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, handle)
        _lock(folder, handle, fcntl.LOCK_EX)


def hold(folder: Path) -> Custody:
    """Hold an existing folder. The process that holds it already may hold it again. Raises RecordBusy."""
    key = _key(folder)
    custody = _HELD.get(key)
    if custody is None:
        custody = _HELD[key] = Custody(folder)
    return custody


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Keep others from changing a record while it is copied. They may read it. Raises RecordBusy."""
    with ExitStack() as stack:
        if _key(folder) not in _HELD:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, handle)
            _lock(folder, handle, fcntl.LOCK_SH)
        yield


def _key(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _lock(folder: Path, handle: int, kind: int) -> None:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        what = f"The record {shown(folder)} is in use by a different samebits process."
        raise RecordBusy(what, "Wait until it has ended, or give --out a different folder.") from None


def make(folder: Path, *, overwrite: bool) -> Custody:
    """Make a record's folder and hold it. It replaces only what samebits wrote.

    Raises RecordExists, RecordBusy, or NotFoundError if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise RecordExists(f"{folder} already exists, and is not a record.", _ELSEWHERE) from None
    except OSError as error:
        what = f"The record folder {folder} cannot be created: {error.strerror or error}."
        raise NotFoundError(what, _ELSEWHERE) from None
    custody = hold(folder)
    _clear(folder, overwrite=overwrite)
    (folder / MARK).write_text(f"{MARKED} {__version__}.\n")
    if folder.parent.name == RECORDS and not os.path.lexists(ignore := folder.parent / ".gitignore"):
        ignore.write_text("*\n")
    return custody


_ELSEWHERE = "name a different folder with --out DIR."


def resume(folder: Path) -> Custody:
    """Hold a record for more trials, and put back trials that a killed samebits had set aside.

    Raises RecordBusy, or RecordError if links stand where samebits writes.
    """
    custody = hold(folder)
    for path in foreign(folder):
        if not record_files.is_file(path) and not record_files.is_folder(path):
            raise RecordError(f"{shown(path)} is a link or a special file, which no record holds.", "Remove it.")
    for aside in folder.glob(f"{SET_ASIDE}*"):
        place = folder / TRIALS / aside.name.removeprefix(SET_ASIDE)
        remove(aside) if os.path.lexists(place) else aside.rename(place)
    return custody


def make_trial(record: Path, folder: Path, document: TrialFile) -> None:
    """Make a new folder for a trial, with its first document, in one step.

    Whenever samebits is ended, there is a trial that can be read, or none.
    """
    new = record / f"{NEW}{folder.name}"
    remove(new)
    (new / "out").mkdir(parents=True)
    write_document(new / "trial.json", document)
    put_trial(record, new, folder)


def put_trial(record: Path, new: Path, folder: Path) -> None:
    """Put a trial's folder, once it is complete enough to be read, in the place of the earlier one."""
    old = record / f"{SET_ASIDE}{folder.name}"
    remove(old)
    folder.parent.mkdir(exist_ok=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    remove(old)


def remove(path: Path) -> None:
    """Remove the file or folder of this name. If it is a link, remove only the link."""
    if record_files.is_folder(path):
        discard(path)
    else:
        path.unlink(missing_ok=True)


def _clear(folder: Path, *, overwrite: bool) -> None:
    """Empty a folder that is a record.

    The file that marks it as a record is removed last, so an interruption still leaves a record.
    """
    inner = list(folder.iterdir())
    if not inner:
        return
    if not is_record(folder):
        raise RecordExists(f"{shown(folder)} already exists, and is not a record.", _ELSEWHERE)
    if not overwrite:
        raise RecordExists(
            f"The record {shown(folder)} already exists.",
            "give --overwrite to replace it, or name a different folder with --out DIR.",
        )
    if (stranger := next(foreign(folder), None)) is not None:
        what = f"The record {shown(folder)} holds something that samebits did not write: {shown(stranger)}."
        raise RecordExists(what, f"Move that to a different place, or: {_ELSEWHERE}")
    if record_files.is_folder(folder / FIX_COPIES):
        what = f"The record {shown(folder)} holds the files as they were before a samebits fix --apply that was killed."
        raise RecordExists(what, f"samebits fix --restore {shlex.quote(str(folder))}")
    telling = (*DOCUMENTS, MARK)
    for path in sorted(inner, key=lambda path: telling.index(path.name) if path.name in telling else -1):
        _empty(path)


def _empty(path: Path) -> None:
    try:
        shutil.rmtree(path) if record_files.is_folder(path) else path.unlink()
    except OSError as error:
        what = f"{shown(path)} of the record cannot be removed: {error.strerror or error}."
        raise RecordExists(what, f"Remove it yourself, or: {_ELSEWHERE}") from None


def foreign(folder: Path, kind: str = "record") -> Iterator[Path]:
    """Yield what lies in a record's folder and was not written by samebits: other names, links, pipes, devices."""
    for path in sorted(folder.iterdir()):
        inner = _kind(path, kind)
        if inner is None:
            yield path
        elif inner not in (_FILE, _ANY):
            yield from foreign(path, inner)


def _kind(path: Path, kind: str) -> str | None:
    """Return what an entry of such a folder is; None if samebits did not write it."""
    is_file, is_folder = record_files.is_file(path), record_files.is_folder(path)
    if is_folder and kind == "record" and is_record(path):
        return "record"  # of a setting of explain, for example, whose name may be a number
    if is_folder and path.name == FOLDERS and is_record(path.parent / "base"):
        return _ANY
    fits = (inner for name, inner in _HOLDS[kind] if re.fullmatch(name, path.name))
    inner = next((inner for inner in fits if (is_file if inner == _FILE else is_folder)), None)
    return None if inner == _FILE and kind == "record" and not is_record(path.parent) else inner


# -- a full disk is reported to the user, even if no process of a trial can report it ---------------------------------

_NEXT = "Make room, or give --out a folder on a different disk."


@contextmanager
def full_disk_said(record: Path) -> Iterator[None]:
    """Turn the system's error about a full disk into a message for people."""
    try:
        yield
    except OSError as error:
        if not disks.is_full(error):
            raise
        raise SamebitsError(disks.sentence(str(error.filename or record)), _NEXT) from None


def check_space(record: Path) -> None:
    """Raise SamebitsError if the record's disk is full: a probe that cannot write cannot report it."""
    if disks.has_no_space(str(record)):
        raise SamebitsError(disks.sentence(str(record)), _NEXT)
