"""Sends the working folder to nodes that do not have it: compares, measures and packs it."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from samebits import words
from samebits.errors import UsageError
from samebits.launch import folders

__all__ = ["MOST", "archive", "code_of", "listing_of", "refuse_large", "size_of"]

_CODE = ("", ".py", ".pyw", ".ipynb", ".sh")  # `python train` runs a file without an ending, too
_SETTINGS = (".toml", ".yaml", ".yml", ".json", ".cfg", ".ini")
_MOST_OF_A_PROGRAM = 1_000_000  # bytes
MOST = 1_000_000_000  # bytes of a working folder that travels


def listing_of(folder: Path) -> str:
    """Return a digest of the names and sizes of all files, and of the content of programs and settings.

    It is equal on two machines if they share the folder or have the same copy. An old copy of a program would train
    something else.
    """
    return _digest(folder, _files(folder), (*_CODE, *_SETTINGS))


def code_of(folder: Path) -> str:
    """Return a digest of the programs in a folder, which a patch changes.

    Files that trainings write are not part of it.
    """
    programs = {name: state for name, state in _files(folder).items() if Path(name).suffix in _CODE}
    return _digest(folder, programs, _CODE)


def _digest(folder: Path, files: Mapping[str, folders.State], read: tuple[str, ...]) -> str:
    """Return a digest of the names and sizes of files, and of the content of files with these endings."""
    digest = hashlib.blake2b(digest_size=16)
    for name, state in sorted(files.items()):
        digest.update(f"{name}\0{state.size}\0".encode("utf-8", "surrogateescape"))
        digest.update(_content(folder / name, state, read))
    return digest.hexdigest()


def _content(path: Path, state: folders.State, endings: tuple[str, ...]) -> bytes:
    """Return the content of a file of one of these endings; empty if it is too large for a program."""
    with suppress(OSError):
        if path.suffix in endings and state.size <= _MOST_OF_A_PROGRAM:
            return path.read_bytes()
    return b""


def size_of(folder: Path) -> tuple[int, int]:
    """Return how many files would be sent, and how many bytes."""
    found = _files(folder)
    return len(found), sum(state.size for state in found.values())


def _files(folder: Path) -> dict[str, folders.State]:
    """Return the state of everything but records, virtual environments and the folders of tools."""
    return {str(path.relative_to(folder)): state for path, state in folders.snapshot(folder).files.items()}


def refuse_large(folder: Path) -> str:
    """Return the size of a folder in words. Raises UsageError if it is too large to send."""
    files, size = size_of(folder)
    said = f"{words.count(files, 'file')}, {words.size(size)}"
    if size > MOST or files >= folders.MOST_FILES:
        most = f"the limit is {words.size(MOST)}, in fewer than {folders.MOST_FILES:,} files"
        raise UsageError(
            f"The working folder {folder} is too large to send to the nodes ({said}): {most}.",
            "put it on a disk that all nodes share, or run samebits in a smaller folder.",
        )
    return said


def archive(folder: Path) -> bytes:
    """Pack a folder, with its empty folders and its links, into a tar archive."""
    found, stream = folders.snapshot(folder), io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for path in sorted(found.folders):
            packed.add(path, arcname=os.path.relpath(path, folder), recursive=False)
        for path in sorted([*found.files, *found.links]):
            packed.add(path, arcname=os.path.relpath(path, folder), recursive=False)
    return stream.getvalue()
