"""The program that a patch is made for: its files, the lines that ran, and its libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from samebits.patches.insertion import InsertionPoint
from samebits.patches.look import NOTEBOOK, Draw, Look
from samebits.patches.notebook_source import NotebookSource
from samebits.patches.source import ImportedNames, SourceFile, TextEdit, touches


@dataclass(frozen=True)
class LineChange:
    """An edit of a file, for a control. `about`: describes the edit.

    `place`: the span that it changes, if the rest of a patch makes sense without this change. Changes with the same
    place belong together.
    """

    control: str
    source: SourceFile
    edit: TextEdit
    about: str
    place: tuple[int, int] | None = None


class ProgramCall(NamedTuple):
    """A call that ran. `name`: its dotted name, resolved by the imports of the file; "" if it has none."""

    source: SourceFile
    node: ast.Call
    name: str


@dataclass(frozen=True)
class Program:
    """A program. `directory`, `seed`: those of the trials. `packages`: the versions of the loaded packages."""

    look: Look
    directory: Path
    seed: int
    packages: Mapping[str, str]
    uses_cuda: bool = False
    _sources: dict[Path, SourceFile | None] = field(default_factory=dict)

    def source(self, path: Path) -> SourceFile | None:
        """Return a file of the program; None if it cannot be read as Python, or as a notebook."""
        if path not in self._sources:
            try:
                kind = NotebookSource if path.suffix == NOTEBOOK else SourceFile
                self._sources[path] = kind.read(path)
            except (OSError, SyntaxError, UnicodeError, ValueError):
                self._sources[path] = None
        return self._sources[path]

    @cached_property
    def sources(self) -> list[tuple[SourceFile, set[int]]]:
        """The files with lines that ran, and these lines. The main file comes first."""
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
        """Yield the expressions and statements on lines that ran."""
        for source, lines in self.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.expr | ast.stmt) and touches(node, lines):
                    yield source, node

    def first(self, generators: Iterable[str] | None = None) -> Draw | None:
        """Return the first draw of the program from one of the generators (default: any); None if there is none."""
        wanted = set(generators) if generators is not None else None
        drawn = (draw for draw in self.look.draws if wanted is None or draw.generator in wanted)
        return next((draw for draw in drawn if not self._is_of_an_import(draw)), None)

    def _is_of_an_import(self, draw: Draw) -> bool:
        """Return whether a library drew during its import: the innermost line of the program only imports."""
        path, line = draw.places[0]
        source = self.source(path)
        found = source.statements_at(line) if source is not None else []
        return bool(found) and all(isinstance(one, ast.Import | ast.ImportFrom) for one in found)

    def lines_in(self, draw: Draw | None, source: SourceFile) -> list[int]:
        """Return the lines of a file that ran during a draw, the innermost first."""
        return [line for path, line in draw.places if path == source.path] if draw is not None else []

    def point(self, draw: Draw | None, source: SourceFile) -> InsertionPoint:
        """Return the place in a file for lines that must precede a draw."""
        return InsertionPoint(source, next(reversed(self.lines_in(draw, source)), None))

    def shown(self, path: Path) -> str:
        """Return the path of a file for people: relative to the folder of the trials if it lies there."""
        return str(path.relative_to(self.directory)) if path.is_relative_to(self.directory) else str(path)
