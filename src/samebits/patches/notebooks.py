"""Finds the cell of a line in a notebook that a command runs. `fix` makes no patch for a notebook."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from samebits.patches.look import Draw

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Notebook:
    """A notebook. `name`: its path in the command. `cells`: the text of each cell; "" for a cell without code."""

    name: str
    cells: tuple[str, ...]

    def cell_of(self, draw: Draw) -> int | None:
        """Return the number (from 1) of the only cell with the innermost line of a draw; None if there is none."""
        (path, line), *_ = draw.places
        if path.is_file() or not draw.text:
            return None
        texts = (cell.splitlines()[line - 1 : line] for cell in self.cells)
        found = [number for number, text in enumerate(texts, 1) if [one.strip() for one in text] == [draw.text]]
        return found[0] if len(found) == 1 else None


def notebook_of(command: Sequence[str], directory: Path) -> Notebook | None:
    """Return the first notebook that a command names and that can be read; None if there is none."""
    for word in command:
        path = directory / word
        if word.endswith(".ipynb") and path.is_file() and path.stat().st_size <= _MOST_BYTES:
            try:
                return Notebook(word, tuple(_cells(json.loads(path.read_bytes()))))
            except (ValueError, AttributeError, TypeError, RecursionError):
                continue
    return None


def _cells(document: dict[str, object]) -> Iterator[str]:
    cells = document.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        source = cell.get("source") if cell.get("cell_type") == "code" else ""
        yield source if isinstance(source, str) else "".join(source or ())
