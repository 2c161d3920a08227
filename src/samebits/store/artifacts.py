"""Files that a trial saved, compared by content: the same tensors in another file name, order or time are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xxhash

from samebits.model import SavedFile
from samebits.store.array_files import read_npy, read_npz, read_safetensors
from samebits.store.content import Parts, add_json, parse_json
from samebits.store.hdf5_files import read_hdf5, read_keras
from samebits.store.recognising import format_of
from samebits.store.torch_files import read_torch

Reader = Callable[[Path, Parts], str]
_CHUNK = 1 << 22


def fingerprint_file(path: Path, named: bool) -> SavedFile:  # noqa: FBT001 - the field of SavedFile that it fills
    """Fingerprint a file by its content, by its bytes where its format is not known or it is damaged.

    Never raises for what the file holds: `error` says why its content could not be read. A file that cannot be read
    at all has no parts. Nothing in the file is run.
    """
    try:
        reader = READERS.get(format_of(path) or path.suffix.lower())
        if reader is None:
            return _by_bytes(path, named=named)
        return _by_content(path, reader, named=named)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        return SavedFile(path=str(path), named=named, format="bytes", tensors={}, error=reason)


def _by_content(path: Path, reader: Reader, *, named: bool) -> SavedFile:
    parts = Parts()
    try:
        kind = reader(path, parts)
    except Exception as error:  # a damaged file fails in as many ways as there are readers; all are said
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _by_bytes(path, named=named, error=reason[:200])
    tensors = {_printable(name): digits for name, digits in parts.tensors.items()}
    values = sorted(map(_printable, parts.values & set(parts.tensors)))
    return SavedFile(path=str(path), named=named, format=kind, tensors=tensors, values=values)


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _by_bytes(path: Path, *, named: bool, error: str | None = None) -> SavedFile:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return SavedFile(path=str(path), named=named, format="bytes", tensors={"": digest.hexdigest()}, error=error)


def _read_json(path: Path, parts: Parts) -> str:
    add_json(parts, "", parse_json(path.read_bytes()))
    return "json"


READERS: dict[str, Reader] = {
    ".pt": read_torch,
    ".pth": read_torch,
    ".npy": read_npy,
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".keras": read_keras,
    ".json": _read_json,
}
