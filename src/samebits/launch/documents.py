"""Documents of a record, written whole or not at all; and what a full disk means."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samebits.errors import SamebitsError
from samebits.model import Document
from samebits.store import regular_files

_LEAST_FREE = 64 << 10
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(path: Path, document: Document | dict[str, Any]) -> None:
    """Write a JSON document so that a reader sees all of it or what was there before."""
    text = document.model_dump_json(indent=1) if isinstance(document, Document) else json.dumps(document, indent=1)
    regular_files.write(path, text + "\n")


@contextmanager
def full_disk_said(record: Path) -> Iterator[None]:
    """Turn the system's error about a full disk into one for people."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise full(record) from None


def check_space(record: Path) -> None:
    """Raise SamebitsError where the record's disk is full: a probe that could not write cannot say so."""
    if shutil.disk_usage(record).free < _LEAST_FREE:
        raise full(record)


def full(record: Path) -> SamebitsError:
    """The error for a full disk."""
    return SamebitsError(
        f"The disk is full: {record} could not be written to its end. What was recorded until then can be read.",
        "Make room, or give --out a folder on a different disk.",
    )
