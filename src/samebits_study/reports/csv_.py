"""A table as comma-separated values (RFC 4180), for programs: a mean and its deviation have a column each."""

from __future__ import annotations

import csv
import io

from samebits.reports.table import Cell, Column, Spread, Table, deviation_of, shown, text_of


def render(table: Table) -> str:
    """A line of names, then a line a row. Notes are left out: they are in the other formats."""
    widths = [
        2 if any(isinstance(row[place], Spread) for row in table.rows) else 1 for place in range(len(table.columns))
    ]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(name for column, width in zip(table.columns, widths, strict=True) for name in _names(column, width))
    for row in table.rows:
        writer.writerow(text for cell, width in zip(row, widths, strict=True) for text in _texts(cell, width))
    return file.getvalue()


def _names(column: Column, width: int) -> list[str]:
    return [column.head, f"{column.head}, standard deviation"][:width]


def _texts(cell: Cell, width: int) -> list[str]:
    if not isinstance(cell, Spread):
        return [shown(cell), ""][:width]
    return [
        text_of(cell.mean, cell.digits[0]),
        deviation_of(cell),
    ]
