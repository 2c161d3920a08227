"""Lists the folders that a trial works in, before and after it.

Packs the working folder for nodes that do not have it.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from samebits import words
from samebits.errors import UsageError
from samebits.store import record_files

MOST_FILES = 100_000
# a folder that holds one of these, written by samebits, is a record
DOCUMENTS = ("record.json", "vary.json", "noise.json", "study.json")
MARK, MARKED = ".samebits-record", "This folder is a record of samebits"  # the first file in every record, and its text
_HEAD = 256  # bytes; a document names the samebits that wrote it within these
_WRITTEN = re.compile(rb'\s*\{\s*"format":\s*\d+,\s*"samebits":\s*"')

# Files in these folders never count as written by a trial: bytecode, version control, tools, virtual environments.
LEFT_OUT = {
    "__pycache__", ".git", ".hg", ".svn", ".samebits", "node_modules", ".venv", "venv", ".tox", ".nox",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints", ".idea", ".vscode",
}  # fmt: skip


class State(NamedTuple):
    """The state of a file, from `stat`: a different state means that the file was written."""

    inode: int
    size: int
    modified: int


class Snapshot(NamedTuple):
    """The files of a folder, and the folders in it. `is_whole`: False if there were more than MOST_FILES.

    `others`: everything else, such as symbolic links and sockets, each by its own state.
    """

    files: dict[Path, State]
    is_whole: bool = True
    folders: frozenset[Path] = frozenset()
    others: Mapping[Path, State] = MappingProxyType({})

    @property
    def entries(self) -> dict[Path, State]:
        """Everything that is not a folder, by its own state: for a symbolic link, the state of the link."""
        return {**self.files, **self.others}


def snapshot(folder: Path, *, without: Path | None = None) -> Snapshot:
    """List all files below a folder, except those below `without`. Links to folders are not followed."""
    files: dict[Path, State] = {}
    inner: set[Path] = set()
    others: dict[Path, State] = {}
    for entry in _walk(str(folder), str(without) if without else None, inner):
        if len(files) >= MOST_FILES:
            return Snapshot(files, is_whole=False)
        path = Path(entry.path)
        file_state = state(path)
        if file_state is not None:
            files[path] = file_state
        if not entry.is_file(follow_symlinks=False) and (own := own_state(path)) is not None:
            others[path] = own
    return Snapshot(files, folders=frozenset(inner), others=others)


def _walk(folder: str, without: str | None, inner: set[Path]) -> Iterator[os.DirEntry[str]]:
    """Yield the files, and add the folders to `inner`."""
    waiting = [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:  # it is gone, or may not be read: nothing in it can be compared
            continue
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield entry
            elif entry.path != without and not is_left_out(entry.path):
                inner.add(Path(entry.path))
                waiting.append(entry.path)


def is_left_out(folder: str) -> bool:
    """Return whether samebits leaves out a folder: that of a tool, a virtual environment, or a record.

    The record may be that of a check that runs at the same time.
    """
    is_known = folder.rpartition("/")[2] in LEFT_OUT
    return is_known or os.path.exists(f"{folder}/pyvenv.cfg") or is_record(Path(folder))  # noqa: PTH110


def is_record(folder: Path) -> bool:
    """Whether samebits made the folder, for a check, a vary, a noise or a study. The check may have been killed.

    A file that only samebits writes shows it. A file that merely has the same name does not count.
    """
    mark = _head(folder / MARK)
    if mark is not None and MARKED.startswith(mark.decode("utf-8", "replace")[: len(MARKED)]):  # cut short by a kill
        return True
    documents = (folder / name for name in (*DOCUMENTS, "base/record.json"))
    return any(_WRITTEN.match(_head(document) or b"") for document in documents)


def _head(path: Path) -> bytes | None:
    """Return the first bytes of a regular file; None if there is none, or if it cannot be read."""
    try:
        with record_files.opened(path) as file:
            return file.read(_HEAD)
    except OSError:
        return None


# Before Python 3.14, `Path.exists` and the like raise PermissionError if the user may not search the folder of a path.


def is_there(path: Path) -> bool:
    """Return whether something is at a path, or may be there (see `is_file`)."""
    try:
        return bool(path.stat())
    except OSError as error:
        return isinstance(error, PermissionError) and _is_locked_by_user(path)


def is_file(path: Path) -> bool:
    """Return whether a file is at a path, or may be there, because a trial may have locked its folder."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        return isinstance(error, PermissionError) and _is_locked_by_user(path)


