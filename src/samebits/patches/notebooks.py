"""Finds the notebook that a command runs, and the lines of its cells that ran."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from samebits.patches.notebook_source import CodeCell, NotebookSource
from samebits.patches.program import NOTEBOOK, Draw, Look, outermost_line
from samebits.store import Record

_PACKAGES = ("site-packages", "dist-packages")
_CELL_MAGIC = "get_ipython().run_cell_magic("  # what the kernel shows of a cell that begins with a cell magic


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
    in_command = [directory / word for word in record.file.command if word.endswith(NOTEBOOK)]
    some = dict.fromkeys(Path(os.path.normpath(path)) for path in (*in_command, *look.opened))
    wrote = {Path(os.path.normpath(directory / file.path)) for file in trial.files.files} | look.wrote
    paths = sorted(filter(Path.is_file, some), key=wrote.__contains__)
    every = [notebook_at(path, directory) for path in paths]
    notebook = max(every, key=lambda candidate: _likelihood(candidate, look), default=None)
    if notebook is None or (not in_command and not _likelihood(notebook, look)):
        return None
    if notebook.path in wrote and not record.file.options.isolate:
        what = "so it would overwrite the patch: let it write to a different file"
        return replace(notebook, why=f"the command writes {notebook.name} itself, {what}")
    return notebook


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
    lines = _lines(notebook.source, look) if notebook.source is not None else {}
    drew = {place for draw in look.draws for place in draw.places}
    return 1 + (not drew.isdisjoint(lines)) if lines else 0


def why_not(notebook: Notebook, draw: Draw | None) -> str:
    """Return why there is no patch for a notebook, or where its lines go. `draw`: the first draw of the cause."""
    if notebook.why:
        return notebook.why
    line = outermost_line(draw, notebook.path)
    cell = notebook.source.cell_at(line) if notebook.source is not None and line is not None else None
    if cell is not None and not cell.python:
        return f"its lines go into a new cell before cell {cell.number} of {notebook.name}: that cell is not Python"
    return f"its lines go into a cell of {notebook.name} that runs after the imports and before the first draw"


def in_cells(look: Look, notebook: Notebook | None) -> Look:
    """Return what a trial ran and drew, in lines of the notebook instead of those that its kernel shows.

    The notebook is the program then. The files of the library that runs it are not.
    """
    is_theirs = notebook is not None or any(draw.places[0][0] in look.cells for draw in look.draws)
    if not look.cells or not is_theirs:
        return look
    if notebook is None or notebook.source is None:
        return replace(look, main=None)
    path, lines = notebook.path, _lines(notebook.source, look)
    draws = [
        replace(draw, places=tuple((path, lines[place][0]) if place in lines else place for place in draw.places))
        for draw in look.draws
    ]
    if notebook.why or not lines:
        return replace(look, main=None, draws=draws)
    own_lines = {file: some for file, some in look.lines.items() if _is_own(file, look)}
    cell_places = ((file, line) for file in look.cells for line in look.lines.get(file, ()))
    own_lines[path] = {line for place in cell_places for line in lines.get(place, ())}
    own_draws = [draw for draw in draws if any(file in own_lines for file, _ in draw.places)]
    return replace(look, lines=own_lines, draws=own_draws, main=path)


def _is_own(path: Path, look: Look) -> bool:
    """Return whether a file belongs to the program: not a cell, not a file of an installed package or command."""
    return path not in look.cells and path.suffix != "" and not set(_PACKAGES).intersection(path.parts)


def _lines(source: NotebookSource, look: Look) -> dict[tuple[Path, int], list[int]]:
    """Return {a line that the kernel shows: the lines of the notebook for it}. Draws count for the first of them."""
    by_place: dict[tuple[Path, int], list[int]] = {}
    for path, text in look.cells.items():
        for cell in source.cells:
            for number, line in _pairs(cell, text):
                by_place.setdefault((path, number), []).append(line)
    return by_place


def _pairs(cell: CodeCell, shown: str) -> Iterator[tuple[int, int]]:
    """Yield (a line that the kernel shows, a line of the notebook that ran with it), if it shows this cell."""
    if cell.magic and shown.startswith(_CELL_MAGIC) and repr(cell.body) in shown:
        body = ast.parse(cell.python).body
        first = next((node.lineno - 1 for node in body if not isinstance(node, ast.Import | ast.ImportFrom)), 0)
        yield from ((1, line) for line in (cell.line + first, *cell.lines))
    elif not cell.magic:
        blank = len(cell.text) - len(cell.text.lstrip("\n"))  # lines that the kernel leaves out
        own, their = cell.text.strip("\n").split("\n"), shown.strip("\n").split("\n")
        if len(own) == len(their) and all(map(_is_shown_as, own, their)):
            yield from ((number, cell.line + blank + number - 1) for number in range(1, len(own) + 1))


def _is_shown_as(line: str, shown: str) -> bool:
    """Return whether the kernel may show a line of a cell in this form: as it is, or as a call of IPython."""
    return line.strip() == shown.strip() or "get_ipython()" in shown
