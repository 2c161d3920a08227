"""Reads a model in ONNX: its graph and all else that it computes with, and apart from these what is said about it.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from pathlib import Path

from samebits.store.content import Parts, joined, text_or_bytes
from samebits.store.tensorflow_files import read_fields

__all__ = ["read_onnx"]

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
