"""Reads figures (PNG, PDF) without their dates, and without the id of a PDF."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from samebits.store.content import Parts, joined

_PDF_DATES = re.compile(rb"/(?:CreationDate|ModDate)\s*\([^)]*\)|/ID\s*\[[^\]]*\]")
_EXIF_DATES = re.compile(rb"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_NOTE = 1 << 20  # bytes of an unpacked text


def read_png(path: Path, parts: Parts) -> str:
    """Add the chunks of a picture, and its texts as values. Its time does not matter."""
    add_png(parts, "", path.read_bytes())
    return "png"


def add_png(parts: Parts, name: str, data: bytes) -> None:
    """Add the chunks of a picture under a name: https://www.w3.org/TR/png-3/#11Chunks.

    Raises ValueError, and adds nothing, if the bytes are no picture.
    """
    if not data.startswith(_SIGNATURE):
        raise ValueError("it is not a PNG")
    at, kind = len(_SIGNATURE), ""
    while at + 8 <= len(data) and kind != "IEND":
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8].decode("latin1")
        chunk = data[at + 8 : at + 8 + length]
        if kind in ("tEXt", "zTXt", "iTXt"):
            key, text = _note(kind, chunk)
            parts.add_plain(joined(name, key), text)
        elif kind == "eXIf":
            parts.add(joined(name, kind), "chunk", _EXIF_DATES.sub(b"", chunk))
        elif kind != "tIME":
            parts.add(joined(name, kind), "chunk", chunk)
        at += 12 + length
    if data[at:]:
        parts.add(joined(name, "(what follows)"), "bytes", data[at:])


def _note(kind: str, chunk: bytes) -> tuple[str, str]:
    """Return the keyword and the text of a chunk."""
    key, _, rest = chunk.partition(b"\0")
    is_packed = kind == "zTXt" or (kind == "iTXt" and rest[:1] == b"\1")
    if kind == "iTXt":  # whether and how it is packed, the language, the keyword in this language, the text
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if is_packed:
        rest = _unpacked_text(rest if kind == "iTXt" else rest[1:])
    return key.decode("latin1"), rest.decode("utf-8" if kind == "iTXt" else "latin1", "replace")


def _unpacked_text(data: bytes) -> bytes:
    """Return what packed bytes stand for; the bytes themselves if they are damaged or stand for very much."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, _MOST_NOTE)
    except zlib.error:
        return data
    return data if unpacker.unconsumed_tail else found


def read_pdf(path: Path, parts: Parts) -> str:
    """Add the bytes of a document without its dates and its id."""
    parts.add("", "pdf", _PDF_DATES.sub(b"", path.read_bytes()))
    return "pdf"
