"""A comparison of libraries on the terminal, in Markdown, and as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from samebits import words
from samebits.reports import html, result_words
from samebits.reports.markdown import escaped
from samebits.reports.result_words import INDENT
from samebits.reports.tables import markdown as table_markdown
from samebits.reports.tables.table import Cell, Column, Table, shown
from samebits_parity.report import COLOURS, HEADS, SIGNS, Report

TEMPLATES = Path(__file__).parent / "templates"
TALL = 40  # rows; a table with more is scrolled in a frame
LABEL, NARROW = 7, 8  # characters


def terminal(report: Report, *, width: int | None = None) -> str:
    """The lines, ended by a newline. `width`: of the screen; None leaves lines whole (a log, a pipe)."""
    lines = [f"{SIGNS[report.verdict]:<2} {HEADS[report.verdict]}: {report.sentence}"]
    lines += [f"{INDENT}{label:<{LABEL}} {said}" for label, said in report.facts]
    for table in report.tables:
        lines += ["", f"{INDENT}{table.title}", *(INDENT + line for line in _rows(table, width))]
        lines += [f"{INDENT}{'':<2}{note}" for note in table.notes]
    lines += ["", *(f"{INDENT}{'note':<{LABEL}} {note}" for note in report.notes)] if report.notes else []
    return "\n".join(folded for line in lines for folded in result_words.folded(line, width, LABEL)) + "\n"


def _rows(table: Table, width: int | None) -> list[str]:
    """The rows as lines; on a screen that is too narrow for a line, the widest columns are cut."""
    texts = [[column.head for column in table.columns], *([_printed(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(table.columns))]
    room = None if width is None else width - len(INDENT) - 2 * (len(widths) - 1)
    while room is not None and sum(widths) > room and max(widths) > NARROW:
        widths[widths.index(max(widths))] -= 1
    return ["  ".join(map(_padded, row, widths, table.columns)).rstrip() for row in texts]


def _padded(text: str, width: int, column: Column) -> str:
    if len(text) > width:
        text = text[: width - 1] + "~"
    return text.rjust(width) if column.number else text.ljust(width)


def _printed(cell: Cell) -> str:
    return words.printable(shown(cell))


def markdown(report: Report) -> str:
    """A document with one heading; every text from outside is escaped."""
    parts = [
        f"## {escaped(report.title)}",
        f"{SIGNS[report.verdict]} {HEADS[report.verdict]}: {escaped(report.sentence)}",
        "".join(f"- {escaped(label)}: {escaped(said)}\n" for label, said in report.facts).rstrip(),
        *(table_markdown.render(table).rstrip() for table in report.tables),
        "".join(f"- note: {escaped(said)}\n" for said in report.notes).rstrip(),
        f"samebits {escaped(report.samebits)}, {escaped(report.created)}" if report.created else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def page(report: Report) -> str:
    """One page, no script, no request."""
    words = {"sign": SIGNS[report.verdict], "head": HEADS[report.verdict], "colour": COLOURS[report.verdict]}
    return html.templates(TEMPLATES).get_template("parity.html").render(report=report, tall=TALL, **words)
