"""Reads a SQLite database: the cells or the columns of each table, in the order in which rows were inserted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from samebits.store.content import Parts, joined

MOST_CELLS = 64  # of a column that is compared cell by cell


def read(path: Path, parts: Parts) -> None:
    """Add all tables, and the SQL text of each view and index. The log of an open database is not read.

    The SQL text of a table is left out: SQLAlchemy lists the values of an enumeration there in the order of a set.
    """
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        texts = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type != 'table'"
        for kind, name, text in database.execute(texts):
            parts.add_plain(f"({kind}) {name}", text)
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name")
        for (table,) in tables.fetchall():
            _add_table(parts, table, database)


def _add_table(parts: Parts, table: str, database: sqlite3.Connection) -> None:
    quoted = table.replace('"', '""')
    cursor = database.execute(f'SELECT * FROM "{quoted}"')
    rows = cursor.fetchall()
    parts.add_plain(joined(table, "rows"), len(rows))
    columns = database.execute(f'SELECT name, type, "notnull", pk FROM pragma_table_info("{quoted}")')
    parts.add_plain(joined(table, "columns"), [list(column) for column in columns])
    for place, column in enumerate(cursor.description):
        add_column(parts, joined(table, column[0]), [row[place] for row in rows])


def add_column(parts: Parts, name: str, cells: list[object]) -> None:
    """Add the cells of a column as one part, or cell by cell if the column is short."""
    if len(cells) > MOST_CELLS:
        parts.add_plain(name, cells)
        return
    for number, cell in enumerate(cells, 1):
        parts.add_plain(joined(name, number), cell)
