"""Replaces the lines of a notebook's cell that only IPython understands by Python statements on the same lines.

IPython turns these lines into Python before it runs a cell: https://ipython.readthedocs.io/en/stable/config/inputtransforms.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

_CONTINUED = r"(?:[^\n]*\\\n)*[^\n]*"  # a line, and the lines on which a backslash continues it
_CELL_MAGIC = re.compile(r"\s*^%%(\w+)(?![\w?])([^\n]*)\n?", re.MULTILINE)
_MAGIC = re.compile(rf"([ \t]*)(?:[%!?/,;]{_CONTINUED}|(?![ \t])[^\n#'\"]*\?[ \t]*(?=\n|\Z))")
_ASSIGNED = re.compile(rf"([^\n=#'\"!<>%]*=[ \t]*)[%!]{_CONTINUED}")
_ENVIRONMENT = re.compile(r"[ \t]*%(?:set_)?env[ \t]+\w+[ \t]*[= \t][ \t]*\S")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' r"'''(?:\\.|[^\\])*?'''|" r'"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'|"
    r"#[^\n]*|\\\n|[()\[\]{}\n]",
    re.DOTALL,
)  # fmt: skip
_NO_WORD = re.compile(r"\W")
_IN_PYTHON = frozenset(("time", "capture"))  # cell magics that run the rest of the cell as Python, once
_WRITERS = frozenset(("writefile", "file"))


class ShownLine(NamedTuple):
    """A line as the kernel shows it. `line`: the line of the cell, from 1. `text`: stripped.

    `is_magic`: the kernel shows a call of IPython instead of the text.
    """

    line: int
    text: str
    is_magic: bool = False

    def is_shown_as(self, text: str) -> bool:
        """Return whether the kernel may show the line as this text."""
        if self.is_magic:
            return _NO_WORD.sub("", self.text) in _NO_WORD.sub("", text)
        return self.text == text.strip()


@dataclass(frozen=True)
class PlainCell:
    """A cell without the lines of IPython. `text`: Python with as many lines as the cell.

    `is_python`: if not, `text` is one statement in place of the whole cell. `shown`: the lines that the kernel runs, as
    it may show them. `call`: the one line in place of them, if the cell begins with a cell magic. `written`: the file
    that the cell writes.
    """

    text: str
    is_python: bool
    shown: tuple[ShownLine, ...]
    call: ShownLine | None = None
    written: str = ""


def plain(text: str) -> PlainCell:
    """Return a cell without the lines of IPython."""
    unified = text.replace("\r\n", "\n")
    found = _CELL_MAGIC.match(unified)
    made = _with_cell_magic(unified, found) if found else _without_magics(unified)
    is_whole = made.is_python and "\r" not in unified and _parses(made.text)
    return made if is_whole else replace(made, text=_statement(unified, found), is_python=False)


def _with_cell_magic(text: str, found: re.Match[str]) -> PlainCell:
    name, rest, body = found[1], found[2].strip(), text[found.end() :]
    before = text[: found.end()].count("\n")
    line = text[: found.start(1)].count("\n") + 1
    ended = body + "\n" if body and not body.endswith("\n") else body
    call = ShownLine(line, f"get_ipython().run_cell_magic({name!r}, {rest!r}, {ended!r})")
    written = rest.split()[-1] if name in _WRITERS and rest else ""
    inner = plain(body)
    shown = tuple(one._replace(line=one.line + before) for one in inner.shown)
    is_python = name in _IN_PYTHON and inner.is_python
    return PlainCell("\n" * before + inner.text, is_python, shown, call, written)


def _statement(text: str, found: re.Match[str] | None) -> str:
    """Return one statement in place of a cell, on its first line that is not blank."""
    blank = text[: len(text) - len(text.lstrip())] if found is None else text[: found.start(1)]
    before = blank.count("\n")
    return "\n" * before + "_" + "\n" * (text.count("\n") - before)


def _without_magics(text: str) -> PlainCell:
    pieces = list(_pieces(text))
    shown, line = [], 1
    for old, new in pieces:
        texts = [_magic_of(old)] if old != new else old.removesuffix("\n").split("\n")
        shown += [ShownLine(line + place, one.strip(), old != new) for place, one in enumerate(texts)]
        line += old.count("\n")
    return PlainCell("".join(new for _, new in pieces), is_python=True, shown=tuple(shown))


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield the statements of a cell, and Python in place of each."""
    at = 0
    while at < len(text):
        assigned = _ASSIGNED.match(text, at)
        magic = assigned or _MAGIC.match(text, at)
        end = min(magic.end() + 1, len(text)) if magic else _end_of_statement(text, at)
        old, new = text[at:end], text[at:end]
        if magic:
            is_set = _ENVIRONMENT.match(text, at) is not None
            new = magic[1] + ("os.environ['_'] = 0" if is_set else "0") + "\n" * old.count("\n")
        yield old, new
        at = end


def _magic_of(line: str) -> str:
    """Return a line for IPython without the name that it assigns to."""
    assigned = _ASSIGNED.match(line)
    return line[assigned.end(1) :] if assigned else line


def _end_of_statement(text: str, at: int) -> int:
    """Return the position after the line on which the statement at a position ends."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        depth += (token[0] in "([{") - (token[0] in ")]}")
        if token[0] == "\n" and depth <= 0:
            return token.end()
    return len(text)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
