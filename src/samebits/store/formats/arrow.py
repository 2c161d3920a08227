"""Reads the columns of Parquet, Feather and Arrow files with pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits.store.content import Parts, is_plain, text_or_bytes
from samebits.store.formats.sqlite import add_column


def read(path: Path, parts: Parts) -> None:
    """Add each column of a table by its name, and the metadata that programs wrote beside it."""
    table = _table(path)
    parts.add_plain("rows", table.num_rows)
    for name, value in (table.schema.metadata or {}).items():
        parts.add_plain(f"(metadata) {text_or_bytes(name)}", text_or_bytes(value))
    for name, column in zip(table.column_names, table.columns, strict=True):
        _add(parts, name, column)


def _table(path: Path) -> Any:
    import pyarrow.feather
    import pyarrow.parquet

    if path.suffix.lower() == ".parquet":
        return pyarrow.parquet.ParquetFile(path).read(use_threads=False)
    return pyarrow.feather.read_table(path, use_threads=False, memory_map=False)


def _add(parts: Parts, name: str, column: Any) -> None:
    """Add a column: times as an array, plain values cell by cell if they are few, and all others by their text."""
    if str(column.type).startswith(("timestamp", "duration", "date")):
        parts.add_plain(f"{name} (type)", str(column.type))
        parts.add_array(name, column.to_numpy())
        return
    cells = column.to_pylist()
    if is_plain(cells):
        add_column(parts, name, cells)
    else:
        parts.add_plain(name, repr(cells))
