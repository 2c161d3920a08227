"""The text of a program's files: its edits, and the unified diff of a patch. Every byte outside of the edits stays."""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, order=True)
class TextEdit:
    """Replaces the characters from `start` to `end` by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class SourceFile:
    """A Python file. `text`: its text, with its own line endings. Positions count the characters of this text."""

    path: Path
    text: str
    encoding: str

    @classmethod
    def read(cls, path: Path) -> SourceFile:
        """Read a file. Raises OSError, SyntaxError or UnicodeError if this Python cannot parse it."""
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        source = cls(path, data.decode(encoding), encoding)
        assert source.tree is not None  # parse it now, so that a SyntaxError is raised here
        return source

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text.replace("\r\n", "\n").replace("\r", "\n"))

    @property
    def content(self) -> str:
        """The text of the whole file, which is more than its code in a notebook."""
        return self.text

    def edited(self, edits: Iterable[TextEdit]) -> str:
        """Return the content after edits of the text. Raises ValueError if two of them change the same characters."""
        return edited_text(self.text, edits)

    def place_of(self, line: int) -> tuple[int | None, int]:
        """Return (the number of a notebook's cell, the line in it) of a line of the text; no number for other files."""
        return None, line

    @cached_property
    def lines(self) -> list[str]:
        """The lines, each with its line ending."""
        return list(io.StringIO(self.text, newline=""))

    @cached_property
    def end_of_line(self) -> str:
        """The line ending of the first line."""
        first = self.lines[0] if self.lines else "\n"
        return first[len(first.rstrip("\r\n")) :] or "\n"

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line))
        return starts

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """Node -> the node around it."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def position(self, line: int, column: int) -> int:
        """Return the position of a line (from 1) and a column. Like the syntax tree, `column` counts bytes of UTF-8."""
        return self._starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return the positions at which a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.position(node.lineno, node.col_offset), self.position(node.end_lineno, node.end_col_offset)

    def text_of(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def start_of(self, line: int) -> int:
        """Return the position at which a line begins. The line after the last one begins at the end of the text."""
        return self._starts[line - 1]

    def line_of(self, position: int) -> int:
        """Return the line, from 1, of a position."""
        return self.text.count("\n", 0, position) + 1

    @cached_property
    def imports(self) -> dict[str, str]:
        """Name -> dotted name, for all imports of the file."""
        return names_of(ast.walk(self.tree))

    def dotted(self, node: ast.AST) -> str:
        """Return the dotted name of an expression, resolved by the imports (`np.sum`: numpy.sum); "" if it has none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imports.get(node.id, node.id), *reversed(parts)])


def edited_text(text: str, edits: Iterable[TextEdit]) -> str:
    """Return a text after edits. Raises ValueError if two of them change the same characters."""
    last = len(text)
    for edit in sorted(set(edits), reverse=True):
        if edit.end > last:
            raise ValueError("two changes overlap")
        text, last = text[: edit.start] + edit.text + text[edit.end :], edit.start
    return text


def lines_of(text: str) -> list[str]:
    """Split a text into lines as `patch` and git do: only a line feed ends a line; a form feed does not."""
    return list(io.StringIO(text, newline="\n"))


def touches(node: ast.stmt | ast.expr, lines: Collection[int]) -> bool:
    """Return whether a node covers one of the lines."""
    return any(line in lines for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


def names_of(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return {name: dotted name} for all nodes that are imports."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names if item.name != "*"}
    return names


# the first character of a file in the encoding `utf-8-sig`, which its decoded text does not contain
_BYTE_ORDER_MARK = "\ufeff"


def diff_of(name: str, source: SourceFile, new: str) -> Iterator[str]:
    """Yield the lines of the diff of one file, with line endings. `name`: the path of the file, as people see it."""
    end = "\t" if " " in name else ""  # without it, `patch` reads the name only up to its first space
    before, after = f"a/{name.lstrip('/')}{end}", f"b/{name.lstrip('/')}{end}"
    mark = _BYTE_ORDER_MARK if source.encoding == "utf-8-sig" else ""
    for line in difflib.unified_diff(lines_of(mark + source.content), lines_of(mark + new), before, after):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