def _is_locked_by_user(path: Path) -> bool:
    """Return whether the folder that hides a path belongs to this user. A trial cannot have written into any other."""
    for place in path.parents:
        with suppress(OSError):
            return place.stat().st_uid == os.geteuid()
    return False


def is_folder(path: Path) -> bool:
    """Return whether a folder is surely at a path."""
    return os.path.isdir(path)  # noqa: PTH112


def state(path: Path) -> State | None:
    """Return the state of a regular file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return State(status.st_ino, status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def own_state(path: Path) -> State | None:
    """Return the state of the file, folder or symbolic link (not its target) at a path; None if nothing is there."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return State(status.st_ino, status.st_size, status.st_mtime_ns)


def written(before: Snapshot, after: Snapshot) -> list[Path]:
    """Return the files that are new or changed.

    A file does not count if the snapshot was cut short before it reached that file.
    """
    if not before.is_whole:
        return [path for path, now in after.files.items() if before.files.get(path, now) != now]
    return [path for path, now in after.files.items() if before.files.get(path) != now]


def discard(folder: Path) -> None:
    """Remove a folder that samebits made, even if a program made folders in it read-only.

    What cannot be removed stays. Links are not followed.
    """
    _let_change(folder)
    for place, names, _ in os.walk(folder):  # enters a folder only after it was let change
        for name in names:
            _let_change(Path(place, name))
    shutil.rmtree(folder, ignore_errors=True)


def _let_change(folder: Path) -> None:
    with suppress(OSError):
        mode = folder.lstat().st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)


# -- the working folder for nodes that do not have it -----------------------------------------------------------------


_READ = (".py", ".pyw", ".ipynb", ".sh", ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini")  # programs and settings
_MOST_READ = 1_000_000  # bytes
_BYTES = " bytes"
MOST = 1_000_000_000  # bytes of a working folder that travels


def contents_of(folder: Path, command: Sequence[str]) -> dict[str, str]:
    """Return what tells two copies of a folder apart: a text for each file (see `content`).

    samebits reads programs, settings and the files that a command names.
    """
    arguments = set(command)
    names = _files(folder)
    return {name: content(folder / name, is_read=Path(name).suffix in _READ or name in arguments) for name in names}


def content(path: Path, *, is_read: bool) -> str:
    """Return a digest of a file, or its size, if it is not to be read, is large, or is gone."""
    size = 0
    with suppress(OSError):
        size = path.stat().st_size
        if is_read and size <= _MOST_READ:
            return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return f"{size}{_BYTES}"


def differs(path: Path, expected: str, ordered: int) -> bool:
    """Return whether a file lacks this content, and already lacked it at a moment (in ns).

    If a file changed since then, or is gone, a trial did that.
    """
    current = state(path)
    is_old = current is not None and current.modified < ordered
    return is_old and content(path, is_read=not expected.endswith(_BYTES)) != expected


def _files(folder: Path) -> dict[str, State]:
    """Return the state of everything but records, virtual environments and the folders of tools."""
    return {str(path.relative_to(folder)): state for path, state in snapshot(folder).files.items()}


def refuse_large(folder: Path) -> str:
    """Return the size of a folder in words. Raises UsageError if it is too large to send."""
    files = _files(folder)
    size = sum(state.size for state in files.values())
    extent = f"{words.count(len(files), 'file')}, {words.size(size)}"
    if size > MOST or len(files) >= MOST_FILES:
        most = f"the limit is {words.size(MOST)}, in fewer than {MOST_FILES:,} files"
        raise UsageError(
            f"The working folder {folder} is too large to send to the nodes ({extent}): {most}.",
            "put it on a disk that all nodes share, or run samebits in a smaller folder.",
        )
    return extent


def archive(folder: Path) -> bytes:
    """Pack a folder, with its empty folders and its links, into a tar archive."""
    listing, stream = snapshot(folder), io.BytesIO()
    import tarfile  # here, because few trials need it

    with tarfile.open(fileobj=stream, mode="w") as packed:
        for path in sorted(listing.folders):
            packed.add(path, arcname=os.path.relpath(path, folder), recursive=False)
        for path in sorted([*listing.files, *listing.others.keys() - listing.files.keys()]):
            packed.add(path, arcname=os.path.relpath(path, folder), recursive=False)
    return stream.getvalue()
