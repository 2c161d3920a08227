"""Finds the numbers of PyTorch's tensors that a pickle describes: they lie in storages outside of the pickle."""

from __future__ import annotations

import io
import struct
from typing import IO, Any

import numpy as np

from samebits.store.formats.unpickler import Global, Made, Persistent, bytes_of, read

MAGIC = 0x1950A86A20F9469CFC6C
_SIZES = {
    1: ("Byte", "Char", "Bool", "QInt8", "QUInt8", "Untyped", "uint8", "int8", "bool", "QUInt4x2", "QUInt2x4"),
    2: ("Short", "Half", "BFloat16", "int16", "uint16", "float16", "bfloat16"),
    4: ("Int", "Float", "QInt32", "int32", "uint32", "float32", "complex32"),
    8: ("Long", "Double", "ComplexFloat", "int64", "uint64", "float64", "complex64"),
    16: ("ComplexDouble", "complex128"),
}
SIZE_OF = {name: size for size, names in _SIZES.items() for name in names}


def storage_of(key: Any) -> tuple[str, str, int] | None:
    """Return (type, key, elements) of the storage to which a persistent id refers; None if it refers to none."""
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage" or not isinstance(key[1], Global):
        return None
    return key[1].name.rpartition(".")[2].removesuffix("Storage"), str(key[2]), int(key[4])


def packed_storage(value: Any) -> tuple[str, bytes] | None:
    """Return (type, content) of a storage in a plain pickle; None for anything else.

    The pickle holds it as the bytes of a file in the older form. That file names the storage by its address
    (`torch.storage._StorageBase.__reduce__`).
    """
    if not isinstance(value, Made) or value.name != "torch.storage._load_from_bytes":
        return None
    data = bytes_of(value.arguments[0]) if isinstance(value.arguments, tuple) else None
    file = io.BytesIO(data or b"")
    if data is None or read(file) != MAGIC:
        return None
    content, storages = after_magic(file, data)
    storage = storage_of(content.key) if isinstance(content, Persistent) else None
    return None if storage is None else (storage[0], storages[storage[1]])


def after_magic(file: IO[bytes], data: Any) -> tuple[Any, dict[str, bytes]]:
    """Return the object and the storages of a file in the older form. `data`: all its bytes.

    The file holds five pickles (magic number, protocol, sizes, the object, storage keys), then all storages in the
    order of the keys. `file` is right after the first one.
    """
    read(file), read(file)
    sizes: dict[str, int] = {}

    def note(key: Any) -> None:
        storage = storage_of(key)
        if storage is not None:
            sizes[storage[1]] = SIZE_OF.get(storage[0], 1)

    content, keys = read(file, kept=note), read(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("the list of storages is missing")
    return content, _storages(data, file.tell(), {key: sizes.get(key, 1) for key in keys})


def _storages(data: Any, at: int, sizes: dict[str, int]) -> dict[str, bytes]:
    storages = {}
    for key in sizes:
        (count,) = struct.unpack_from("<q", data, at)
        size = count * sizes[key]
        if count < 0 or at + 8 + size > len(data):
            raise ValueError("the file ends before its storages do")
        storages[key] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return storages


def elements(data: Any, size: int, layout: tuple[Any, ...]) -> bytes:
    """Return the bytes of the elements in logical order. Raises ValueError if they lie outside the storage."""
    offset, shape, strides = int(layout[0]), tuple(layout[1]), tuple(layout[2])
    if 0 in shape:
        return b""
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if offset < 0 or min(strides, default=0) < 0 or min(shape, default=1) < 0 or (last + 1) * size > len(data):
        raise ValueError("a tensor reaches beyond its storage")
    flat = np.frombuffer(data, dtype=f"V{size}", count=len(data) // size)
    view = np.lib.stride_tricks.as_strided(flat[offset:], shape, tuple(stride * size for stride in strides))
    return view.tobytes()
