"""Reads the tensors of a .safetensors file: eight bytes of length, a JSON header, then the data.

This module does not use the library, which reads into NumPy without bfloat16: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

from samebits.store.content import Parts, add_json, shape_text

_MOST_HEADER = 100 << 20  # the limit of the safetensors library itself


def read(path: Path, parts: Parts) -> None:
    """Add the tensors by name, and the metadata."""
    with path.open("rb") as file:
        size = path.stat().st_size
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_MOST_HEADER, size - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(file.read(length))
        if "__metadata__" in header:
            add_json(parts, "__metadata__", header.pop("__metadata__"))
        last = 0
        for name in sorted(header, key=lambda name: header[name]["data_offsets"]):
            begin, end = header[name]["data_offsets"]
            if not last <= begin <= end <= size - 8 - length:
                raise ValueError(f"the tensor {name[:80]} lies outside the file or within a different tensor")
            last = end
            file.seek(8 + length + begin)
            parts.add(name, shape_text(header[name]["dtype"], header[name]["shape"]), file.read(end - begin))
