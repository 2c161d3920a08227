"""Reads what a gzip, bzip2 or xz file holds. The time and the name in it do not matter."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path, PurePath
from typing import IO, Any

from samebits.store.content import Parts
from samebits.store.formats.members import add_member


def read(path: Path, parts: Parts) -> None:
    """Add the content as that of a file whose name lacks the last ending: `a.json.gz` as `a.json`."""
    with path.open("rb") as file:
        add_member(parts, "", unpacked(file), PurePath(path.stem).suffix)


def unpacked(file: IO[bytes]) -> Any:
    """Return the stream of what a compressed file holds; None if the file is not compressed."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(b"BZ"):
        return bz2.open(file)
    return lzma.open(file) if start.startswith((b"\xfd7zXZ", b"]\0\0")) else None
