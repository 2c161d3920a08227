"""Reads a tar archive, compressed or not, by its members. Their times and owners do not matter."""

from __future__ import annotations

import tarfile
from pathlib import Path

from samebits.store.content import Parts
from samebits.store.formats.members import add_member


def read(path: Path, parts: Parts) -> None:
    """Add the members of the archive. For a link, add its target."""
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None:
                add_member(parts, member.name, content)
            elif member.issym() or member.islnk():
                parts.add_plain(member.name, member.linkname)
