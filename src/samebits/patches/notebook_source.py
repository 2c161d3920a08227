"""Treats the cells of a notebook as one Python file, and changes them within the JSON text of the notebook."""

from __future__ import annotations

import ast
import difflib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from samebits.patches.magics import PlainCell, plain
from samebits.patches.notebook_file import JsonCell, cells_of, edited
from samebits.patches.source import SourceFile, TextEdit

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class CodeCell:
    """A cell of Python. `start`, `line`: where its text begins in the text of all cells. `section`: that text."""

    json: JsonCell
    plain: PlainCell
    section: str
    start: int
    line: int

    @property
    def number(self) -> int:
        """Its place among all cells, from 1."""
        return self.json.number

    @property
    def end(self) -> int:
        """The position after its text."""
        return self.start + len(self.section)

    @property
    def lines(self) -> range:
        """The lines of all cells that belong to this one, and the blank line after it."""
        return range(self.line, self.line + self.section.count("\n") + 1)


@dataclass(frozen=True)
class NotebookSource(SourceFile):
    """A notebook. `text`: that of its cells with code, a blank line after each. `json`: that of the file."""

    json: str = field(default="", compare=False)
    cells: tuple[CodeCell, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, path: Path) -> NotebookSource:
        """Read a notebook. Raises OSError or ValueError if it cannot be read as one of format 4."""
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        return cls.of(path, path.read_bytes().decode())

    @classmethod
    def of(cls, path: Path, content: str) -> NotebookSource:
        """Return the notebook with this content. Raises ValueError."""
        cells: list[CodeCell] = []
        start, line = 0, 1
        for one in cells_of(content):
            if not one.runs:
                continue
            code = plain(one.text)
            text = one.text if code.is_python else _printable(one.text)
            section = text if text.endswith("\n") else text + "\n"
            cells.append(CodeCell(one, code, section, start, line))
            start, line = start + len(section) + 1, line + section.count("\n") + 1
        return cls(path, "".join(f"{one.section}\n" for one in cells), "utf-8", content, tuple(cells))

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of all cells, without the lines of IPython."""
        ended = ((one.plain.text, one.section.count("\n")) for one in self.cells)
        return ast.parse("".join(text + "\n" * (lines + 1 - text.count("\n")) for text, lines in ended))

    @property
    def content(self) -> str:
        """The text of the file."""
        return self.json

    def with_content(self, content: str) -> NotebookSource:
        """Return the same file with a different content. Raises ValueError."""
        return NotebookSource.of(self.path, content)

    def is_code(self, content: str) -> bool:
        """Return whether the cells of Python in a new content are still Python."""
        strange = [[one.number for one in cells if not one.plain.is_python] for cells in
                   (self.cells, self.with_content(content).cells)]  # fmt: skip
        return strange[0] == strange[1]

    def edited(self, edits: Iterable[TextEdit]) -> str:
        """Return the content after edits of the cells. Raises ValueError if one lies outside of the cells of Python."""
        found: dict[int, list[TextEdit]] = {}
        last = len(self.text)
        for edit in sorted(set(edits), reverse=True):
            if edit.end > last:
                raise ValueError(f"two changes of {self.path.name} overlap")
            last = edit.start
            place = next((place for place, one in enumerate(self.cells) if one.start <= edit.start <= one.end), None)
            if place is None or edit.end > self.cells[place].end or not self.cells[place].plain.is_python:
                raise ValueError("a change lies outside of the cells of Python")
            start = self.cells[place].start
            found.setdefault(place, []).append(TextEdit(edit.start - start, edit.end - start, edit.text))
        content = self.json
        for place, some in sorted(found.items(), reverse=True):
            cell = self.cells[place].json
            content = content[: cell.value[0]] + edited(self.json, cell, some) + content[cell.value[1] :]
        return content

    def code_edits(self, edit: TextEdit) -> list[TextEdit]:
        """Return the edits of the cells that an edit of the content makes. Raises ValueError if it makes others too."""
        content = self.json[: edit.start] + edit.text + self.json[edit.end :]
        new = self.with_content(content)
        pairs = zip(self.cells, new.cells, strict=True)
        found = [one for old, cell in pairs if old.section != cell.section for one in self._changes(old, cell)]
        if self.edited(found) != content:
            raise ValueError("the lines are not those of a cell alone")
        return found

    def _changes(self, cell: CodeCell, new: CodeCell) -> Iterator[TextEdit]:
        """Yield the edits that make one cell of another, by lines."""
        old_lines, new_lines = (list(io.StringIO(one.section, newline="")) for one in (cell, new))
        matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
        for kind, first, last, start, end in matcher.get_opcodes():
            if kind != "equal":
                text = "".join(new_lines[start:end])
                yield TextEdit(self.start_of(cell.line + first), self.start_of(cell.line + last), text)

    def cell_at(self, line: int) -> CodeCell | None:
        """Return the cell with a line of the text of all cells; None if there is none."""
        return next((one for one in self.cells if line in one.lines), None)

    def place_of(self, line: int) -> tuple[int | None, int]:
        """Return (the number of the cell, the line in it) of a line of the text of all cells."""
        cell = self.cell_at(line)
        return (cell.number, line - cell.line + 1) if cell is not None else (None, line)

    def takes_lines(self, line: int) -> bool:
        """Return whether new lines may stand before a line: not in a cell of a different language."""
        cell = self.cell_at(line)
        return cell is not None and cell.plain.is_python


def _printable(text: str) -> str:
    """Return the text of a cell that is not Python, as UTF-8 can hold it."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return unified.encode("utf-8", "replace").decode()
