"""Reads the values that pickles and joblib's files describe. It imports and runs nothing from them."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from samebits.store.content import Parts
from samebits.store.formats.compression import unpacked
from samebits.store.formats.pickled_arrays import JOBLIB, dtype_of
from samebits.store.formats.pickled_values import PickleWalk
from samebits.store.formats.unpickler import Made
from samebits.store.formats.unpickler import read as unpickled


def read(path: Path, parts: Parts) -> None:
    """Add the parts of each pickle in a file, or of a joblib file. If anything else follows, its bytes are a part."""
    with path.open("rb") as file:
        stream, walk, number = _uncompressed(file), PickleWalk(parts), 2
        walk.add("", _next(stream))
        begin = stream.tell()
        while stream.read(1):
            stream.seek(begin)
            following = _following(stream)
            if following is stream:
                stream.seek(begin)
                parts.add("(what follows)", "bytes", stream.read())
                return
            walk.add(f"(pickle {number})", following)
            begin, number = stream.tell(), number + 1


def _following(stream: IO[bytes]) -> Any:
    """Return what the next pickle describes; the stream itself if there is none."""
    try:
        return _next(stream)
    except ValueError:
        return stream


def _uncompressed(file: IO[bytes]) -> IO[bytes]:
    start = file.read(2)
    file.seek(0)
    if start[:1] == b"\x78" and start != b"\x78\x80":  # joblib compresses such files by default
        return io.BytesIO(zlib.decompress(file.read()))
    stream = unpacked(file)
    return file if stream is None else io.BytesIO(stream.read())


def _next(stream: IO[bytes]) -> Any:
    return unpickled(stream, built=lambda made: _take_array(made, stream))


def _take_array(made: Made, stream: IO[bytes]) -> None:
    """Take an array's bytes from the stream. joblib writes them after the object that describes the array."""
    if made.name != JOBLIB:
        return
    state = made.state
    dtype = dtype_of(state["dtype"])
    if dtype is None or dtype.hasobject:
        made.state = ("array of objects", _next(stream))
        return
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.read(stream.read(1)[0])
    shape = tuple(state["shape"])
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    data = stream.read(size) if size >= 0 else b""
    if len(data) != size:
        raise ValueError("the file ends before its arrays do")
    made.state = np.frombuffer(data, dtype).reshape(shape, order="F" if state.get("order") == "F" else "C")
