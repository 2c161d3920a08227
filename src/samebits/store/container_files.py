"""Reads archives by their members, SQLite databases by their tables, TensorBoard's events by their tags."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path, PurePath
from typing import IO, Any
from urllib.parse import quote

from samebits.store.array_files import add_array, add_keras, joined_path
from samebits.store.content import Excessive, LimitedStream, Parts, add_json, joined, parse_json
from samebits.store.figure_files import add_png
from samebits.store.pickle_files import add_pickle
from samebits.store.protobuf_files import read_fields
from samebits.store.text_files import MODEL_BEGINNINGS, NotText, decoded, without_ids_of_svg

SQLITE = b"SQLite format 3\0"  # the first bytes of each database
MOST_ROWS = 20_000  # of a table
_PICKLES = (".pkl", ".pickle")
# members that hold arrays and no date, so that different bytes mean different models
_ARRAYS = (".npz", ".safetensors", ".bin", ".gguf", ".ubj")
# what torch.export saves: https://docs.pytorch.org/docs/stable/user_guide/torch_compiler/export/pt2_archive.html
_OF_EXPORT = re.compile(r"(^|/)data/(weights|constants)/[^/]*$")
_DERIVED = "/.data/serialization_id"  # a checksum of the other members
_WITHIN, _DEEPEST = "!", 3  # the mark of an archive in an archive, and how many such marks a name may have
_DAMAGE = (zipfile.BadZipFile, OSError, EOFError, zlib.error, lzma.LZMAError, struct.error)
_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# fields of a tar archive that describe the file system from which a member came
_OF_FILE_SYSTEM = ("path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime", "hdrcharset")
_OF_PACKERS = ("SCHILY.", "LIBARCHIVE.", "GNU.")


def read_zip(path: Path, parts: Parts) -> str:
    """Add the members of a zip archive, and its comments. The times of members do not matter."""
    _add_zip(parts, "", path)
    return "zip"


def _add_zip(parts: Parts, above: str, source: Path | IO[bytes]) -> None:
    """Add the members of a zip archive under a name."""
    with zipfile.ZipFile(source) as archive:
        parts.spend(sum(member.file_size for member in archive.infolist()))
        for member in sorted(archive.infolist(), key=lambda one: one.filename):
            name = joined_path(above, member.filename)
            if member.is_dir():
                parts.add_plain(name, "(folder)")
            elif not name.endswith(_DERIVED):
                _add_member(parts, name, archive.read(member))
            if _OF_EXPORT.search(name):
                parts.models.append(name)
            _add_comment(parts, name, member.comment)
        _add_comment(parts, above, archive.comment)


def _add_comment(parts: Parts, name: str, comment: bytes) -> None:
    if comment:
        parts.add_plain(f"{name} (comment)".strip(), comment.decode("latin1"))


def read_gzip(path: Path, parts: Parts) -> str:
    """Add the content of a gzip file. Its time and name do not matter."""
    return _unpacked(path, parts, "gzip", gzip.open)


def read_bzip2(path: Path, parts: Parts) -> str:
    """Add the content of a bzip2 file."""
    return _unpacked(path, parts, "bzip2", bz2.open)


def read_xz(path: Path, parts: Parts) -> str:
    """Add the content of an xz file."""
    return _unpacked(path, parts, "xz", lzma.open)


def _unpacked(path: Path, parts: Parts, kind: str, opened: Callable[[Path], Any]) -> str:
    if path.name.lower().endswith(_TARS):
        return read_tar(path, parts)
    with opened(path) as file:
        data = LimitedStream(file, parts).read()
    _add_member(parts, "", data, ".svg" if path.suffix.lower() == ".svgz" else PurePath(path.stem).suffix)
    return kind


def read_tar(path: Path, parts: Parts) -> str:
    """Add the members of a tar archive by name and content."""
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name
            content = archive.extractfile(member) if member.isreg() else None
            parts.spend(member.size if content else 0)
            if member.issym() or member.islnk():
                parts.add_plain(name, member.linkname)
            else:
                _add_member(parts, name, content.read() if content else b"")
            for key in filter(_is_own_field, member.pax_headers):
                parts.add_plain(f"{name} ({key})", member.pax_headers[key])
    return "tar"


def _is_own_field(key: str) -> bool:
    return key not in _OF_FILE_SYSTEM and not key.startswith(_OF_PACKERS)


def _add_member(parts: Parts, name: str, data: bytes, suffix: str = "") -> None:
    """Add a member of an archive: JSON by its keys, other text by its lines, an array or a pickle by its content."""
    suffix = (suffix or PurePath(name).suffix).lower()
    try:
        if _is_packed(data) and name.count(_WITHIN) < _DEEPEST:
            return _add_packed(parts, name, data, suffix)
        if suffix == ".json":
            return add_json(parts, name, parse_json(data))
        if suffix == ".npy":
            return _add_npy(parts, name, data)
        if suffix == ".png":
            return add_png(parts, name, data)
        if suffix in _PICKLES:
            return _add_pickle(parts, name, data)
    except ValueError:  # the content is not what the name says: its text or its bytes are compared
        pass
    return _add_text(parts, name, data, suffix)


def _is_packed(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"\x1f\x8b"))


def _add_packed(parts: Parts, name: str, data: bytes, suffix: str) -> None:
    """Add an archive in an archive by its members, because its bytes hold times. Raises ValueError if it is damaged."""
    try:
        if data.startswith(b"\x1f\x8b"):
            inner = LimitedStream(gzip.GzipFile(fileobj=io.BytesIO(data)), parts).read()
            return _add_member(parts, name + _WITHIN, inner, PurePath(PurePath(name).stem).suffix)
        if suffix == ".keras":
            parts.models.append(name)
            return add_keras(parts, name, io.BytesIO(data))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            is_torch = any(member.endswith("data.pkl") for member in archive.namelist())
        if is_torch:  # it holds no times
            parts.models.append(name)
            return parts.add(name, "bytes", data)
        return _add_zip(parts, name + _WITHIN, io.BytesIO(data))
    except Excessive:
        raise
    except (*_DAMAGE, KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error)) from None


def _add_text(parts: Parts, name: str, data: bytes, suffix: str) -> None:
    """Add a text by its lines, and anything else by its bytes.

    So is a long text. To mask it takes more time than a reader has for a file of the archive's size. Then the bytes of
    the whole archive would count, and these hold the times of its members.
    """
    if suffix in _ARRAYS or data.startswith(tuple(begin.encode() for begin in MODEL_BEGINNINGS)):
        parts.models.append(name)
    try:
        text = decoded(data)
        lines = (without_ids_of_svg(text) if suffix == ".svg" else text).split("\n")
    except NotText:
        lines = []
    if 0 < len(lines) <= parts.lines_left:
        parts.lines_left -= len(lines)
        parts.add_plain(name, lines)
    else:
        parts.add(name, "bytes", data)


def _add_pickle(parts: Parts, name: str, data: bytes) -> None:
    """Add what a pickle describes. Its arrays belong to a model, as those of a pickle that is not in an archive."""
    known = set(parts.tensors)
    add_pickle(parts, name, data)
    parts.models += [one for one in parts.tensors if one not in known and one not in parts.values]


def _add_npy(parts: Parts, name: str, data: bytes) -> None:
    """Add an array of NumPy. It belongs to a model, unless it holds text or times."""
    add_array(parts, name, LimitedStream(io.BytesIO(data), parts))
    if name not in parts.values:
        parts.models.append(name)


def read_sqlite(path: Path, parts: Parts) -> str:
    """Add the tables of a database by column. The rows are in the order in which they were inserted."""
    log = path.with_name(path.name + "-wal")
    if not log.exists():
        _add_database(parts, path)
        return "sqlite"
    # The database was not closed, so its log holds the last changes. SQLite changes what it opens: use copies.
    parts.spend(path.stat().st_size + log.stat().st_size)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name("copy.db-wal"))
        with closing(sqlite3.connect(copy)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _add_database(parts, copy)
    return "sqlite"


def is_sqlite_log(path: Path) -> bool:
    """Return whether a file is the log of a database beside it, or the index of such a log. Raises OSError."""
    name = re.fullmatch(r"(.+)-(?:wal|shm)", path.name)
    database = path.with_name(name[1]) if name else path
    if not name or not database.is_file():
        return False
    with database.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def read_sqlite_log(_path: Path, parts: Parts) -> str:
    """Add no content of a log, which is read with its database. Its bytes hold random numbers."""
    parts.add_plain("", "a part of the database")
    return "sqlite-log"


def _add_database(parts: Parts, path: Path) -> None:
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA query_only = ON")
        _add_schema(parts, database)
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name")
        for (table,) in tables.fetchall():
            _add_table(parts, table, database)


def _add_schema(parts: Parts, database: sqlite3.Connection) -> None:
    """Add what a database holds beside its rows: the text of each table and view, and two numbers for programs."""
    for kind, name, text in database.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        parts.add_plain(f"({kind}) {name}", text)
    for name in ("user_version", "application_id"):
        (number,) = database.execute(f"PRAGMA {name}").fetchone()
        parts.add_plain(f"({name})", number)


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
