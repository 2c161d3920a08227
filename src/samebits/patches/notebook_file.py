"""Finds the sources of a notebook's cells in its JSON text, and edits them. Every byte outside of them stays the same.

The format: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from samebits.patches.source import TextEdit

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
