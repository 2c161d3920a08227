"""Reads a PDF by its bytes, without its dates and its id. https://pdfa.org/resource/iso-32000-2/ (14.3.3 and 14.4)."""

from __future__ import annotations

import re
from pathlib import Path

from samebits.store.content import Parts

_OF_ONE_WRITING = re.compile(rb"/(?:CreationDate|ModDate)\s*\([^)]*\)|/ID\s*\[[^\]]*\]")


def read(path: Path, parts: Parts) -> None:
    """Add the document as one part."""
    parts.add("", "pdf", _OF_ONE_WRITING.sub(b"", path.read_bytes()), is_value=True)
