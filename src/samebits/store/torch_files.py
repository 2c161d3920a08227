"""Reads files of `torch.save` without unpickling, in the zip form (PyTorch 1.6 and later) and in the older form.

A tensor is named by the keys that lead to it, and compared by dtype, shape and bytes in logical order. The archive's
name, addresses, alignment, devices and the order of keys do not matter. Everything else in the file (numbers, names of
classes, code of scripted modules) is compared too.
"""

from __future__ import annotations

import io
import math
import mmap
import struct
import zipfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from samebits.store.content import LimitedStream, Parts, is_plain, joined, shape_text, weight
from samebits.store.pickles import MOST_TEXT, Global, Made, Persistent, bytes_of, plain_text, read, text_of

MAGIC = 0x1950A86A20F9469CFC6C
Storages = Callable[[str, int], Any]  # (key, size in bytes) -> buffer
_MOST_VALUES = 500_000
# the range of numbers that id() returns under Linux; figures of Matplotlib use such numbers as keys
_ADDRESSES = ((0x550000000000, 0x570000000000), (0x7E0000000000, 0x800000000000))
# objects can share one another: after so many values, a value that was added before is not added again
_MOST_REPEATED = 20_000
_IGNORED = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
_SIZES = {
    1: ("Byte", "Char", "Bool", "QInt8", "QUInt8", "Untyped", "uint8", "int8", "bool", "QUInt4x2", "QUInt2x4"),
    2: ("Short", "Half", "BFloat16", "int16", "uint16", "float16", "bfloat16"),
    4: ("Int", "Float", "QInt32", "int32", "uint32", "float32", "complex32"),
    8: ("Long", "Double", "ComplexFloat", "int64", "uint64", "float64", "complex64"),
    16: ("ComplexDouble", "complex128"),
}
_SIZE_OF = {name: size for size, names in _SIZES.items() for name in names}


def read_torch(path: Path, parts: Parts) -> str:
    """Add the parts of a .pt or .pth file, and return its format. A damaged file raises many kinds of errors."""
    if zipfile.is_zipfile(path):
        _read_zip(path, parts)
        return "torch"
    _read_legacy(path, parts)
    return "torch-legacy"


# -- the zip form ---------------------------------------------------------------------------------------------------


def _read_zip(path: Path, parts: Parts) -> None:
    with zipfile.ZipFile(path) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}

        def content(name: str) -> bytes:
            with archive.open(names[name]) as stream:
                return LimitedStream(stream, parts).read()

        if "data.pkl" not in names:
            raise ValueError("the archive holds no data.pkl")
        pickles = {name for name in names if name.endswith(".pkl") and "/" not in name and not _is_ignored(name)}
        last = lru_cache(maxsize=1)(content)  # many tensors may share a storage
        for name in sorted(names):
            if name in pickles:
                walk = Walk(parts, partial(_stored, last, name.removesuffix(".pkl")))
                walk.add("" if name == "data.pkl" else name, read(io.BytesIO(content(name))))
            # storages are read with their tensors
            elif f"{name.partition('/')[0]}.pkl" not in pickles and not _is_ignored(name):
                parts.add(name, "bytes", content(name))


def _stored(content: Callable[[str], bytes], folder: str, key: str, size: int) -> bytes:
    """Return a storage: the file with this key in the folder that belongs to a pickle."""
    return content(f"{folder}/{key}")


def _is_ignored(name: str) -> bool:
    """Return whether a file of the archive is left out: it holds paths, or only describes the archive.

    `traced_inputs` holds the shapes of the inputs with which a module was traced, and none of their values.
    """
    return not name or name in _IGNORED or name.endswith(".debug_pkl") or name.startswith("traced_inputs")


# -- the older form -------------------------------------------------------------------------------------------------


def _read_legacy(path: Path, parts: Parts) -> None:
    """Add the parts of a file in the older form.

    It holds five pickles (magic number, protocol, sizes, the object, storage keys), then all storages in this order.
    """
    with path.open("rb") as file:
        first = read(file)
        if first != MAGIC:  # a plain pickle
            Walk(parts, no_storage).add("", first)
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            content, storages = _after_magic(file, data)
            Walk(parts, lambda key, size: storages[key]).add("", content)


