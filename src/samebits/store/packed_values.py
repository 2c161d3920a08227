"""Reads values in two binary forms of JSON: MessagePack (checkpoints of Flax) and UBJSON (models of XGBoost).

https://github.com/msgpack/msgpack/blob/master/spec.md, https://ubjson.org
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from samebits.store.content import Parts, is_plain, joined, text_or_bytes

_DEEPEST = 200
_MOST_FILE = 1 << 30  # bytes


class _Extension(NamedTuple):
    """A value of MessagePack whose type a program defined."""

    code: int
    data: bytes


def read_msgpack(path: Path, parts: Parts) -> str:
    """Add the values of a file of MessagePack by their keys. Raises ValueError."""
    values = _Values(_content(path, parts))
    found = [values.packed(0)]
    while not values.is_at_end:
        found.append(values.packed(0))
    for number, value in enumerate(found, 1):
        _add(parts, f"value {number}" if len(found) > 1 else "", value)
    return "msgpack"


def read_ubjson(path: Path, parts: Parts) -> str:
    """Add the values of a model of XGBoost by their keys. Raises ValueError."""
    values = _Values(_content(path, parts))
    value = values.marked(0)
    if not values.is_at_end or not isinstance(value, dict):
        raise ValueError("it does not hold one object")
    parts.models += names_of_model(value)
    _add(parts, "", value)
    return "ubjson"


def names_of_model(value: Any) -> list[str]:
    """Return the names below which a JSON document of XGBoost holds a model, without attributes that programs set."""
    learner = value.get("learner")
    if not isinstance(learner, dict):
        return [""]
    return [*(name for name in value if name != "learner"), *(f"learner.{n}" for n in learner if n != "attributes")]


def _content(path: Path, parts: Parts) -> bytes:
    if path.stat().st_size > _MOST_FILE:
        raise ValueError(f"it has more than {_MOST_FILE >> 30} GiB")
    data = path.read_bytes()
    parts.spend(len(data))
    return data


def _add(parts: Parts, path: str, value: Any) -> None:
    if isinstance(value, _Extension):
        value = _opened(value)
    if isinstance(value, np.ndarray):
        parts.add_array(path, value)
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            _add(parts, joined(path, key), inner)
    elif isinstance(value, list) and not is_plain(value):
        parts.add_plain(joined(path, "length"), len(value))
        for number, inner in enumerate(value):
            _add(parts, joined(path, number), inner)
    elif isinstance(value, bytes) and isinstance(text_or_bytes(value), bytes):  # an array, as msgpack-numpy writes it
        parts.add(path, "bytes", value)
    else:
        parts.add_plain(path, value)


def _opened(value: _Extension) -> Any:
    """Return the array, the number or the moment that an extension holds; its bytes if its type is not known.

    https://github.com/google/flax/blob/main/flax/serialization.py
    """
    try:
        if value.code in (1, 3):
            shape, kind, data = _Values(value.data).packed(0)
            data = data.encode() if isinstance(data, str) else data  # numbers whose bytes happen to be a text
            array = np.frombuffer(data, "u2" if kind == "bfloat16" else kind).reshape(shape)
            return array if value.code == 1 else array.item()
        if value.code == 2:
            return complex(*_Values(value.data).packed(0))
    except (ValueError, TypeError, struct.error):
        return value.data
    return _moment(value.data) if value.code == -1 else value.data


def _moment(data: bytes) -> float | bytes:
    """Return a timestamp in seconds."""
    if len(data) == 4:
        return float(struct.unpack(">I", data)[0])
    if len(data) == 8:
        (both,) = struct.unpack(">Q", data)
        return float((both & 0x3FFFFFFFF) + (both >> 34) / 1e9)
    if len(data) == 12:
        nanoseconds, seconds = struct.unpack(">Iq", data)
        return float(seconds + nanoseconds / 1e9)
    return data


_NUMBERS = dict(enumerate((">f", ">d", ">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"), 0xCA))
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_LENGTHS = (">B", ">H", ">I")
_OF_UBJSON = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_LITERALS = {"Z": None, "T": True, "F": False}


class _Values:
    """The values in some bytes, one after the other. Each method raises ValueError if bytes are missing."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def is_at_end(self) -> bool:
        """Whether all bytes are read."""
        return self._at >= len(self._data)

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if size < 0 or len(taken) != size:
            raise ValueError("it ends too early")
        self._at += size
        return taken

    def _number(self, kind: str) -> Any:
        return struct.unpack(kind, self._take(struct.calcsize(kind)))[0]

    # -- MessagePack --

    def packed(self, depth: int) -> Any:
        """Return the next value of MessagePack."""
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        (mark,) = self._take(1)
        if mark in _CONSTANTS or mark in _NUMBERS:
            return self._number(_NUMBERS[mark]) if mark in _NUMBERS else _CONSTANTS[mark]
        return self._sized(mark, depth) if 0xC0 <= mark < 0xE0 else self._short(mark, depth)

    def _short(self, mark: int, depth: int) -> Any:
        """Return a value whose mark holds its length, or the value itself."""
        if mark < 0x80 or mark >= 0xE0:
            return mark if mark < 0x80 else mark - 0x100
        if mark < 0xA0:
            take = self._table if mark < 0x90 else self._list
            return take(mark & 0x0F, depth)
        return text_or_bytes(self._take(mark & 0x1F))

    def _sized(self, mark: int, depth: int) -> Any:
        """Return a value whose length stands after its mark."""
        if 0xD4 <= mark <= 0xD8:
            return self._extension(1 << (mark - 0xD4))
        kinds: tuple[tuple[int, int, Callable[[int], Any]], ...] = (
            (0xC4, 0, self._take),
            (0xC7, 0, self._extension),
            (0xD9, 0, lambda size: text_or_bytes(self._take(size))),
            (0xDC, 1, lambda size: self._list(size, depth)),
            (0xDE, 1, lambda size: self._table(size, depth)),
        )
        for first, least, take in kinds:
            if first <= mark < first + 3 - least:
                return take(self._number(_LENGTHS[mark - first + least]))
        raise ValueError(f"{mark:#x} begins no value")

    def _extension(self, size: int) -> _Extension:
        code = self._number(">b")
        return _Extension(code, self._take(size))

    def _list(self, size: int, depth: int) -> list[Any]:
        return [self.packed(depth + 1) for _ in range(size)]

    def _table(self, size: int, depth: int) -> dict[str, Any]:
        return {str(self.packed(depth + 1)): self.packed(depth + 1) for _ in range(size)}

    # -- UBJSON --

    def marked(self, depth: int, kind: str = "") -> Any:
        """Return the next value of UBJSON. `kind`: its mark, if that was read before."""
        mark = kind or self._mark()
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if mark in _LITERALS:
            return _LITERALS[mark]
        if mark in _OF_UBJSON:
            kind = _OF_UBJSON[mark]
            return np.frombuffer(self._take(int(kind[-1])), kind)[0].item()
        if mark == "C":
            return self._take(1).decode("latin1")
        if mark == "S":
            return text_or_bytes(self._take(self._length()))
        if mark == "[":
            return self._array(depth)
        if mark == "{":
            return self._object(depth)
        raise ValueError(f"{mark!r} begins no value")

    def _mark(self) -> str:
        return self._take(1).decode("latin1")

    def _next_is(self, mark: str) -> bool:
        found = self._data[self._at : self._at + 1] == mark.encode()
        self._at += found
        return found

    def _length(self) -> int:
        size = self.marked(0, self._mark())
        if type(size) is not int:
            raise ValueError("a length is not a number")
        return size

    def _array(self, depth: int) -> Any:
        kind = self._mark() if self._next_is("$") else ""
        if not self._next_is("#"):
            found = []
            while not self._next_is("]"):
                found.append(self.marked(depth + 1))
            return found
        size = self._length()
        if kind in _OF_UBJSON:
            numbers = np.frombuffer(self._take(size * int(_OF_UBJSON[kind][-1])), _OF_UBJSON[kind])
            return numbers if size else []
        return [self.marked(depth + 1, kind) for _ in range(size)]

    def _object(self, depth: int) -> dict[str, Any]:
        found = {}
        while not self._next_is("}"):
            name = str(text_or_bytes(self._take(self._length())))
            found[name] = self.marked(depth + 1)
        return found
