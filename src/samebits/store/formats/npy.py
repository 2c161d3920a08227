"""Reads the array of a .npy file. It unpickles nothing: for an array of objects, it reads what the pickle describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from samebits.store.content import Parts
from samebits.store.formats.pickled_values import PickleWalk
from samebits.store.formats.unpickler import read as unpickled


def read(path: Path, parts: Parts) -> None:
    """Add the array of a .npy file."""
    with path.open("rb") as file:
        add_array(parts, "", file)


def add_array(parts: Parts, name: str, file: Any) -> None:
    """Add the array of a .npy file under a name. Its order in memory does not matter."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(file)
    if dtype.hasobject:
        PickleWalk(parts).add(name, unpickled(file))
        if file.read(1):
            raise ValueError("more than one array is in it")
        return
    data, needed = file.read(), int(np.prod(shape, dtype=object)) * dtype.itemsize
    if len(data) != needed:
        raise ValueError(f"{len(data):,} bytes of data do not fit its shape, which needs {needed:,}")
    parts.add_array(name, np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C"))
