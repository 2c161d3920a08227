"""Reads an SVG picture by its lines. Its ids are numbered, because Matplotlib makes new ones in every run.

https://matplotlib.org/stable/users/explain/customizing.html (`svg.hashsalt`)
"""

from __future__ import annotations

import re
from pathlib import Path

from samebits.store.content import Parts
from samebits.store.text_files import add_text, whole_text

_ID = re.compile(r"(?<=\bid=\")[^\"]+(?=\")")
_REFERENCE = re.compile(r"(?<=[\"#])[^\"#()]+(?=[\")])")


def read(path: Path, parts: Parts) -> str:
    """Add the text as one part. An id is the same wherever the picture refers to it."""
    text = whole_text(path)
    numbers = {key: f"id {number}" for number, key in enumerate(dict.fromkeys(_ID.findall(text)), 1)}
    add_text(parts, _REFERENCE.sub(lambda match: numbers.get(match[0], match[0]), text).encode())
    return "text"
