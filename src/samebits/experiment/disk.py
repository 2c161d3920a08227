"""Reports a full disk to the user, even if no process of a trial can report it."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samebits.errors import SamebitsError

__all__ = ["check_space", "full_disk_said"]

_LEAST_FREE = 64 << 10  # bytes
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def full_disk_said(record: Path) -> Iterator[None]:
    """Turn the system's error about a full disk into a message for people."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _full(record) from None


def check_space(record: Path) -> None:
    """Raise SamebitsError if the record's disk is full: a probe that cannot write cannot report it."""
    if shutil.disk_usage(record).free < _LEAST_FREE:
        raise _full(record)


def _full(record: Path) -> SamebitsError:
    """Return the error for a full disk."""
    return SamebitsError(
        f"The disk is full: {record} could not be written completely. You can read what was recorded until then.",
        "Make room, or give --out a folder on a different disk.",
    )
