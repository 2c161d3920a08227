"""Reads the members of archives, each as a file of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath
from typing import IO

from samebits.store import formats
from samebits.store.content import Parts
from samebits.store.text_files import NotText, decoded


def add_member(parts: Parts, name: str, stream: IO[bytes], ending: str = "") -> None:
    """Add a member of an archive as a file with its ending. If that fails, add its text or its bytes."""
    data, suffix, member = stream.read(), ending or PurePath(name).suffix, Parts()
    named = formats.by_name(suffix)
    may_be_read = named is not None or any(data.startswith(kind.beginnings) for kind in formats.TABLE)
    kind = _format_read(member, data, suffix) if may_be_read else None
    if kind is None:
        member, kind = Parts(), named
        _add_text(member, data)
    parts.add_member(name, member, is_model=kind is not None and kind.holds != formats.VALUES)


def _format_read(member: Parts, data: bytes, suffix: str) -> formats.FileFormat | None:
    """Add the parts of a member, and return its format; None if it has none or cannot be read."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        try:
            kind = formats.format_of(Path(file.name))
            if kind is not None:
                kind.read(Path(file.name), member)
        except MemoryError:
            raise
        except Exception:  # a damaged file fails differently in each reader
            return None
    return kind


def _add_text(member: Parts, data: bytes) -> None:
    """Add a text by its lines, and anything else by its bytes."""
    try:
        member.add_plain("", decoded(data).split("\n"))
    except NotText:
        member.add("", "bytes", data)
