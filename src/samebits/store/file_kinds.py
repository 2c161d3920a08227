"""Which files hold tensors: by their ending, or, for endings that stand for anything, by how they begin."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

ENDINGS = (".pt", ".pth", ".npz", ".npy", ".safetensors", ".h5", ".hdf5", ".keras")
# What trainers call their checkpoints: the content says which format it is.
_CHECKPOINTS = (".ckpt", ".bin", ".tar", ".model", ".weights")
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch.serialization's magic number, pickled
_BEGINNINGS = {_LEGACY_TORCH: ".pt", b"\x93NUMPY": ".npy", b"\x89HDF\r\n\x1a\n": ".h5"}


def format_of(path: Path) -> str | None:
    """The ending (``.pt``) that stands for a tensor file's format; None for a file that is not known to hold tensors.

    Raises OSError where the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in ENDINGS:
        return suffix
    return _by_beginning(path) if suffix in _CHECKPOINTS else None


def holds_tensors(path: Path) -> bool:
    """Whether a file is one that is compared without being named; a file that cannot be read is not."""
    try:
        return format_of(path) is not None
    except OSError:
        return False


def _by_beginning(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(32)
    for beginning, ending in _BEGINNINGS.items():
        if start.startswith(beginning):
            return ending
    return _in_zip(path) if start.startswith(b"PK\x03\x04") else None


def _in_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error):  # damaged in many ways
        return None
    return ".pt" if any(name.endswith("data.pkl") for name in names) else None
