"""numpy's files and safetensors, by their arrays. Nothing is unpickled."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from samebits.store.content import LimitedStream, Parts, add_json, shape_text

_MOST_HEADER = 100 << 20  # what the safetensors library itself allows


def read_npy(path: Path, parts: Parts) -> str:
    """The one array of a .npy file."""
    with path.open("rb") as file:
        _add_array(parts, "", LimitedStream(file, parts))
    return "npy"


def read_npz(path: Path, parts: Parts) -> str:
    """The arrays of a .npz file, by name; times and compression do not matter."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as inner:
                _add_member(parts, name, LimitedStream(inner, parts))
    return "npz"


def _add_member(parts: Parts, name: str, stream: LimitedStream) -> None:
    if name.endswith(".npy"):
        _add_array(parts, name.removesuffix(".npy"), stream)
    else:
        parts.add(name, "bytes", stream.read())


def _add_array(parts: Parts, name: str, stream: LimitedStream) -> None:
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    if dtype.hasobject:  # a pickle follows: its bytes stand for it
        parts.add(name, shape_text(str(dtype), shape), stream.read())
        return
    data = stream.read()
    parts.spend(len(data) if fortran else 0)
    count = int(np.prod(shape, dtype=object))
    if len(data) != count * dtype.itemsize:
        raise ValueError(f"{len(data):,} bytes of data stand where its shape needs {count * dtype.itemsize:,}")
    if not dtype.hasobject and dtype.kind in "fiu" and bool((np.frombuffer(data, dtype) >= 0).all()):
        parts.nonnegative.add(name)
    if fortran:
        data = np.frombuffer(data, dtype).reshape(shape, order="F").tobytes()
    parts.add(name, shape_text(np.lib.format.dtype_to_descr(dtype).__repr__(), shape), data)
    if dtype.kind in "USMm":  # text and times
        parts.values.add(name)


def read_safetensors(path: Path, parts: Parts) -> str:
    """The tensors of a .safetensors file: eight bytes of length, a JSON header, then the data."""
    with path.open("rb") as file:
        size = path.stat().st_size
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_MOST_HEADER, size - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("the header is not a JSON object")
        for name in sorted(header):
            if name == "__metadata__":
                add_json(parts, name, header[name])
            else:
                _add_safe(parts, name, header[name], (file, 8 + length, size))
    return "safetensors"


def _add_safe(parts: Parts, name: str, entry: Any, source: tuple[IO[bytes], int, int]) -> None:
    file, base, size = source
    begin, end = entry["data_offsets"]
    if not 0 <= begin <= end <= size - base:
        raise ValueError(f"the tensor {name[:80]} lies outside the file")
    parts.spend(end - begin)
    file.seek(base + begin)
    parts.add(name, shape_text(entry["dtype"], entry["shape"]), file.read(end - begin))
