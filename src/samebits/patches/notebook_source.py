"""Treats the cells of a notebook as one Python file, and changes their sources.

Outputs, ids and metadata stay. The format: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from samebits.patches.source import SourceFile, TextEdit, edited_text, lines_of

_FORMAT = 4
_SKIPPED = "skip-execution"  # https://nbclient.readthedocs.io/en/latest/client.html, `skip_cells_with_tag`
_LAYOUT = re.compile(r"\{(\r?\n)?([ \t]*)")  # the end of the first line of the JSON, and the indentation of the next
# lines that only IPython understands: https://ipython.readthedocs.io/en/stable/config/inputtransforms.html
_CONTINUED = r"(?:[^\n]*\\\n)*[^\n]*"  # a line, and the lines on which a backslash continues it
_MAGIC = re.compile(
    rf"^([ \t]*)(?:[%!?]{_CONTINUED}|[\w., \t]+=[ \t]*[%!]{_CONTINUED}|[^\n#'\"]*\?[ \t]*$)", re.MULTILINE
)
_ENVIRONMENT = re.compile(r"[ \t]*%(?:set_)?env[ \t]+\w+[= \t]")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*\n?")
_IN_PYTHON = frozenset(("time", "capture"))  # cell magics that run the rest of the cell as Python, once


@dataclass(frozen=True)
class CodeCell:
    """A cell with code. `number`: its place among all cells, from 1. `text`: its source, with a line feed at its end.

    `start`, `line`: where the text begins in the text of all cells.
    """

    number: int
    text: str
    start: int
    line: int

    @cached_property
    def magic(self) -> str:
        """The cell magic with its line; "" if there is none."""
        match = _CELL_MAGIC.match(self.text)
        return match[0] if match else ""

    @property
    def body(self) -> str:
        """The text below the cell magic."""
        return self.text.removeprefix(self.magic)

    @cached_property
    def python(self) -> str:
        """Python on the same lines, without those for IPython; "" if the cell is not Python."""
        match = _CELL_MAGIC.match(self.text)
        if match and match[1] not in _IN_PYTHON:
            return ""
        above = "\n" * self.magic.count("\n")
        return next((above + text for text in (self.body, _MAGIC.sub(_statement, self.body)) if _parses(text)), "")

    @property
    def lines(self) -> range:
        """The lines of all cells that belong to this one."""
        return range(self.line, self.line + self.text.count("\n"))


@dataclass(frozen=True)
class NotebookSource(SourceFile):
    """A notebook. `text`: that of its cells with code, a blank line after each. `json`: that of the file."""

    json: str = field(default="", compare=False)
    cells: tuple[CodeCell, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, path: Path) -> NotebookSource:
        """Read a notebook. Raises OSError or ValueError if it cannot be read as one of format 4."""
        content = path.read_bytes().decode()
        cells: list[CodeCell] = []
        start, line = 0, 1
        for number, source in _sources(content).items():
            text = source if source.endswith("\n") else source + "\n"
            cells.append(CodeCell(number, text, start, line))
            start, line = start + len(text) + 1, line + text.count("\n") + 1
        return cls(path, "".join(f"{cell.text}\n" for cell in cells), "utf-8", content, tuple(cells))

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of all cells of Python, without the lines of IPython."""
        texts = (cell.python + "\n" * (cell.text.count("\n") + 1 - cell.python.count("\n")) for cell in self.cells)
        return ast.parse("".join(texts))

    @property
    def content(self) -> str:
        """The text of the file."""
        return self.json

    def edited(self, edits: Iterable[TextEdit]) -> str:
        """Return the content after edits of the cells, in the layout that it had."""
        notebook, edits = json.loads(self.json), list(edits)
        for cell in self.cells:
            own = [edit for edit in edits if cell.start <= edit.start <= cell.start + len(cell.text)]
            if own:
                shifted = (TextEdit(edit.start - cell.start, edit.end - cell.start, edit.text) for edit in own)
                _put(notebook["cells"][cell.number - 1], edited_text(cell.text, shifted))
        return _json_like(notebook, self.json)

    def cell_at(self, line: int) -> CodeCell | None:
        """Return the cell with a line of the text of all cells; None if there is none."""
        return next((cell for cell in self.cells if line in cell.lines), None)

    def place_of(self, line: int) -> tuple[int | None, int]:
        """Return (the number of the cell, the line in it) of a line of the text of all cells."""
        before = [cell for cell in self.cells if cell.line <= line]
        return (before[-1].number, line - before[-1].line + 1) if before else (None, line)


def _sources(content: str) -> dict[int, str]:
    """Return {number of a cell: its source} for the cells with code. Raises ValueError unless the format is 4."""
    try:
        notebook = json.loads(content)
        if notebook["nbformat"] != _FORMAT:
            raise ValueError("it is not a notebook of format 4")
        return {
            number: "".join(cell["source"])
            for number, cell in enumerate(notebook["cells"], 1)
            if cell["cell_type"] == "code" and _SKIPPED not in cell.get("metadata", {}).get("tags", ())
        }
    except (AttributeError, KeyError, TypeError, RecursionError) as why:
        raise ValueError(f"it is not a notebook: {why}") from None


def _put(cell: dict[str, Any], text: str) -> None:
    """Give a cell a new source, as text or as a list of lines, and without a last line feed if it had none."""
    was = "".join(cell["source"])
    text = text if was.endswith("\n") else text.removesuffix("\n")
    cell["source"] = lines_of(text) if isinstance(cell["source"], list) else text


def _json_like(notebook: Any, like: str) -> str:
    """Return a document as JSON in the layout of a text: its indentation, its escapes and the ends of its lines."""
    layout = _LAYOUT.match(like)
    end, indent = (layout[1] or "", layout[2]) if layout else ("", "")
    text = json.dumps(notebook, indent=indent if end else None, ensure_ascii=like.isascii())
    return text.replace("\n", end or "\n") + like[len(like.rstrip()) :]


def _statement(match: re.Match[str]) -> str:
    """Return a statement of Python in place of lines for IPython. It sets a variable if they do."""
    word = "os.environ[''] = ''" if _ENVIRONMENT.match(match[0]) else "pass"
    return match[1] + word + "\n" * match[0].count("\n")


def _parses(text: str) -> bool:
    try:
        return ast.parse(text) is not None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
