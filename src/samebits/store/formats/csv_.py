"""Reads a table of text by its columns, or cell by cell if it is small."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from samebits.store.content import Parts
from samebits.store.text_files import lines_of, number_or_text, whole_text

MOST_CELLS = 4_000  # of a table that is compared cell by cell


def read(path: Path, parts: Parts) -> None:
    """Add the cells of a table. Comments before the table are values."""
    text, comments = whole_text(path), 0
    parts.lines = lines_of(text)
    while text.startswith("#"):
        comment, _, text = text.partition("\n")
        comments += 1
        parts.add_plain(f"comment {comments}", comment)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    heads = _heads(rows)
    body = rows[1:] if heads else rows
    parts.add_plain("columns", heads or len(rows[0]) if rows else 0)
    parts.add_plain("rows", len(body))
    width = max(map(len, body), default=0)
    for place in range(width):
        name = (heads[place] if place < len(heads) else "") or f"column {place + 1}"
        cells = [(number, number_or_text(row[place])) for number, row in enumerate(body, 1) if place < len(row)]
        if width * len(body) <= MOST_CELLS:
            for number, cell in cells:
                parts.add_plain(f"row {number}.{name}", cell)
        else:
            parts.add_plain(name, [cell for _, cell in cells])


def _heads(rows: list[list[str]]) -> list[str]:
    """Return the first row if none of its cells is a number, else nothing."""
    heads = rows[0] if rows else []
    filled = [head for head in heads if head.strip()]
    return heads if filled and not any(isinstance(number_or_text(head), float) for head in filled) else []
