"""Writes a study: every table (Markdown, CSV, LaTeX) and figure, a document, a page; and shows it on the terminal."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from samebits.reports import SCREEN, Targets
from samebits.reports.presenters import html, markdown
from samebits.reports.table import Cell, Column, Number, Spread, Table, deviation_of, shown, text_of
from samebits.reports.tree import Report
from samebits.store import read_document
from samebits.store.content import fingerprint
from samebits.words import printable
from samebits_study.reports import Drawn, DrawnFigure, extra_tables, figures, paper, paper_tables, phrases, report
from samebits_study.reports.figures import Figure
from samebits_study.results import RESULT, StudyResult


def as_csv(table: Table) -> str:
    """Return a table as comma-separated values (RFC 4180), for programs: a line of names, then a line for each row.

    A mean and its deviation have a column each. Notes are only in the other formats.
    """
    places = range(len(table.columns))
    widths = [2 if any(isinstance(row[place], Spread) for row in table.rows) else 1 for place in places]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    rows = [[(column.head, f"{column.head}, standard deviation") for column in table.columns]]
    rows += [[_texts(cell) for cell in row] for row in table.rows]
    for row in rows:
        writer.writerow(text for both, width in zip(row, widths, strict=True) for text in both[:width])
    return file.getvalue()


def _texts(cell: Cell) -> tuple[str, str]:
    """Return a value and its deviation."""
    return (text_of(cell.mean, cell.digits[0]), deviation_of(cell)) if isinstance(cell, Spread) else (shown(cell), "")


PREAMBLE = "% \\usepackage{booktabs,longtable,array}"
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # at the beginning of a row these characters have a meaning
}  # fmt: skip
WIDE = "p{0.3\\linewidth}"


def as_latex(table: Table) -> str:
    """Return a longtable with a caption and a label; the notes come after it."""
    heads = " & ".join(f"\\multicolumn{{1}}{{{_side(column)}}}{{{escaped(column.head)}}}" for column in table.columns)
    lines = [
        PREAMBLE,
        "\\begingroup\\footnotesize",
        f"\\begin{{longtable}}{{{''.join(map(_kind, table.columns))}}}",
        f"\\caption{{{escaped(table.title)}}}\\label{{tab:samebits-{table.id}}}\\\\",
        "\\toprule",
        f"{heads} \\\\",
        "\\midrule",
        "\\endhead",
        *(" & ".join(map(_cell, row)) + " \\\\" for row in table.rows),
        "\\bottomrule",
        "\\end{longtable}",
        *(f"\\noindent {escaped(note)}\\par" for note in table.notes),
        "\\endgroup",
    ]
    return "\n".join(lines) + "\n"


def _side(column: Column) -> str:
    return "r" if column.number else "l"


def _kind(column: Column) -> str:
    return WIDE if column.wide else _side(column)


def _cell(cell: Cell) -> str:
    """Return the numbers in mathematics, words outside."""
    if not isinstance(cell, Number | Spread):
        return escaped(shown(cell))
    return "$" + shown(cell, between=" \\pm ", write=_number) + "$"


def _number(text: str) -> str:
    """4.93e-03 as a power of ten."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if e else text


def escaped(text: str) -> str:
    """Return the text as it is, on one line. Two hyphens stay two: --out is not a dash."""
    line = " ".join(printable(text).split())
    return "".join(SPECIAL.get(character, character) for character in line).replace("--", "-{}-")


TABLES, FIGURES, DOCUMENT, PAGE = "tables", "figures", "report.md", "page.html"
FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown.table, "csv": as_csv, "tex": as_latex}
DRAWN_FROM = "drawn-from.txt"  # lies beside the figures: the digest of the results that they show
NOT_DRAWN = "This folder has no figure of its current results. To draw it: "
NEEDED = "This figure cannot be drawn: matplotlib is not installed (pip install matplotlib)."
# stands for the paper's numbers in a study of cells that the paper does not have
WORDS = {"1": "frame", "4": "two-trials"}


def write(result: StudyResult, folder: Path) -> list[Path]:
    """Write the reports of a study into its folder.

    Returns the files, the page last. Older files are replaced. The folder also holds the trainings. Of these, only the
    masks are needed, for Figures 1 and 4.
    """
    tables = every_table(result)
    drawn = draw(every_figure(result, folder), folder)
    (folder / FIGURES / DRAWN_FROM).write_text(_digest(result), encoding="utf-8")
    written = write_tables(tables, folder)
    written += [path for one in drawn for path in one.files]
    return written + write_pages(report(result, tables, drawn), folder)


def write_pages(made: Report, folder: Path) -> list[Path]:
    """Write a report as Markdown and as a page. Returns the files, the page last."""
    for name, text in ((DOCUMENT, markdown.render(made, heading="#")), (PAGE, html.render(made))):
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / DOCUMENT, folder / PAGE]


def every_table(result: StudyResult) -> list[Table]:
    """Return the paper's tables, then the others. A study that is not in the paper has none of the paper's tables."""
    found = [*paper_tables.tables(result), *extra_tables.tables(result)]
    if result.study in paper.STUDIES:
        return found
    own = (replace(table, id=paper_tables.WORDS.get(table.id, table.id)).without("paper") for table in found)
    return [table for table in own if not table.of_the_paper and table.rows]


