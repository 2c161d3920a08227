"""Reads a zip archive by its members. Their times do not matter.

In a file of `torch.export.save`, the weights belong to a model:
https://docs.pytorch.org/docs/stable/user_guide/torch_compiler/export/pt2_archive.html
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from samebits.store.content import Parts
from samebits.store.formats.members import add_member

_WEIGHTS = re.compile(r"(^|/)data/(weights|constants)/[^/]*$")


def read(path: Path, parts: Parts) -> None:
    """Add the members of the archive."""
    for name, stream in members_of(path):
        add_member(parts, name, stream)
        if _WEIGHTS.search(name):
            parts.models.append(name)


def members_of(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and the content of each member of an archive that is not a folder."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(name for name in archive.namelist() if not name.endswith("/")):
            with archive.open(name) as stream:
                yield name, stream


def names_in(path: Path) -> list[str] | None:
    """Return the names of the members of a zip archive, [] if it is damaged; None if the file is not a zip archive."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error):
        return []
