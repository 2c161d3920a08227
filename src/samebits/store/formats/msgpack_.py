"""Reads MessagePack with its library, also the arrays in checkpoints of Flax.

https://github.com/google/flax/blob/main/flax/serialization.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from samebits.store.content import Parts, add_json

_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3  # types of values that Flax defines
_NONE = b"\xc0"


def read(path: Path, parts: Parts) -> None:
    """Add the values of a file by their keys."""
    import msgpack

    unpacker = msgpack.Unpacker(
        ext_hook=_extension, strict_map_key=False, unicode_errors="surrogateescape", timestamp=1, max_buffer_size=0
    )
    unpacker.feed(path.read_bytes())
    values = list(unpacker)
    unpacker.feed(_NONE)
    if next(unpacker, values) is not None:  # the byte belongs to a value that is cut off
        raise ValueError("it ends within a value")
    add_json(parts, "", values[0] if len(values) == 1 else {f"value {n}": value for n, value in enumerate(values, 1)})


def _extension(code: int, data: bytes) -> Any:
    """Return the array or the number that an extension of Flax holds; the bytes of any other extension."""
    import msgpack

    if code == _COMPLEX:
        return complex(*msgpack.unpackb(data))
    if code not in (_ARRAY, _SCALAR):
        return data
    shape, kind, raw = msgpack.unpackb(data, raw=True)
    array = np.frombuffer(raw, "u2" if kind == b"bfloat16" else kind.decode()).reshape(shape)
    return array if code == _ARRAY else array.item()
