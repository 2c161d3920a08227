"""Reads messages of Protocol Buffers without their schemas.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["read_fields", "varint"]


def read_fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yield the fields of a message as (number, value). Raises ValueError if the message is damaged."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind, field = key & 7, key >> 3
        if kind == 0:
            value, at = varint(data, at)
            yield field, value
            continue
        size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else varint(data, at)
        if kind not in (1, 2, 5) or at + size > len(data):
            raise ValueError("a message is damaged")
        yield field, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place after it. Raises ValueError if it is damaged."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("a number is damaged")
