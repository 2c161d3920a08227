"""Reads TensorBoard's events: values by step and tag, without the time at which each was written.

A file is a list of records of TensorFlow (length, checksum, bytes, checksum), each a message `Event`:
https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samebits.store.content import Parts

_WALL_TIME, _STEP, _SUMMARY, _SOURCE = 1, 2, 5, 10  # fields of an Event
_VALUE, _TAG, _SIMPLE, _TENSOR = 1, 1, 2, 8  # the field of a Summary, and those of its values
_SIZES = {1: 8, 5: 4}  # of the two wire types with a fixed size


def read(path: Path, parts: Parts) -> None:
    """Add the values of all events."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        if at + 16 + length > len(data):
            raise ValueError("the last record is cut off")
        _add_event(parts, list(_fields(data[at + 12 : at + 12 + length])))
        at += 16 + length


def _add_event(parts: Parts, fields: list[tuple[int, Any]]) -> None:
    step = dict(fields).get(_STEP, 0)
    for field, content in fields:
        if field == _SUMMARY:
            for value in (dict(_fields(value)) for _, value in _fields(content)):
                _add_value(parts, f"step {step}.{value.pop(_TAG, b'').decode('utf-8', 'replace')}", value)
        elif field not in (_WALL_TIME, _STEP, _SOURCE):
            parts.add_plain(f"step {step}.(field {field})", repr(content))


def _add_value(parts: Parts, name: str, value: dict[int, Any]) -> None:
    tensor = dict(_fields(value[_TENSOR])) if _TENSOR in value else {}
    number = value.get(_SIMPLE, tensor.get(4, tensor.get(5)))  # a float, or the bytes or the list of a tensor
    if isinstance(number, bytes) and len(number) == 4 and tensor.get(1, 1) == 1:
        parts.add_plain(name, struct.unpack("<f", number)[0])
    elif "_hparams_/" not in name:  # these hold the time at which the session began
        parts.add_plain(name, repr(sorted(value.items())))


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each field: https://protobuf.dev/programming-guides/encoding/"""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        size = _SIZES.get(key & 7, 0)
        if key & 7 in (0, 2):
            size, at = _number(message, at)
        if key & 7 == 0:
            yield key >> 3, size
        else:
            yield key >> 3, message[at : at + size]
            at += size


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place after it. Raises IndexError if it is cut off."""
    value = shift = 0
    while message[at] > 127:
        value, at, shift = value | (message[at] & 127) << shift, at + 1, shift + 7
    return value | message[at] << shift, at + 1
