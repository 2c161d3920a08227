"""A table in Markdown, for a pull request or a page of documentation."""

from __future__ import annotations

from samebits.reports.markdown import escaped
from samebits.reports.markdown import table as rows_of
from samebits.reports.tables.table import Cell, Table, shown


def render(table: Table) -> str:
    """Its title, the rows and the notes; every text is escaped."""
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    body = _aligned(rows_of([escaped(column.head) for column in table.columns], rows), table) if rows else "No rows."
    notes = "\n".join(f"- {escaped(note)}" for note in table.notes)
    return "\n\n".join(part for part in (f"**{table.name}.** {escaped(table.title)}", body, notes) if part) + "\n"


def _cell(cell: Cell) -> str:
    return escaped(shown(cell))


def _aligned(text: str, table: Table) -> str:
    """Numbers to the right: the second line of a table says so."""
    head, _, *rows = text.split("\n")
    marks = ["---:" if column.number else "---" for column in table.columns]
    return "\n".join([head, f"| {' | '.join(marks)} |", *rows])
