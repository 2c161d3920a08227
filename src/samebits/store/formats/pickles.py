"""Reads the values that pickles and joblib's files describe. It imports and runs nothing from them."""

from __future__ import annotations

import io
import zlib
from itertools import count
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
    data, walk = _uncompressed(path.read_bytes()), PickleWalk(parts)
    stream = io.BytesIO(data)
    walk.add("", _next(stream))
    for number in count(2):
        begin = stream.tell()
        if begin == len(data):
            return
        try:
            following = _next(stream)
        except ValueError:
            parts.add("(what follows)", "bytes", data[begin:])
            return
        walk.add(f"(pickle {number})", following)


def _uncompressed(data: bytes) -> bytes:
    if data[:1] == b"\x78" and data[:2] != b"\x78\x80":  # joblib compresses such files by default
        return zlib.decompress(data)
    stream = unpacked(io.BytesIO(data))
    return data if stream is None else bytes(stream.read())


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
