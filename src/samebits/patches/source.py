"""A file of the program as text that can be edited: what is not edited keeps every byte."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, order=True)
class TextEdit:
    """Replace the characters from `start` to `end` by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class SourceFile:
    """A Python file. `text`: with its own ends of lines. Positions are numbers of characters in it."""

    path: Path
    text: str
    encoding: str

    @classmethod
    def read(cls, path: Path) -> SourceFile:
        """Read a file. Raises OSError, SyntaxError or UnicodeError for one that is no Python of this release."""
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        found = cls(path, data.decode(encoding), encoding)
        assert found.tree is not None  # parsed now: a SyntaxError belongs here
        return found

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text.replace("\r\n", "\n").replace("\r", "\n"))

    @cached_property
    def lines(self) -> list[str]:
        """The lines, each with its end."""
        return list(io.StringIO(self.text, newline=""))

    @cached_property
    def end_of_line(self) -> str:
        """How lines end, as the first one does."""
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
        """The node around each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def position(self, line: int, column: int) -> int:
        """The position of a line (from 1) and a column as the syntax tree has it: bytes of UTF-8."""
        return self._starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.position(node.lineno, node.col_offset), self.position(node.end_lineno, node.end_col_offset)

    def text_of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def start_of(self, line: int) -> int:
        """Where a line begins; the end of the text for the one after the last."""
        return self._starts[line - 1]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, the innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statements_at(self, line: int) -> list[ast.stmt]:
        """The statements that hold a line, the innermost first."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.stmt) and covers(node, line)]
        return sorted(found, key=lambda node: ((node.end_lineno or 0) - node.lineno, -node.col_offset))

    def edited(self, edits: Iterable[TextEdit]) -> str:
        """The text with the edits made. Raises ValueError if two of them change the same characters."""
        text, last = self.text, len(self.text)
        for edit in sorted(set(edits), reverse=True):
            if edit.end > last:
                raise ValueError(f"two changes of {self.path.name} overlap")
            text, last = text[: edit.start] + edit.text + text[edit.end :], edit.start
        return text


def lines_of(text: str) -> list[str]:
    """The lines of a text as `patch` and git have them: only a line feed ends one, a form feed does not."""
    return list(io.StringIO(text, newline="\n"))


def covers(node: ast.stmt | ast.expr, line: int) -> bool:
    """Whether a node stands on a line."""
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def touches(node: ast.stmt | ast.expr, lines: Collection[int]) -> bool:
    """Whether a node stands on one of the lines."""
    return any(line in lines for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


@dataclass(frozen=True)
class ImportedNames:
    """What the names of a file stand for: `np` for numpy, `default_rng` for numpy.random.default_rng."""

    source: SourceFile

    @cached_property
    def known(self) -> dict[str, str]:
        """Name -> dotted name, of all imports of the file."""
        return names_of(ast.walk(self.source.tree))

    def dotted(self, node: ast.AST) -> str:
        """The dotted name of an expression, through the imports; "" if it has none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.known.get(node.id, node.id), *reversed(parts)])


def names_of(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Name -> dotted name, of those of the nodes that are imports."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name.split(".")[0]] = one.name if one.asname else one.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names if one.name != "*"})
    return found
