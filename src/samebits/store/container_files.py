"""Reads archives by their members, SQLite databases by their tables, and TensorBoard's events by their tags.

It also reads figures (PNG, PDF), without their date and the name of the program that made them.
"""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from samebits.store.array_files import add_array
from samebits.store.content import LimitedStream, Parts, add_json, joined, parse_json
from samebits.store.pickle_files import add_pickle
from samebits.store.protobuf import read_fields
from samebits.store.value_names import reason_of_key

MOST_ROWS = 20_000  # of a table
_TEXTS = (".txt", ".log", ".csv", ".tsv", ".md", ".yaml", ".yml", ".toml", ".jsonl")
_PICKLES = (".pkl", ".pickle")
# members that hold arrays and no date, so that different bytes mean different models
_ARRAYS = (".npz", ".safetensors", ".bin", ".gguf", ".ubj")
_PDF_DATES = re.compile(rb"/(?:CreationDate|ModDate)\s*\([^)]*\)|/ID\s*\[[^\]]*\]")
_PNG_NOTES = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")


def read_zip(path: Path, parts: Parts) -> str:
    """Add the members of a zip archive. Their times do not matter."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        parts.spend(sum(member.file_size for member in members))
        for member in sorted(members, key=lambda one: one.filename):
            _add_member(parts, parts.run.masked(member.filename), archive.read(member))
    return "zip"


def read_gzip(path: Path, parts: Parts) -> str:
    """Add the content of a gzip file. Its time and name do not matter."""
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        return read_tar(path, parts)
    with gzip.open(path) as file:
        data = LimitedStream(file, parts).read()
    _add_member(parts, "", data, PurePath(path.stem).suffix)
    return "gzip"


def read_tar(path: Path, parts: Parts) -> str:
    """Add the members of a tar archive by name and content."""
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            parts.spend(member.size if content else 0)
            _add_member(parts, parts.run.masked(member.name), content.read() if content else b"")
    return "tar"


def _add_member(parts: Parts, name: str, data: bytes, suffix: str = "") -> None:
    """Add a member of an archive: JSON by its keys, text by its lines, an array or a pickle by its content."""
    suffix = (suffix or PurePath(name).suffix).lower()
    try:
        if suffix == ".json":
            return add_json(parts, name, parse_json(data))
        if suffix in _TEXTS:
            return parts.add_plain(name, data.decode().split("\n"))
        if suffix == ".npy":
            return _add_npy(parts, name, data)
        if suffix in _PICKLES:
            return add_pickle(parts, name, data)
    except ValueError:  # the name is wrong about the content: the bytes are compared
        pass
    if suffix in _ARRAYS:
        parts.models.append(name)
    return parts.add(name, "bytes", data)


def _add_npy(parts: Parts, name: str, data: bytes) -> None:
    """Add an array of NumPy. It belongs to a model, unless it holds text or times, or has the name of a time."""
    add_array(parts, name, LimitedStream(io.BytesIO(data), parts))
    is_time = name in parts.nonnegative and reason_of_key(PurePath(name).stem)
    if name not in parts.values and not is_time:
        parts.models.append(name)


def read_png(path: Path, parts: Parts) -> str:
    """Add the chunks of a picture without its notes (texts and times)."""
    data = path.read_bytes()
    at = 8
    while at + 8 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        if kind not in _PNG_NOTES:
            parts.add(kind.decode("latin1"), "chunk", data[at + 8 : at + 8 + length])
        at += 12 + length
    return "png"


def read_pdf(path: Path, parts: Parts) -> str:
    """Add the bytes of a document without its dates and its id."""
    parts.add("", "pdf", _PDF_DATES.sub(b"", path.read_bytes()))
    return "pdf"


def read_sqlite(path: Path, parts: Parts) -> str:
    """Add the tables of a database by column. The rows are in the order in which they were inserted."""
    if path.with_name(path.name + "-wal").exists():
        raise ValueError("the database was not closed: a file that ends in -wal lies beside it")
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA query_only = ON")
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name")
        for (table,) in tables.fetchall():
            _add_table(parts, table, database)
    return "sqlite"


def _add_table(parts: Parts, table: str, database: sqlite3.Connection) -> None:
    quoted = table.replace('"', '""')
    cursor = database.execute(f'SELECT * FROM "{quoted}" LIMIT {MOST_ROWS + 1}')
    rows = cursor.fetchall()
    if len(rows) > MOST_ROWS:
        raise ValueError(f"the table {table} has more than {MOST_ROWS:,} rows")
    parts.add_plain(joined(table, "rows"), len(rows))
    for place, column in enumerate(cursor.description):
        add_column(parts, joined(table, column[0]), [row[place] for row in rows])


def add_column(parts: Parts, name: str, cells: list[Any]) -> None:
    """Add the cells of a column as one part, or cell by cell if the column is short."""
    if len(cells) <= 64:
        for number, cell in enumerate(cells, 1):
            parts.add_plain(joined(name, number), cell)
        return
    parts.add_plain(name, cells)


# -- TensorBoard's events -------------------------------------------------------------------------------------------
# Records of TensorFlow (length, checksum, bytes, checksum) that hold one message `Event` each:
# https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto

_STEP, _SUMMARY, _VALUE, _TAG, _SIMPLE, _TENSOR = 2, 5, 1, 1, 2, 8
_WALL_TIME, _SOURCE = 1, 10


def read_events(path: Path, parts: Parts) -> str:
    """Add the values of a file of events by step and tag, without the time at which each was written."""
    for number, event in enumerate(_records(path.read_bytes())):
        fields = list(read_fields(event))
        step = next((value for field, value in fields if field == _STEP), 0)
        for field, value in fields:
            if field == _SUMMARY and isinstance(value, bytes):
                _add_summary(parts, value, step)
            elif field not in (_WALL_TIME, _STEP, _SOURCE):
                parts.add(f"event {number}", f"field {field}", str(value).encode() if isinstance(value, int) else value)
    return "events"


def _add_summary(parts: Parts, summary: bytes, step: Any) -> None:
    for field, value in read_fields(summary):
        if field != _VALUE or not isinstance(value, bytes):
            continue
        inner = dict(read_fields(value))
        tag = inner.pop(_TAG, b"")
        name = f"step {step}.{tag.decode('utf-8', 'replace') if isinstance(tag, bytes) else tag}"
        simple, tensor = inner.get(_SIMPLE), inner.get(_TENSOR)
        number = simple if isinstance(simple, bytes) and len(simple) == 4 else _only_float(tensor)
        if number is not None:
            parts.add_plain(name, struct.unpack("<f", number)[0])
        elif "_hparams_/" not in name:  # these hold the time at which the session began
            parts.add(name, "summary", *(str(key).encode() + _as_bytes(inner[key]) for key in sorted(inner)))


def _only_float(tensor: Any) -> bytes | None:
    """Return the bytes of the one float32 in a tensor; None if it is not a scalar."""
    if not isinstance(tensor, bytes):
        return None
    fields = dict(read_fields(tensor))
    if fields.get(1) != 1:
        return None
    found = [value for key, value in fields.items() if key in (4, 5) and isinstance(value, bytes) and len(value) == 4]
    return found[0] if len(found) == 1 else None


def _as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        if at + 16 + length > len(data):
            raise ValueError("the last record is cut off")
        yield data[at + 12 : at + 12 + length]
        at += 16 + length
