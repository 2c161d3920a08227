"""What is written of a study: every table and figure, a document, a page; and what the terminal shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from samebits.reports.presenters import html, markdown
from samebits.reports.table import Table
from samebits.reports.tree import Report
from samebits_study.reports import (
    boxes,
    csv_,
    curves,
    extra_tables,
    latex,
    paper,
    paper_tables,
    phrases,
)
from samebits_study.reports.figure import Figure
from samebits_study.reports.report import Drawn, report
from samebits_study.results import StudyResult

TABLES, FIGURES, DOCUMENT, PAGE = "tables", "figures", "report.md", "page.html"
FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown.table, "csv": csv_.render, "tex": latex.render}
NEEDED = "This figure cannot be drawn: matplotlib is not installed (pip install 'samebits[study]')."
WORDS = {"1": "frame", "4": "two-trials"}  # for the paper's numbers, in a study of cells that it does not have


def write(result: StudyResult, folder: Path) -> list[Path]:
    """Write what is to be read of a study in its folder; gives the files, the page last. Older ones are replaced.

    The folder also holds the trainings: their masks are needed for Figures 1 and 4, and nothing else of them.
    """
    tables = every_table(result)
    drawn = _draw(figures(result, folder), _emptied(folder / FIGURES, "figure-*"))
    written = _write_tables(tables, _emptied(folder / TABLES, "table-*"))
    written += [path for _, files in drawn for path in files]
    made = report(result, tables, drawn)
    for name, text in ((DOCUMENT, markdown.render(made, heading="#")), (PAGE, html.render(made))):
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def every_table(result: StudyResult) -> list[Table]:
    """The paper's tables, then those beyond. Of a study that the paper does not have, none is the paper's."""
    found = [*paper_tables.tables(result), *extra_tables.tables(result)]
    if result.study in paper.STUDIES:
        return found
    own = (replace(table, id=paper_tables.WORDS.get(table.id, table.id)).without("paper") for table in found)
    return [table for table in own if not table.of_the_paper and table.rows]


def figures(result: StudyResult, folder: Path) -> list[Figure]:
    """All figures of a study, the paper's by their numbers first."""
    found = [*_of_cells(result, folder), *boxes.figures(result), *curves.figures(result)]
    if result.study not in paper.STUDIES:
        found = [_by_word(figure) for figure in found]
    return sorted(found, key=lambda figure: figure.id if figure.of_the_paper else "9")


def _by_word(figure: Figure) -> Figure:
    """A figure under a word instead of the paper's number."""
    why = figure.why.replace(f"Figure {figure.id} cannot", "This figure cannot")
    return replace(figure, id=WORDS.get(figure.id, figure.id), why=why)


def _of_cells(result: StudyResult, folder: Path) -> list[Figure]:
    if phrases.kind(result) != "cells":
        return []
    try:
        from samebits_study.reports import shown_cells
    except ImportError:
        why = "This figure cannot be made: scipy and scikit-image are not installed (pip install 'samebits[study]')."
        return [Figure("1", "The counting frame on a test field.", why=why),
                Figure("4", "Two trials that differ.", why=why)]  # fmt: skip
    return shown_cells.figures(result, folder)


def _emptied(folder: Path, pattern: str) -> Path:
    """The folder without what an earlier writing left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(pattern):
        path.unlink()
    return folder


def _write_tables(tables: list[Table], folder: Path) -> list[Path]:
    paths = []
    for table in tables:
        for suffix, render in FORMATS.items():
            paths.append(folder / f"table-{table.id}.{suffix}")
            paths[-1].write_text(render(table), encoding="utf-8")
    return paths


def _draw(made: list[Figure], folder: Path) -> Drawn:
    try:
        from samebits_study.reports import plots
    except ImportError:
        return [(Figure(figure.id, figure.title, why=figure.why or NEEDED), []) for figure in made]
    return [(figure, plots.draw(figure, folder)) for figure in made]


def summary(result: StudyResult, written: list[Path]) -> Report:
    """What the terminal shows."""
    page = next((str(_from_here(path)) for path in written if path.name == PAGE), "")
    return report(result, [], [], page)


def _from_here(path: Path) -> Path:
    """The path as people type it here."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path