def _after_magic(file: IO[bytes], data: mmap.mmap | bytes) -> tuple[Any, dict[str, bytes]]:
    """Return the object and the storages of a file, after its magic number was read. `data`: all its bytes."""
    read(file), read(file)
    content, keys = read(file), read(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("the list of storages is missing")
    return content, _storages(data, file.tell(), keys, _item_sizes(content))


def no_storage(key: str, size: int) -> Any:
    raise ValueError("the file has a tensor and no storages")


def _storages(data: mmap.mmap | bytes, at: int, keys: list[str], sizes: dict[str, int]) -> dict[str, bytes]:
    found = {}
    for key in keys:
        (count,) = struct.unpack_from("<q", data, at)
        size = count * sizes.get(key, 1)
        if count < 0 or at + 8 + size > len(data):
            raise ValueError("the file ends before its storages do")
        found[key] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return found


def _item_sizes(content: Any) -> dict[str, int]:
    """Return storage key -> bytes of one element, from the references to the storage."""
    sizes: dict[str, int] = {}
    pending, seen = [content], set[int]()
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        storage = _storage_of(value)
        if storage is not None:
            sizes[storage[1]] = _SIZE_OF.get(storage[0], 1)
        pending += _children(value)
    return sizes


def _children(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, Made):
        return [value.arguments, value.state, *value.items, *(part for pair in value.pairs for part in pair)]
    return [value.key] if isinstance(value, Persistent) else []


def _storage_of(value: Any) -> tuple[str, str, int] | None:
    """Return (type, key, elements) of a storage's persistent id, or None."""
    key = value.key if isinstance(value, Persistent) else None
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage" or not isinstance(key[1], Global):
        return None
    return key[1].name.rpartition(".")[2].removesuffix("Storage"), str(key[2]), int(key[4])


def _packed_storage(value: Any) -> tuple[str, bytes] | None:
    """Return (type, content) of a storage in a plain pickle; None for anything else.

    The pickle holds it as the bytes of a file in the older form. That file names the storage by its address
    (`torch.storage._StorageBase.__reduce__`).
    """
    if not isinstance(value, Made) or not isinstance(value.function, Global):
        return None
    if value.function.name != "torch.storage._load_from_bytes" or not isinstance(value.arguments, tuple):
        return None
    data = bytes_of(value.arguments[0])
    file = io.BytesIO(data or b"")
    if data is None or read(file) != MAGIC:
        return None
    content, storages = _after_magic(file, data)
    storage = _storage_of(content)
    return None if storage is None else (storage[0], storages[storage[1]])


# -- what the pickle describes --------------------------------------------------------------------------------------


class Walk:
    """Walks through what a pickle describes, and adds a part for each leaf."""

    def __init__(self, parts: Parts, storages: Storages) -> None:
        self._parts, self._storages = parts, storages
        self._inside: set[int] = set()
        # with the objects themselves, because the number of an object that is gone can become that of a different one
        self._known: dict[int, tuple[int, Any]] = {}
        self._visited = 0

    def add(self, path: str, value: Any) -> None:
        """Add a value under a path. "(itself)" stands for a value inside itself."""
        self._visited += 1
        if self._visited > _MOST_VALUES:
            raise ValueError(f"the file holds more than {_MOST_VALUES:,} values")
        if isinstance(value, (list, tuple)):
            self._parts.spend(8 * len(value))
        if is_plain(value):
            self._parts.add_plain(path, value)
        elif id(value) in self._inside:
            self._parts.add_plain(path, "(itself)")
        elif id(value) in self._known and self._visited > _MOST_REPEATED:
            self._parts.add_plain(path, ("as before", self._known[id(value)][0]))
        else:
            self._known.setdefault(id(value), (self._visited, value))
            self._inside.add(id(value))
            self._add_nested(path, value)
            self._inside.discard(id(value))

    def _add_nested(self, path: str, value: Any) -> None:
        if isinstance(value, (list, tuple)):
            self._add_items(path, value)
        elif isinstance(value, dict):
            self._add_dict(path, _without_addresses(value))
        elif isinstance(value, Made):
            self._add_made(path, value)
        elif isinstance(value, Persistent):
            self._add_persistent(path, value)
        else:
            self._parts.add_plain(path, value)

    def _add_items(self, path: str, items: Any) -> None:
        self._parts.add_plain(joined(path, "length"), len(items))
        for index, item in enumerate(items):
            self.add(joined(path, index), item)

    def _add_dict(self, path: str, table: dict[Any, Any]) -> None:
        if not table:
            self._parts.add_plain(path, "(empty)")
        for number, (key, value) in enumerate(table.items(), 1):
            is_address = type(key) is int and any(begin <= key < end for begin, end in _ADDRESSES)
            self.add(joined(path, f"address {number}" if is_address else _named(key)), value)

    def _add_made(self, path: str, made: Made) -> None:
        name = made.function.name if isinstance(made.function, Global) else text_of(made.function)
        arguments = made.arguments if isinstance(made.arguments, tuple) else (made.arguments,)
        if name.startswith("torch._utils._rebuild_parameter"):
            self.add(path, arguments[0])
            return
        is_tensor = bool(arguments) and name.startswith("torch._utils._rebuild_tensor")
        storage = self._storage(arguments[0]) if is_tensor else None
        if storage is not None:
            self._add_tensor(path, *storage, arguments)
            return
        packed = _packed_storage(made)
        if packed is not None:
            self._parts.add(path, f"storage {packed[0]}", packed[1])
            return
        if name.startswith("torch._utils._rebuild"):  # a quantised or sparse tensor, or the like
            self._parts.models.append(path)
        text = plain_text(name, made)
        if text is not None:
            self._parts.add_plain(path, text)
            return
        known = self._parts.in_array
        self._parts.in_array = known or name.endswith("multiarray._reconstruct")  # an array of NumPy
        self._add_object(path, name, made, arguments)
        self._parts.in_array = known

    def _add_object(self, path: str, name: str, made: Made, arguments: tuple[Any, ...]) -> None:
        """Add any other object: its class, the arguments that made it, and what was put into it."""
        self._parts.add_plain(joined(path, "(class)"), name)
        if arguments:
            self.add(joined(path, "(arguments)"), arguments)
        if name in ("builtins.set", "builtins.frozenset", "__builtin__.set"):
            self._parts.add_plain(path, sorted(text_of(item) for item in made.items))
        elif made.items:
            self._add_items(path, made.items)
        for key, value in made.pairs:
            self.add(joined(path, _named(key)), value)
        if made.state is not None:
            self.add(path, made.state)

    def _add_persistent(self, path: str, value: Persistent) -> None:
        storage = self._storage(value)
        if storage is not None:
            self._parts.add(path, f"storage {storage[0]}", storage[1])
        elif isinstance(value.key, tuple) and value.key[:1] == ("module",):
            self.add(path, (value.key[1], *value.key[3:]))  # the class and its source, without the source's path
        else:
            self.add(path, value.key)

    def _storage(self, value: Any) -> tuple[str, Any] | None:
        """Return (type, content) of a storage; None for anything else."""
        known = _storage_of(value)
        if known is None:
            return _packed_storage(value)
        kind, key, count = known
        return kind, self._storages(key, count * _SIZE_OF.get(kind, 1))

    def _add_tensor(self, path: str, kind: str, data: Any, arguments: tuple[Any, ...]) -> None:
        """Add a tensor over a storage: its dtype, its shape, and its elements in logical order."""
        if kind == "Untyped" and len(arguments) > 6 and isinstance(arguments[6], Global):
            kind = arguments[6].name.rpartition(".")[2]
        size = _SIZE_OF.get(kind, 1)
        shape = tuple(arguments[2])
        self._parts.spend(math.prod(shape) * size)
        self._parts.add(path, shape_text(kind, shape), _elements(data, size, arguments[1:4]))


def _named(key: Any) -> str:
    """Return a key of a dict as part of a name."""
    return str(key) if is_plain(key) and weight(key) <= MOST_TEXT else text_of(key)


def _without_addresses(table: dict[Any, Any]) -> dict[Any, Any]:
    """Return an optimizer's state with its parameters numbered in their order.

    PyTorch before 1.5 names them by their addresses.
    """
    state, groups = table.get("state"), table.get("param_groups")
    if not isinstance(state, dict) or not isinstance(groups, list):
        return table
    members = [_params(group) for group in groups]
    numbers = {address: number for number, address in enumerate(p for params in members for p in params)}
    numbered = {numbers.get(key, key) if isinstance(key, int) else key: value for key, value in state.items()}
    return {**table, "state": numbered, "param_groups": [_renumbered(group, numbers) for group in groups]}


def _params(group: Any) -> list[int]:
    params = group.get("params") if isinstance(group, dict) else None
    return [p for p in params if isinstance(p, int)] if isinstance(params, list) else []


def _renumbered(group: Any, numbers: dict[int, int]) -> Any:
    return {**group, "params": [numbers[p] for p in _params(group)]} if _params(group) else group


def _elements(data: Any, size: int, layout: tuple[Any, ...]) -> bytes:
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