def every_figure(result: StudyResult, folder: Path) -> list[Figure]:
    """Return all figures of a study: first the paper's by their numbers, then the others."""
    found = [*_of_cells(result, folder), *figures.box_plots(result), figures.distances(result), figures.losses(result)]
    if result.study not in paper.STUDIES:
        found = [_by_word(figure) for figure in found]
    return sorted(found, key=lambda figure: figure.id if figure.of_the_paper else "9")


def _by_word(figure: Figure) -> Figure:
    """Return a figure under a word instead of the paper's number."""
    why = figure.why.replace(f"Figure {figure.id} cannot", "This figure cannot")
    return replace(figure, id=WORDS.get(figure.id, figure.id), why=why)


def _of_cells(result: StudyResult, folder: Path) -> list[Figure]:
    if phrases.kind(result) != "cells":
        return []
    try:
        from samebits_study.reports import shown_cells
    except ImportError:
        why = "This figure cannot be made: scipy and scikit-image are not installed (pip install scipy scikit-image)."
        return [Figure("1", "The counting frame on a test field.", why=why),
                Figure("4", "Two trials that differ.", why=why)]  # fmt: skip
    return shown_cells.figures(result, folder)


def _emptied(folder: Path, pattern: str) -> Path:
    """Make the folder, or remove what was written there before."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(pattern):
        path.unlink()
    return folder


def write_tables(tables: list[Table], folder: Path) -> list[Path]:
    """Write each table in each format into the folder of a study. Returns the files."""
    paths, folder = [], _emptied(folder / TABLES, "table-*")
    for table in tables:
        for suffix, render in FORMATS.items():
            paths.append(folder / f"table-{table.id}.{suffix}")
            paths[-1].write_text(render(table), encoding="utf-8")
    return paths


def draw(made: list[Figure], folder: Path) -> Drawn:
    """Draw each figure into the folder of a study."""
    folder = _emptied(folder / FIGURES, "figure-*")
    try:
        from samebits_study.reports import plots
    except ImportError:
        return [DrawnFigure(Figure(one.id, one.title, why=one.why or NEEDED), []) for one in made]
    return [_drawn(figure, plots.draw(figure, folder), folder.parent) for figure in made]


def _digest(result: StudyResult) -> str:
    """32 hex digits over what figures can show. The time and the release that wrote the results do not count."""
    return fingerprint(result.model_dump_json(exclude={"created", "samebits"}))


def _drawn(figure: Figure, files: list[Path], beside: Path | None) -> DrawnFigure:
    """Return a figure with its address in a document. `beside`: the folder of the document; None if there is none."""
    svg = next((path.resolve() for path in files if path.suffix == ".svg"), None)
    if svg is None:
        return DrawnFigure(figure, files)
    path = svg if beside is None else Path(os.path.relpath(svg, beside.resolve()))
    return DrawnFigure(figure, files, quote(path.as_posix()))


def kept(folder: Path) -> StudyResult:
    """Read a study that was run before. Raises RecordError if study.json is damaged."""
    return read_document(folder / RESULT, StudyResult)


def summary(
    result: StudyResult, folder: Path, wanted: Collection[str] | None = None, targets: Targets | None = None
) -> Report:
    """Return the report of a study that was written in its folder.

    `wanted`: the setups that must be done; None: all. Only a page and Markdown have the tables and the figures of
    the folder. A terminal shows neither.
    """
    page = str(_from_here(folder / PAGE)) if (folder / PAGE).is_file() else ""
    asked = targets or {}
    if not (asked.get("md") or asked.get("html")):
        return report(result, [], [], wanted, page)
    return report(result, every_table(result), _kept_figures(result, folder, asked.get("md")), wanted, page)


def _kept_figures(result: StudyResult, folder: Path, document: str | None) -> Drawn:
    """Return each figure and its drawn files; no files if they show different results.

    After an interruption, a study has new results and older figures.
    """
    are_these = _are_drawn_from(result, folder)
    beside = Path(document).parent if document and document != SCREEN else None
    return [
        _drawn(figure, files, beside)
        if (files := sorted((folder / FIGURES).glob(f"figure-{figure.id}.*"))) and figure.shows and are_these
        else DrawnFigure(replace(figure, why=figure.why or NOT_DRAWN + phrases.again_in(result, folder)), [])
        for figure in every_figure(result, folder)
    ]


def _are_drawn_from(result: StudyResult, folder: Path) -> bool:
    """Return whether the figures in the folder show these results.

    Without the digest (from an older release), the times of the files decide.
    """
    drawn, kept_there = folder / FIGURES / DRAWN_FROM, folder / RESULT
    if drawn.is_file():
        return drawn.read_text(encoding="utf-8", errors="replace") == _digest(result)
    times = [path.stat().st_mtime_ns for path in (folder / FIGURES).glob("figure-*")]
    return not kept_there.is_file() or all(time >= kept_there.stat().st_mtime_ns for time in times)


def _from_here(path: Path) -> Path:
    """Return the path as people type it here."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path
