"""The text of a program's files: its edits, and the unified diff of a patch. Every byte outside of the edits stays."""

from __future__ import annotations

import ast
import difflib
import io
import itertools
import os
import re
import tokenize
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
        found = cls(path, data.decode(encoding), encoding)
        assert found.tree is not None  # parse it now, so that a SyntaxError is raised here
        return found

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text.replace("\r\n", "\n").replace("\r", "\n"))

    @property
    def content(self) -> str:
        """The text of the whole file, which is more than its code in a notebook."""
        return self.text

    def with_content(self, content: str) -> SourceFile:
        """Return the same file with a different content."""
        return SourceFile(self.path, content, self.encoding)

    def is_code(self, content: str) -> bool:
        """Return whether a new content can still be parsed. Raises SyntaxError or ValueError if not."""
        return ast.parse(content.replace("\r\n", "\n")) is not None

    def code_edits(self, edit: TextEdit) -> list[TextEdit]:
        """Return the edits of the text that an edit of the content makes."""
        return [edit]

    def place_of(self, line: int) -> tuple[int | None, int]:
        """Return (the number of a notebook's cell, the line in it) of a line of the text; no number for other files."""
        return None, line

    def takes_lines(self, line: int) -> bool:
        """Return whether new lines may stand before a line."""
        return True

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

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, the innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statements_at(self, line: int) -> list[ast.stmt]:
        """Return the statements that cover a line, the innermost first."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.stmt) and covers(node, line)]
        return sorted(found, key=lambda node: ((node.end_lineno or 0) - node.lineno, -node.col_offset))

    def edited(self, edits: Iterable[TextEdit]) -> str:
        """Return the content after edits of the text. Raises ValueError if two of them change the same characters."""
        text, last = self.text, len(self.text)
        for edit in sorted(set(edits), reverse=True):
            if edit.end > last:
                raise ValueError(f"two changes of {self.path.name} overlap")
            text, last = text[: edit.start] + edit.text + text[edit.end :], edit.start
        return text


def lines_of(text: str) -> list[str]:
    """Split a text into lines as `patch` and git do: only a line feed ends a line; a form feed does not."""
    return list(io.StringIO(text, newline="\n"))


def covers(node: ast.stmt | ast.expr, line: int) -> bool:
    """Return whether a node covers a line."""
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def touches(node: ast.stmt | ast.expr, lines: Collection[int]) -> bool:
    """Return whether a node covers one of the lines."""
    return any(line in lines for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


@dataclass(frozen=True)
class ImportedNames:
    """Resolves the names of a file by its imports: `np` to numpy, `default_rng` to numpy.random.default_rng."""

    source: SourceFile

    @cached_property
    def known(self) -> dict[str, str]:
        """Name -> dotted name, for all imports of the file."""
        return names_of(ast.walk(self.source.tree))

    def dotted(self, node: ast.AST) -> str:
        """Return the dotted name of an expression, resolved by the imports; "" if it has none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.known.get(node.id, node.id), *reversed(parts)])


def names_of(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return {name: dotted name} for all nodes that are imports."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name.split(".")[0]] = one.name if one.asname else one.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names if one.name != "*"})
    return found


# -- a patch as a unified diff: written, read again, and encoded for `patch` and `git apply` --------------------------

# the first character of a file in the encoding `utf-8-sig`, which its decoded text does not contain
_BYTE_ORDER_MARK = "\ufeff"
_FIRST = re.compile(r"@@ -[01][ ,]")  # the hunk at the beginning of a file


def diff_of(name: str, source: SourceFile, new: str) -> Iterator[str]:
    """Yield the lines of the diff of one file, with line endings. `name`: the path of the file, as people see it."""
    end = "\t" if " " in name else ""  # without it, `patch` reads the name only up to its first space
    before, after = f"a/{name.lstrip('/')}{end}", f"b/{name.lstrip('/')}{end}"
    mark = _BYTE_ORDER_MARK if source.encoding == "utf-8-sig" else ""
    for line in difflib.unified_diff(lines_of(mark + source.content), lines_of(mark + new), before, after):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def diff_in_bytes(patch: str, encoding_of: Callable[[str], str]) -> bytes:
    """Return the diff as bytes, with the lines of each file in the encoding of the file.

    Otherwise `patch` and `git apply` would not find the lines in the file.
    """
    found, encoding = [], "utf-8"
    for line in lines_of(patch):
        if line.startswith("+++ b/"):
            encoding = encoding_of(_name(line)).removesuffix("-sig")
        is_name = line.startswith(("--- a/", "+++ b/"))
        found.append(os.fsencode(line) if is_name else line.encode(encoding, "replace"))
    return b"".join(found)


def _name(line: str) -> str:
    return line.removeprefix("+++ b/").rstrip("\n").removesuffix("\t")


@dataclass
class Hunk:
    """Lines of a file before and after a patch. `added`: the lines that only the patch has.

    `is_first`: the hunk begins the file, so a byte order mark may stand before its first line. `marks`: the first
    characters of its diff lines. If a hunk has no unchanged line on one side, the file begins or ends there.
    """

    file: str
    is_first: bool = False
    old: str = ""
    new: str = ""
    marks: str = ""
    added: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Add a line of the patch."""
        if line.startswith("\\"):
            self._take_end()
            return
        if self.is_first:
            line = line[:1] + line[1:].removeprefix(_BYTE_ORDER_MARK)
        self.marks += line[:1]
        if line[:1] == "+":
            self.added.append(line[1:].strip())
        if line[:1] in " -":
            self.old += line[1:]
        if line[:1] in " +":
            self.new += line[1:]

    def _take_end(self) -> None:
        """Remove the line ending of the last line, in the texts that contain this line."""
        if self.marks[-1] in " -":
            self.old = self.old.removesuffix("\n")
        if self.marks[-1] in " +":
            self.new = self.new.removesuffix("\n")


def hunks(patch: str) -> Iterator[Hunk]:
    """Yield the hunks of a patch, in order."""
    file, hunk = "", None
    for line in lines_of(patch):
        if line.startswith("+++ b/"):
            file = _name(line)
        elif line.startswith("@@ "):
            yield from [hunk] if hunk is not None else []
            hunk = Hunk(file, is_first=_FIRST.match(line) is not None)
        elif line.startswith("--- a/"):
            yield from [hunk] if hunk is not None else []
            hunk = None
        elif hunk is not None:
            hunk.take(line)
    yield from [hunk] if hunk is not None else []


def shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines (or characters) the beginnings have in common."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
