"""Renames files and folders so that nothing is ever replaced, and locks the folder in which they wait."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_REPLACE, _AT_FDCWD = 1, -100  # https://man7.org/linux/man-pages/man2/rename.2.html


def move(source: Path, target: Path) -> bool:
    """Rename a file or folder, and never replace anything. Return False if this is not possible."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _writable(source):
            return _renamed(source, target)
    except OSError:
        return False


def _renamed(source: Path, target: Path) -> bool:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    done = rename(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _NO_REPLACE) if rename else -1
    if done == 0 or os.path.lexists(target):
        return done == 0
    if rename is not None and ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS):
        return False
    source.rename(target)  # a kernel or a file system that does not know the flag
    return True


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make it possible to move a folder that the program has write-protected: its entry ".." changes."""
    mode = folder.lstat().st_mode
    if not stat.S_ISDIR(mode) or mode & stat.S_IWUSR:
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(handle, stat.S_IMODE(mode) | stat.S_IWUSR)
        yield
    finally:
        os.fchmod(handle, stat.S_IMODE(mode))
        os.close(handle)


def holds_files(folder: Path) -> bool:
    """Return whether a folder holds a file, at any depth."""
    return any(files for _, _, files in os.walk(folder))


def held(place: Path) -> int:
    """Make a folder and lock it. Raises BlockingIOError if a different process holds it, and other OSErrors."""
    while True:
        place.mkdir(exist_ok=True)
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), place.lstat()):
                return handle
        except FileNotFoundError:  # the process that held it has just removed it
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
