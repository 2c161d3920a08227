"""Reads files that consist of messages of Protocol Buffers, without their schemas: checkpoints of TensorFlow, and ONNX.

https://protobuf.dev/programming-guides/encoding/

A checkpoint has its tensors in data files, and their names in an index beside these: a sorted table of strings. Keras
saves the variables of a model in an order that differs from run to run, and so do the bytes of both files. Entries that
describe objects instead of weights are left out.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/tensor_bundle/tensor_bundle.h
https://github.com/google/leveldb/blob/main/doc/table_format.md
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from samebits.store.content import Parts, fingerprint, joined, text_or_bytes

__all__ = ["is_data", "is_index", "read_data", "read_fields", "read_index", "read_onnx", "varint"]

_DATA = re.compile(r"(.+)\.data-(\d{5})-of-\d{5}")
_MAGIC, _FOOTER = struct.pack("<Q", 0xDB4775248B80FB57), 48
_MOST_INDEX = 64 << 20
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_UNORDERED = re.compile(r"((?:^|(?<=/))_all_variables)/\d+")  # Keras numbers them in the order of a set


class _Tensor(NamedTuple):
    """A row of the index: what a tensor is, and where its bytes are."""

    name: str
    kind: str
    shard: int
    offset: int
    size: int


def is_index(path: Path) -> bool:
    """Return whether a file is the index of a checkpoint. Raises OSError."""
    if path.suffix != ".index" or path.stat().st_size < _FOOTER:
        return False
    with path.open("rb") as file:
        file.seek(-len(_MAGIC), 2)
        return file.read() == _MAGIC


def is_data(path: Path) -> bool:
    """Return whether a file holds tensors of a checkpoint whose index is beside it. Raises OSError."""
    found = _DATA.fullmatch(path.name)
    index = path.with_name(f"{found[1]}.index") if found else path
    return found is not None and index.is_file() and is_index(index)


def read_index(path: Path, parts: Parts) -> str:
    """Add the names, types and shapes of the tensors."""
    for name, kinds in _named((tensor.name, tensor.kind.encode()) for tensor in _tensors(path)):
        parts.add(name, "kind", *kinds)
    return "tensorflow-index"


def read_data(path: Path, parts: Parts) -> str:
    """Add the tensors in this file."""
    found = _DATA.fullmatch(path.name)
    assert found is not None
    mine = [one for one in _tensors(path.with_name(f"{found[1]}.index")) if one.shard == int(found[2])]
    parts.spend(sum(one.size for one in mine))
    with path.open("rb") as file:
        for name, digests in _named((one.name, _digest(file, one)) for one in mine):
            parts.add(name, "tensor", *digests)
    return "tensorflow"


def _named(rows: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield each name with its contents.

    Names that differ only in a number without meaning become one name, with sorted contents.
    """
    found: dict[str, list[bytes]] = defaultdict(list)
    for name, content in rows:
        found[_UNORDERED.sub(r"\1", name.removesuffix(_ATTRIBUTE))].append(content)
    for name, contents in sorted(found.items()):
        yield name, sorted(contents)


def _digest(file: IO[bytes], tensor: _Tensor) -> bytes:
    file.seek(tensor.offset)
    data = file.read(tensor.size)
    if len(data) != tensor.size:
        raise ValueError(f"{tensor.name} has {len(data):,} of {tensor.size:,} bytes")
    return fingerprint(tensor.kind, data).encode()


def _tensors(index: Path) -> list[_Tensor]:
    if index.stat().st_size > _MOST_INDEX:
        raise ValueError(f"its index has more than {_MOST_INDEX >> 20} MB")
    data = index.read_bytes()
    footer = data[-_FOOTER:]
    at = varint(footer, varint(footer, 0)[1])[1]  # after the place of an index that is not needed
    blocks = (_block(data, place) for _, place in _rows(_block(data, footer[at:])))
    rows = ((key.decode("utf-8", "backslashreplace"), row) for block in blocks for key, row in _rows(block))
    return [_tensor(name, row) for name, row in rows if name not in ("", _OBJECTS)]


def _block(data: bytes, place: bytes) -> bytes:
    offset, at = varint(place, 0)
    size, _ = varint(place, at)
    block = data[offset : offset + size + 1]
    if len(block) != size + 1 or block[-1] != 0:
        raise ValueError("a block of its index is damaged or compressed")
    return block[:-1]


def _rows(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block. A key says how many bytes it shares with the one before it."""
    key, at = b"", 0
    end = len(block) - 4 * (struct.unpack("<I", block[-4:])[0] + 1)
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        key, at = key[:shared] + block[at : at + own], at + own
        yield key, block[at : at + size]
        at += size


def _tensor(name: str, row: bytes) -> _Tensor:
    known = dict(read_fields(row))
    shape = known.get(2, b"")
    kind = f"{known.get(1, 0)!r} {shape.hex() if isinstance(shape, bytes) else shape}"
    shard, offset, size = (value if isinstance(value := known.get(number, 0), int) else -1 for number in (3, 4, 5))
    if min(shard, offset, size) < 0:
        raise ValueError(f"the row of {name[:100]} is damaged")
    return _Tensor(name, kind, shard, offset, size)


# -- messages of Protocol Buffers, without their schemas --------------------------------------------------------------


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


# -- ONNX: a model's graph and all else that it computes with, and apart from these what is said about it --------------
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

_DOC_STRING, _METADATA = 6, 14  # fields of a ModelProto
_NAMES = {7: "graph", 8: "operators"}


def read_onnx(path: Path, parts: Parts) -> str:
    """Add the fields of a model. Its description and its metadata do not belong to what it computes."""
    for number, value in read_fields(path.read_bytes()):
        if number == _DOC_STRING:
            parts.add_plain("doc_string", text_or_bytes(value))
        elif number == _METADATA and isinstance(value, bytes):
            entry = dict(read_fields(value))
            parts.add_plain(joined("metadata", text_or_bytes(entry.get(1, b""))), text_or_bytes(entry.get(2, b"")))
        else:
            name = _NAMES.get(number, f"field {number}")
            parts.models.append(name)
            parts.add(name, "field", value if isinstance(value, bytes) else str(value).encode())
    return "onnx"
