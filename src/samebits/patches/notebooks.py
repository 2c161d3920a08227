"""Finds the notebook that a command runs, and the lines of its cells that ran."""

from __future__ import annotations

import ast
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samebits.patches.magics import ShownLine
from samebits.patches.notebook_source import CodeCell, NotebookSource
from samebits.patches.program import NOTEBOOK, Draw, Look, Program
from samebits.store import Record

_PACKAGES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Notebook:
    """A notebook. `name`: its path for people. `source`: None if it cannot be read. `why`: why it cannot be changed."""

    name: str
    path: Path
    source: NotebookSource | None
    why: str = ""


def notebook_of(record: Record, look: Look) -> Notebook | None:
    """Return the notebook that a command ran in a trial; None if it ran none.

    If it ran several, it is the first that drew. A command may also write a copy of it, which holds the same cells.
    """
    directory, trial = Path(record.file.directory), record.trials[0]
    named = [directory / word for word in record.file.command if word.endswith(NOTEBOOK)]
    some = dict.fromkeys(Path(os.path.normpath(path)) for path in (*named, *look.opened))
    wrote = {Path(os.path.normpath(directory / one.path)) for one in trial.files.files} | look.wrote
    paths = sorted(filter(Path.is_file, some), key=wrote.__contains__)
    every = [notebook_at(path, directory) for path in paths]
    found = max(every, key=lambda one: _likelihood(one, look), default=None)
    if found is None or (not named and not _likelihood(found, look)):
        return None
    if found.path in wrote and not record.file.options.isolate:
        why = (
            f"the command writes {found.name} itself, so it would overwrite the patch: let it write to a different file"
        )
        return replace(found, why=why)
    return found


def notebook_at(path: Path, directory: Path) -> Notebook:
    """Return the notebook at a path. `directory`: that of the trials."""
    name = str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path)
    try:
        return Notebook(name, path, NotebookSource.read(path))
    except (OSError, ValueError):
        why = f"{name} is not a notebook of format 4: open it in Jupyter and save it, so that samebits can change it"
        return Notebook(name, path, None, why)


def _likelihood(notebook: Notebook, look: Look) -> int:
    """Return 2 if cells of the notebook drew in a trial, 1 if they ran, or else 0."""
    cells = _RunCells(look, notebook) if notebook.source is not None else None
    drew = {place for draw in look.draws for place in draw.places}
    return 0 if cells is None or not cells.lines else 1 + (not drew.isdisjoint(cells.lines))


def why_not(notebook: Notebook, program: Program, draw: Draw | None) -> str:
    """Return why there is no patch for a notebook, or where its lines go. `draw`: the first draw of the cause."""
    if notebook.why:
        return notebook.why
    lines = program.lines_in(draw, program.main) if program.main is not None else []
    cell = notebook.source.cell_at(lines[-1]) if notebook.source is not None and lines else None
    if cell is not None and not cell.plain.is_python:
        return f"its lines go into a new cell before cell {cell.number} of {notebook.name}: that cell is not Python"
    return f"its lines go into a cell of {notebook.name} that runs after the imports and before the first draw"


def in_cells(look: Look, notebook: Notebook | None) -> Look:
    """Return what a trial ran and drew, in lines of the notebook instead of those that its kernel shows.

    The notebook is the program then. The files of the library that runs it, and those that its cells write, are not.
    """
    is_theirs = notebook is not None or any(draw.places[0][0] in look.cells for draw in look.draws)
    if not look.cells or not is_theirs:
        return look
    if notebook is None or notebook.source is None:
        return replace(look, main=None)
    cells = _RunCells(look, notebook)
    draws = [cells.draw(one) for one in look.draws]
    if notebook.why or not cells.lines:
        return replace(look, main=None, draws=draws)
    kept = {path: some for path, some in look.lines.items() if _is_own(path, look) and path not in cells.written}
    kept[cells.path] = cells.ran
    drawn = [one for one in draws if any(path in kept for path, _ in one.places)]
    left_out = sorted(cells.written.intersection(look.lines))
    return replace(look, lines=kept, draws=drawn, main=cells.path, left_out=left_out)


def _is_own(path: Path, look: Look) -> bool:
    """Return whether a file belongs to the program: not a cell, not a file of an installed package or command."""
    return path not in look.cells and path.suffix != "" and not set(_PACKAGES).intersection(path.parts)


class _RunCells:
    """The cells of a notebook that ran. `lines`: a line that the kernel shows -> the lines of the notebook for it.

    The first of them stands for all that the line draws.
    """

    def __init__(self, look: Look, notebook: Notebook) -> None:
        assert notebook.source is not None
        self.path, self._look = notebook.path, look
        self.lines: dict[tuple[Path, int], list[int]] = {}
        written = (one.plain.written for one in notebook.source.cells)
        self.written = {self.path.parent / name for name in written if name}
        for path, text in look.cells.items():
            for cell in notebook.source.cells:
                for number, line in _pairs(cell, text.rstrip().split("\n")):
                    self.lines.setdefault((path, number), []).append(line)

    @property
    def ran(self) -> set[int]:
        """The lines of the notebook that ran."""
        shown = ((path, line) for path in self._look.cells for line in self._look.lines.get(path, ()))
        return {line for place in shown for line in self.lines.get(place, ())}

    def draw(self, draw: Draw) -> Draw:
        """Return a draw with lines of the notebook."""
        places = ((self.path, self.lines[one][0]) if one in self.lines else one for one in draw.places)
        return replace(draw, places=tuple(places))


def _pairs(cell: CodeCell, shown: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield (a line that the kernel shows, a line of the notebook that ran with it), if it shows this cell."""
    call, first = cell.plain.call, cell.line - 1
    if call is not None and shown == [call.text]:
        yield from ((1, line) for line in _drawing_first(cell, call.line))
    lines = _without_end(_without_start(cell.plain.shown))
    is_alike = cell.plain.is_python and len(lines) == len(shown) > 0
    if is_alike and all(one.is_shown_as(text) for one, text in zip(lines, shown, strict=True)):
        yield from ((number, first + one.line) for number, one in enumerate(lines, 1))


def _drawing_first(cell: CodeCell, line: int) -> list[int]:
    """Return the lines of a cell with a cell magic: first the one before which lines for its draws must stand."""
    body = ast.parse(cell.plain.text).body if cell.plain.is_python else []
    drawing = [one.lineno for one in body if not isinstance(one, ast.Import | ast.ImportFrom)]
    return [cell.line + one - 1 for one in (*drawing[:1], line)] + [*cell.lines]


def _without_start(lines: Sequence[ShownLine]) -> list[ShownLine]:
    """Return lines without the first blank ones, which IPython leaves out."""
    return list(itertools.dropwhile(lambda one: not one.text, lines))


def _without_end(lines: Sequence[ShownLine]) -> list[ShownLine]:
    """Return lines without the last blank ones."""
    return _without_start(lines[::-1])[::-1]
