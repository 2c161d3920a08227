"""Treats the cells of a notebook as one Python file, and changes them within the JSON text of the notebook.

Every byte outside of the sources of the changed cells stays the same. The format:
https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import ast
import difflib
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from samebits.patches.magics import PlainCell, plain
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


# -- the JSON text ----------------------------------------------------------------------------------------------------


_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_HEX = "[0-9a-fA-F]"
_CHARACTER = re.compile(
    rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\.|.", re.DOTALL
)  # a character beyond U+FFFF is a pair of escapes
_FORMAT = 4
_SKIPPED = "skip-execution"  # https://nbclient.readthedocs.io/en/latest/client.html, `skip_cells_with_tag`

Span = tuple[int, int]


@dataclass(frozen=True)
class JsonCell:
    """A cell. `number`: its place in the notebook, from 1. `text`: its source. `value`: the span of the source in JSON.

    `strings`: the spans of its strings. `runs`: whether it is code that is not left out.
    """

    number: int
    text: str
    value: Span
    strings: tuple[Span, ...]
    runs: bool


def cells_of(text: str) -> list[JsonCell]:
    """Return the cells of a notebook. Raises ValueError unless it is one of format 4."""
    try:
        known = json.loads(text)
        if not isinstance(known, dict) or known.get("nbformat") != _FORMAT:
            raise ValueError("it is not a notebook of format 4")
        spans = {key: span for key, span in _members(text, _SPACE.match(text).end())}  # type: ignore[union-attr]
        return [_cell(text, number, at) for number, (at, _) in enumerate(_items(text, spans["cells"][0]), 1)]
    except (AttributeError, KeyError, TypeError, RecursionError) as why:
        raise ValueError(f"it is not a notebook: {why}") from None


def _cell(text: str, number: int, at: int) -> JsonCell:
    spans = dict(_members(text, at))
    cell = {
        name: json.loads(text[slice(*spans[name])]) for name in ("cell_type", "metadata", "source") if name in spans
    }
    value = spans["source"]
    strings = tuple(_items(text, value[0])) if isinstance(cell["source"], list) else (value,)
    tags = cell.get("metadata", {}).get("tags") or ()
    source = "".join(cell["source"])
    return JsonCell(number, source, value, strings, cell["cell_type"] == "code" and _SKIPPED not in tags)


def _members(text: str, at: int) -> Iterator[tuple[str, Span]]:
    """Yield the keys of the object at a position, each with the span of its value."""
    at = _next(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _next(text, _next(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield key, (start, end)
        at = _after_comma(text, end)


def _items(text: str, at: int) -> Iterator[Span]:
    """Yield the spans of the items of the list at a position."""
    at = _next(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _after_comma(text, end)


def _next(text: str, at: int) -> int:
    """Return the position of the next character that is no white space."""
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _after_comma(text: str, at: int) -> int:
    at = _next(text, at)
    return _next(text, at + 1) if text[at] == "," else at


# -- edits ------------------------------------------------------------------------------------------------------------


class JsonCharacter(NamedTuple):
    """A character of a source. `written`: as JSON has it. `gap`: what stands before its string, if it begins one."""

    written: str
    gap: str | None = None
    is_new: bool = False

    @property
    def ends_line(self) -> bool:
        """Whether it is a line feed."""
        return self.written in ("\\n", "\\u000a", "\\u000A")


def edited(text: str, cell: JsonCell, edits: Iterable[TextEdit]) -> str:
    """Return the JSON of a cell's source after edits of its text.

    If the text does not end with a line feed, edits may begin after one that is added; it is removed again.
    """
    found, is_ascii = list(_characters(text, cell)), text.isascii()
    is_open = not cell.text.endswith("\n")
    found += [JsonCharacter("\\n", is_new=True)] * is_open
    for edit in sorted(edits, reverse=True):
        _apply(found, edit, is_ascii=is_ascii)
    if is_open and found and found[-1].ends_line:
        found.pop()
    if text[cell.value[0]] == '"':
        return '"' + "".join(one.written for one in found) + '"'
    return _list(text, cell, found)


def _characters(text: str, cell: JsonCell) -> Iterator[JsonCharacter]:
    end = cell.value[0] + 1
    for start, stop in cell.strings:
        gap: str | None = text[end:start]
        for one in _CHARACTER.findall(text[start + 1 : stop - 1]):
            yield JsonCharacter(one, gap)
            gap = None
        end = stop


def _apply(found: list[JsonCharacter], edit: TextEdit, *, is_ascii: bool) -> None:
    """Apply an edit to the characters of a source. A string of a list keeps its beginning."""
    start, end, text = edit.start, edit.end, edit.text
    gap = found[start].gap if start < len(found) else None
    if start == end and gap is not None and text and not text.endswith("\n"):
        found[start] = found[start]._replace(gap=None)
    found[start:end] = [JsonCharacter(json.dumps(one, ensure_ascii=is_ascii)[1:-1], is_new=True) for one in text]
    if gap is not None and start < len(found) and found[start].gap is None:
        found[start] = found[start]._replace(gap=gap)


def _list(text: str, cell: JsonCell, found: list[JsonCharacter]) -> str:
    """Return a list of strings with these characters, a line each, with the white space of the list as it was."""
    if not found or not cell.strings:
        return "[" + ", ".join(f'"{one.written}"' for one in found) + "]"
    start, end = cell.value
    first, last = cell.strings[0], cell.strings[-1]
    lead, tail = text[start + 1 : first[0]], text[last[1] : end]
    usual = text[first[1] : cell.strings[1][0]] if len(cell.strings) > 1 else "," + (lead or " ")
    made = [lead, '"', found[0].written]
    for before, one in itertools.pairwise(found):
        if one.gap is not None or (before.ends_line and (before.is_new or one.is_new)):
            made += ['"', one.gap if one.gap and "," in one.gap else usual, '"']
        made.append(one.written)
    return "[" + "".join(made) + '"' + tail
