"""Reads the arrays of a .npz file by name. Times and compression do not matter."""

from __future__ import annotations

from pathlib import Path

from samebits.store.content import Parts
from samebits.store.formats.npy import add_array
from samebits.store.formats.zip_ import members_of, names_in


def owns(path: Path) -> bool:
    """Return whether a zip archive holds only arrays."""
    names = names_in(path)
    return bool(names) and all(name.endswith(".npy") for name in names or ())


def read(path: Path, parts: Parts) -> None:
    """Add the arrays, and the bytes of all other members of the archive."""
    for name, file in members_of(path):
        if name.endswith(".npy"):
            add_array(parts, name.removesuffix(".npy"), file)
        else:
            parts.add(name, "bytes", file.read())
