"""The program that is to be mended: its files, what ran of them, and what is known of its libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from samebits.patches.insertion import InsertionPoint
from samebits.patches.look import Draw, Look
from samebits.patches.source import ImportedNames, SourceFile, TextEdit, touches


@dataclass(frozen=True)
class LineChange:
    """An edit of a file, for a control. `about`: what it does, in words.

    `place`: what it changes, if that can be left as it is while the rest of a patch is made. Changes of one place
    belong together.
    """

    control: str
    source: SourceFile
    edit: TextEdit
    about: str
    place: tuple[int, int] | None = None


class ProgramCall(NamedTuple):
    """A call that ran. `name`: its dotted name, through the file's imports; "" if it has none."""

    source: SourceFile
    node: ast.Call
    name: str


@dataclass(frozen=True)
class Program:
    """`directory`: that of the trials. `seed`: the one that they used. `packages`: versions of what was loaded."""

    look: Look
    directory: Path
    seed: int
    packages: Mapping[str, str]
    uses_cuda: bool = False
    _sources: dict[Path, SourceFile | None] = field(default_factory=dict)

    def source(self, path: Path) -> SourceFile | None:
        """A file of the program; None if it cannot be read as Python."""
        if path not in self._sources:
            try:
                self._sources[path] = SourceFile.read(path)
            except (OSError, SyntaxError, UnicodeError, ValueError):
                self._sources[path] = None
        return self._sources[path]

    @cached_property
    def sources(self) -> list[tuple[SourceFile, set[int]]]:
        """The files of which lines ran, with these lines; the main file first."""
        ordered = sorted(self.look.lines.items(), key=lambda one: (one[0] != self.look.main, one[0]))
        found = ((self.source(path), lines) for path, lines in ordered)
        return [(source, lines) for source, lines in found if source is not None]

    @cached_property
    def main(self) -> SourceFile | None:
        """The file that was started."""
        return self.source(self.look.main) if self.look.main is not None else None

    @cached_property
    def calls(self) -> list[ProgramCall]:
        """The calls on lines that ran."""
        return list(self._calls())

    def _calls(self) -> Iterator[ProgramCall]:
        for source, node in self.nodes():
            if isinstance(node, ast.Call):
                yield ProgramCall(source, node, ImportedNames(source).dotted(node.func))

    def nodes(self) -> Iterator[tuple[SourceFile, ast.expr | ast.stmt]]:
        """The expressions and statements on lines that ran."""
        for source, lines in self.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.expr | ast.stmt) and touches(node, lines):
                    yield source, node

    def first(self, generators: Iterable[str] | None = None) -> Draw | None:
        """The first draw of the program from one of the generators, or from any."""
        wanted = set(generators) if generators is not None else None
        drawn = (draw for draw in self.look.draws if wanted is None or draw.generator in wanted)
        return next((draw for draw in drawn if not self._is_of_an_import(draw)), None)

    def _is_of_an_import(self, draw: Draw) -> bool:
        """Whether a library has drawn while it was imported: the innermost line of the program only imports."""
        path, line = draw.places[0]
        source = self.source(path)
        found = source.statements_at(line) if source is not None else []
        return bool(found) and all(isinstance(one, ast.Import | ast.ImportFrom) for one in found)

    def lines_in(self, draw: Draw | None, source: SourceFile) -> list[int]:
        """The lines of a file that ran while a generator's state changed, the innermost first."""
        return [line for path, line in draw.places if path == source.path] if draw is not None else []

    def point(self, draw: Draw | None, source: SourceFile) -> InsertionPoint:
        """The place of a file for lines that must precede a draw."""
        return InsertionPoint(source, next(reversed(self.lines_in(draw, source)), None))

    def shown(self, path: Path) -> str:
        """A file as people name it: from the folder of the trials if it lies there."""
        return str(path.relative_to(self.directory)) if path.is_relative_to(self.directory) else str(path)
