"""Reads MessagePack with its library, also the arrays in checkpoints of Flax.

https://github.com/google/flax/blob/main/flax/serialization.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from samebits.store.content import Parts, is_plain, joined

_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3  # types of values that Flax defines
_NONE = b"\xc0"


def read(path: Path, parts: Parts) -> None:
    """Add the values of a file by their keys."""
    import msgpack

    data = path.read_bytes()
    unpacker = msgpack.Unpacker(
        ext_hook=_opened, strict_map_key=False, unicode_errors="surrogateescape", timestamp=1, max_buffer_size=0
    )
    unpacker.feed(data)
    values = list(unpacker)
    unpacker.feed(_NONE)
    if next(unpacker, data) is not None:  # the byte belongs to a value that is cut off
        raise ValueError("it ends within a value")
    for number, value in enumerate(values, 1):
        _add(parts, f"value {number}" if len(values) > 1 else "", value)


def _opened(code: int, data: bytes) -> Any:
    """Return the array or the number that an extension of Flax holds; the bytes of any other extension."""
    import msgpack

    if code == _COMPLEX:
        return complex(*msgpack.unpackb(data))
    if code not in (_ARRAY, _SCALAR):
        return data
    shape, kind, raw = msgpack.unpackb(data, raw=True)
    array = np.frombuffer(raw, "u2" if kind == b"bfloat16" else kind.decode()).reshape(shape)
    return array if code == _ARRAY else array.item()


def _add(parts: Parts, path: str, value: Any) -> None:
    if isinstance(value, np.ndarray):
        parts.add_array(path, value)
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            _add(parts, joined(path, key), inner)
    elif isinstance(value, list) and not is_plain(value):
        parts.add_plain(joined(path, "length"), len(value))
        for number, inner in enumerate(value):
            _add(parts, joined(path, number), inner)
    elif isinstance(value, bytes):  # an array, as msgpack-numpy writes it
        parts.add(path, "bytes", value)
    else:
        parts.add_plain(path, value)
