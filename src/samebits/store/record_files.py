"""Reads single files of a record. Any fault in one is a RecordError that names the file and says what to do.

Only regular files are opened: links are not followed, and pipes and devices are left alone. A record may come from a
different machine. A link in it could lead to any file of the user, and a pipe would block the reader forever.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeVar

import xxhash
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from samebits.errors import RecordError
from samebits.model import RECORD_FORMAT, Document
from samebits.words import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class NotRegular(OSError):
    """The error for a path that is a link, a pipe, a device or a folder."""


def opened(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises NotRegular for everything else, OSError if it cannot be read."""
    try:
        handle = os.open(path, _READ)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise NotRegular(error.errno, _kind(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NotRegular(errno.EINVAL, _kind(path))
    return os.fdopen(handle, "rb")


def read(path: Path) -> bytes:
    """Return the bytes of a regular file. Raises what `opened` raises."""
    with opened(path) as file:
        return file.read()


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees either all of it or the old content. Never write through a link."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, _WRITE, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        error.filename = error.filename or str(path)  # the system names no file if a write fails
        raise


def digest_of(file: IO[bytes]) -> str:
    """Return 32 hex digits that stand for the bytes of a file, from its current position to its end."""
    digest = xxhash.xxh3_128()
    while chunk := file.read(1 << 22):
        digest.update(chunk)
    return digest.hexdigest()


def is_file(path: Path) -> bool:
    """Return whether the path is a regular file. Links are not followed."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Return whether the path is a folder. Links are not followed."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except (OSError, ValueError):
        return 0


def _kind(path: Path) -> str:
    mode = _mode(path)
    kinds = ((stat.S_ISLNK, "link"), (stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"))
    kind = next((name for test, name in kinds if test(mode)), "special file")
    return f"it is a {kind}, not a regular file"


AGAIN = "Run the check again, or take the record from a backup. Delete a broken trial to read the others."
_MOST_DIGITS = 20  # of a number of 64 bits, with its sign
_END = 2**63
DISTANCES = 2**64  # distances of 64-bit floats, in ULP, are smaller
_MAPPED_FROM = 1 << 20  # bytes; a mapped file keeps a descriptor open, and a search reads hundreds of small files
_MOST_DIMENSIONS = 64
MOST_LINES = 2_000_000  # of points or events: ten for each parameter of a model with 200,000 parameters
_SURROGATE = re.compile("[\ud800-\udfff]")
D = TypeVar("D", bound=Document)


def shown(name: object) -> str:
    """Return a path or name as one line that can be printed everywhere. Bytes that are not UTF-8 become escapes."""
    return one_line(_as_utf8(str(name)))


def _as_utf8(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def write_document(path: Path, document: Document | dict[str, Any]) -> None:
    """Write a JSON document so that a reader sees either all of it or the old content. Raises OSError."""
    if isinstance(document, Document):
        text = json_of(document, indent=1)
    else:
        text = json.dumps(document, indent=1, allow_nan=False)
    write(path, text + "\n")


def json_of(document: Document, indent: int | None = None) -> str:
    """Return a document as JSON. If the name of a file is not UTF-8, the JSON holds the name in a printable form."""
    try:
        return document.model_dump_json(indent=indent)
    except PydanticSerializationError:
        return json.dumps(_printable(document.model_dump(mode="json")), indent=indent, allow_nan=False)


def broken(path: Path, what: str) -> RecordError:
    """Return the error for a file of a record that cannot be used."""
    return RecordError(f"{shown(path)}: {what}", AGAIN)


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. Raises RecordError if it is missing, not a file, or may not be read."""
    try:
        return read(path)
    except FileNotFoundError:
        raise broken(path, "this file of the record is missing") from None
    except OSError as error:
        raise broken(path, f"cannot be read ({error.strerror or error})") from None
    except ValueError as error:  # a null byte in a name
        raise broken(path, f"is not a usable file name ({error})") from None


def parse(data: bytes, path: Path, *, numbers: Callable[[str], float] = float, end: int = _END) -> Any:
    """Return one JSON value with printable texts. `end`: all whole numbers are smaller than this.

    Raises RecordError with the place of a fault.
    """
    try:
        whole = partial(_whole, end)
        return _printable(json.loads(data, parse_constant=numbers, parse_float=numbers, parse_int=whole))
    except UnicodeDecodeError as error:
        raise broken(path, f"is not UTF-8 text (byte {error.start}): damaged, or not written by samebits") from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip())
        what = "ends too early: it was truncated" if cut else f"is not valid JSON (line {error.lineno}: {error.msg})"
        raise broken(path, what) from None
    except (ValueError, RecursionError) as error:  # a number that is too large, nesting that is too deep
        raise broken(path, f"is not usable JSON ({error})") from None


def _whole(end: int, text: str) -> int:
    """Return a whole number of at most 64 bits. Neither documents nor arrays of NumPy hold a larger one."""
    if len(text) > _MOST_DIGITS or not -_END <= int(text) < end:
        raise ValueError(f"the number {text[:_MOST_DIGITS]}{'...' * (len(text) > _MOST_DIGITS)} has more than 64 bits")
    return int(text)


def _finite(text: str) -> float:
    """Return a finite number. NaN and the infinities are not JSON, and no document here holds them (events may)."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:_MOST_DIGITS]} is not a number of JSON")
    return number


def _printable(value: Any) -> Any:
    """Return a JSON value with encodable texts. Python writes arguments that are not UTF-8 as lone surrogates."""
    if isinstance(value, str):
        return _as_utf8(value) if _SURROGATE.search(value) else value
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return value


def read_object(path: Path, end: int = _END) -> dict[str, Any]:
    """Read a JSON file that holds one object. `end`: all whole numbers are smaller than this."""
    return as_object(parse(read_bytes(path), path, numbers=_finite, end=end), path)


def json_lines(path: Path) -> list[Any]:
    """Return the JSON value of each line of a file. A missing file has none. Raises RecordError.

    A last line without its end is left out, because a crash cut it off.
    """
    if not os.path.lexists(path):
        return []
    content = read_bytes(path)
    if content.count(b"\n") > MOST_LINES:
        raise broken(path, f"has more than {MOST_LINES:,} lines, more than a training writes")
    whole = content.split(b"\n")[:-1]
    return [parse(line, path) for line in whole]


def array(path: Path, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a file as an array of whole records; empty if it is missing. A large file is mapped into memory.

    Raises RecordError.
    """
    import numpy as np

    try:
        with opened(path) as file:
            count = path.lstat().st_size // dtype.itemsize
            if count * dtype.itemsize > _MAPPED_FROM:
                return np.memmap(file, dtype=dtype, mode="r", shape=(count,))
            return np.frombuffer(file.read(count * dtype.itemsize), dtype)
    except FileNotFoundError:
        return np.empty(0, dtype)
    except (OSError, ValueError) as error:
        raise broken(path, f"cannot be read ({error})") from None


def is_shape(lengths: list[int]) -> bool:
    """Return whether an array can have this shape."""
    return len(lengths) <= _MOST_DIMENSIONS and min(lengths, default=0) >= 0


def as_object(value: Any, path: Path) -> dict[str, Any]:
    """Return the value if it is a JSON object. Raises RecordError otherwise."""
    if not isinstance(value, dict):
        raise broken(path, f"holds a JSON {_json_name(value)} where an object belongs")
    return value


def _json_name(value: Any) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def read_document(path: Path, kind: type[D], end: int = _END) -> D:
    """Read a document of `samebits.model` that carries a format number. `end`: see `parse`."""
    content = read_object(path, end)
    check_format(content, path, RECORD_FORMAT)
    return checked(content, path, kind)


def checked(content: dict[str, Any], path: Path, kind: type[D]) -> D:
    """Return the content as a document, with types as strict as JSON allows. Raises RecordError."""
    try:
        return kind.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise broken(path, f"{shown(where)}: {shown(first['msg'])}") from None


def check_format(content: dict[str, Any], path: Path, newest: int) -> None:
    """Raise RecordError unless this version reads the content's format."""
    number = content.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise broken(path, f"has no usable format number ({shown(repr(number))[:40]})")
    if number > newest:
        raise RecordError(
            f"{shown(path)}: written by a newer samebits (format {number}; this one reads up to {newest})",
            "Upgrade: pip install --upgrade samebits",
        )
