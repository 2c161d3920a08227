"""Reads the tensors that a process wrote for an inspection (`samebits_probe.wire`, TENSORS)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from samebits.documents import Document
from samebits.store.record_files import array, as_object, broken, checked, is_shape, json_lines
from samebits_probe import wire
from samebits_probe.probe.tensor_log import row

__all__ = ["Tensor", "TensorLog", "TensorRow", "remove", "write_weights"]


class Tensor(NamedTuple):
    """The values of a tensor, as bytes in logical order."""

    data: bytes
    dtype: str
    shape: tuple[int, ...]


class TensorRow(NamedTuple):
    """Describes one tensor, and where its bytes are."""

    step: int
    kind: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int


class _Line(Document):
    step: int
    kind: str
    name: str
    dtype: str
    shape: list[int]
    offset: int
    size: int


class TensorLog:
    """The tensors in a folder, in the order in which they were written. A folder without such files has none.

    `rows`: all of them. Their values stay on disk until they are read. Raises RecordError for a row that no probe
    writes, or whose values are missing. A last row without its end is left out, because a crash cut it off.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._values = array(folder / wire.TENSORS, np.dtype("u1"))
        self.rows = [self._row(value) for value in json_lines(folder / wire.TENSOR_ROWS)]

    def _row(self, value: Any) -> TensorRow:
        path = self._folder / wire.TENSOR_ROWS
        line = checked(as_object(value, path), path, _Line)
        if not is_shape(line.shape):
            raise broken(path, f"{line.kind} {line.name[:80]!r} has an impossible shape")
        if min(line.offset, line.size) < 0 or line.offset + line.size > len(self._values):
            raise broken(path, f"{line.kind} {line.name[:80]!r} lies outside {wire.TENSORS}: one of them was truncated")
        return TensorRow(**{**vars(line), "shape": tuple(line.shape)})

    @cached_property
    def _latest(self) -> dict[tuple[str, str], TensorRow]:
        return {(row.kind, row.name): row for row in self.rows}

    def find(self, kind: str, name: str) -> TensorRow | None:
        """Return the row of the latest tensor of a kind and a name."""
        return self._latest.get((kind, name))

    def read(self, row: TensorRow) -> Tensor:
        """Return the values of a tensor."""
        return Tensor(self._values[row.offset : row.offset + row.size].tobytes(), row.dtype, row.shape)


def write_weights(folder: Path, process: Path, step: int, names: Mapping[str, str]) -> list[str]:
    """Write the weights that a process had after a step (-1: before the first one) as initial weights of other trials.

    `names`: the name of a weight in the process -> its name in the other trials. Returns the names that were written.
    """
    rows = [tensor for tensor in TensorLog(process).rows if tensor.step == step and tensor.name in names]
    lines = [row((-1, "weight", names[t.name]), t.dtype, t.shape, t.offset, t.size) for t in rows]
    (folder / wire.TENSOR_ROWS).write_bytes(b"".join(lines))
    (folder / wire.TENSORS).symlink_to((process / wire.TENSORS).absolute())
    return [names[tensor.name] for tensor in rows]


def remove(folder: Path) -> None:
    """Delete the tensors in a folder, which can be large. Raises OSError."""
    for name in (wire.TENSORS, wire.TENSOR_ROWS):
        (folder / name).unlink(missing_ok=True)
