"""Tells a full disk from other errors of the system, and says which place could not be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

__all__ = ["has_no_space", "is_full", "place_of", "sentence"]

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LEAST_FREE = 64 << 10  # bytes


def is_full(error: OSError) -> bool:
    """Return whether an error says that a disk is full, that a quota is used up, or that a file is too large."""
    return error.errno in _ERRORS


def has_no_space(place: str) -> bool:
    """Return whether the disk of a place has almost no space left."""
    space = os.statvfs(place)
    return space.f_bavail * space.f_frsize < _LEAST_FREE


def place_of(error: OSError) -> str:
    """Return the path that could not be written. If the error names none, return a folder on a full disk."""
    if error.filename is not None:
        return str(error.filename)
    return next((folder for folder in _folders() if has_no_space(folder)), "a file")


def _folders() -> Iterator[str]:
    import tempfile  # here, because most commands do not need it

    yield os.getcwd()  # noqa: PTH109
    yield os.environ.get("TMPDIR") or tempfile.gettempdir()


def sentence(place: str) -> str:
    """Return what to say about a full disk."""
    return f"The disk is full: {place} could not be written completely. You can read what was recorded until then."
