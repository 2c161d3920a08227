"""Reads the members of archives, each as a file of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath
from typing import IO

from samebits.store import formats
from samebits.store.content import Excessive, LimitedStream, Parts, joined
from samebits.store.text_files import NotText, decoded

_DEEPEST = 3  # archives in archives


class _Member(Parts):
    """The parts of a member. Its unpacked bytes count for the whole archive."""

    def __init__(self, archive: Parts) -> None:
        super().__init__()
        self._archive = archive
        self.depth: int = archive.depth + 1 if isinstance(archive, _Member) else 1

    def spend(self, size: int) -> None:
        """Count bytes, as those of the archive."""
        self._archive.spend(size)

    def hand_over(self, name: str, *, is_model: bool) -> None:
        """Add the parts to those of the archive, below the name of the member."""
        archive, names = self._archive, {inner: joined(name, inner) if inner else name for inner in self.tensors}
        archive.spend(sum(map(len, names.values())))
        archive.tensors |= {names[inner]: digits for inner, digits in self.tensors.items()}
        archive.values |= {names[inner] for inner in self.values if inner in names}
        archive.shown |= {names[inner]: text for inner, text in self.shown.items() if inner in names}
        archive.models += [joined(name, inner) if inner else name for inner in self.models]
        archive.models += [names[inner] for inner in names if is_model and inner not in self.values]


def add_member(parts: Parts, name: str, stream: IO[bytes], ending: str = "") -> None:
    """Add a member of an archive as a file with its ending. If that fails, add its text or its bytes."""
    data, suffix, member = LimitedStream(stream, parts).read(), ending or PurePath(name).suffix, _Member(parts)
    named = formats.by_name(suffix)
    may_be_read = named is not None or any(data.startswith(kind.beginnings) for kind in formats.TABLE)
    kind = _format_read(member, data, suffix) if may_be_read and member.depth <= _DEEPEST else None
    if kind is None:
        member, kind = _Member(parts), named
        _add_text(member, data)
    member.hand_over(name, is_model=kind is not None and kind.holds != formats.VALUES)


def _format_read(member: Parts, data: bytes, suffix: str) -> formats.FileFormat | None:
    """Add the parts of a member, and return its format; None if it has none or cannot be read."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        try:
            kind = formats.format_of(Path(file.name))
            if kind is not None:
                kind.read(Path(file.name), member)
        except Excessive:
            raise
        except Exception:  # a damaged file fails differently in each reader
            return None
    return kind


def _add_text(member: Parts, data: bytes) -> None:
    """Add a text by its lines, and anything else by its bytes."""
    member.spend(len(data))
    try:
        member.add_plain("", decoded(data).split("\n"))
    except NotText:
        member.add("", "bytes", data)
