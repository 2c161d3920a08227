"""Reads a text that has a JSON value in each line."""

from __future__ import annotations

import json
from pathlib import Path

from samebits.store.content import Parts, add_json
from samebits.store.text_files import lines_of, whole_text


def read(path: Path, parts: Parts) -> None:
    """Add the value of each line, by the number of the line."""
    text = whole_text(path)
    parts.lines = lines_of(text)
    for number, line in enumerate(filter(str.strip, text.split("\n")), 1):
        add_json(parts, f"line {number}", json.loads(line))
