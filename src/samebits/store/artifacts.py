"""Reads saved files by content. Equal tensors have equal fingerprints, whatever the file's name, order or time."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from samebits.model import Part, SavedFile
from samebits.store import formats
from samebits.store.content import Parts, fingerprint
from samebits.store.reader_process import ReaderProcess, Unreadable
from samebits.store.record_files import digest_of
from samebits.store.text_files import NotText, add_text, read_some
from samebits.words import one_line

MOST_PARTS = 20_000  # of one file
_PROCESS = ReaderProcess()


def fingerprint_file(path: Path, named: bool) -> SavedFile:  # noqa: FBT001
    """Fingerprint a file by its content, or by its bytes if its format is unknown or if it is damaged.

    Nothing in the file raises an error: `error` says why its content could not be read. If the file cannot be read at
    all, or changes while it is read, it has no parts, and `changing` says why. Nothing in the file is run. A process
    with limits reads the content. `named`: the field of SavedFile.
    """
    try:
        before = path.stat()
        file = _read_apart(path)
        after = path.stat()
    except FileNotFoundError:
        return _unread(path, "cannot be read (it no longer exists)", named=named)
    except OSError as error:
        return _unread(path, f"cannot be read ({error.strerror or error})", named=named)
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        change = "grew" if after.st_size > before.st_size else "changed"
        return _unread(path, f"it {change} while it was read", named=named)
    return file.model_copy(update={"named": named})


def _unread(path: Path, why: str, *, named: bool) -> SavedFile:
    return SavedFile(path=str(path), named=named, format="bytes", error=why, changing=why)


def _read_apart(path: Path) -> SavedFile:
    try:
        return SavedFile.model_validate({**_PROCESS.read(path), "path": str(path)})
    except Unreadable as error:
        return _by_bytes(path, error=str(error))


def contents(path: Path) -> SavedFile:
    """Read the content in this process, without limits on time and memory."""
    try:
        kind = formats.format_of(path)
        return _by_lines(path) if kind is None else _by_content(path, kind)
    except OSError as error:
        return _unread(path, f"cannot be read ({error.strerror or error})", named=False)


def _by_lines(path: Path) -> SavedFile:
    """Fingerprint a text by its lines, and any other file by its bytes."""
    parts = Parts()
    try:
        add_text(parts, *read_some(path))
    except NotText:
        return _by_bytes(path)
    return _saved(path, "text", parts)


def _by_content(path: Path, kind: formats.FileFormat) -> SavedFile:
    parts = Parts()
    try:
        name = kind.read(path, parts)
    except MemoryError:
        return _by_bytes(path, error="its content takes too much memory to read")
    except Exception as error:  # a damaged file fails differently in each reader; all errors are reported
        fault = "" if isinstance(error, formats.MissingLibrary) else type(error).__name__
        reason = ": ".join(filter(None, (fault, str(error).partition("\n")[0])))
        return _by_bytes(path, error=one_line(reason)[:200])
    return _saved(path, name, parts)


def _saved(path: Path, kind: str, parts: Parts) -> SavedFile:
    _join(parts.found)
    above = tuple(f"{name}." if name else "" for name in parts.models)
    printable = {
        _printable(name): part.model_copy(update={"model": True}) if above and f"{name}.".startswith(above) else part
        for name, part in parts.found.items()
    }
    return SavedFile(path=str(path), named=False, format=kind, parts=printable, lines=parts.lines)


def _join(parts: dict[str, Part]) -> None:
    """Join all values and arrays after the first ones, so that a record has room for the parts."""
    rest = sorted(parts)[MOST_PARTS - 2 :] if len(parts) > MOST_PARTS else []
    kinds: dict[Literal["value", "array"], list[str]] = {"value": [], "array": []}
    for name in rest:
        kinds[parts[name].kind].append(name)
    for kind, names in kinds.items():
        digests = [f"{name}={parts.pop(name).digest}".encode("utf-8", "surrogatepass") for name in names]
        if names:
            parts[f"(more {kind}s)"] = Part(digest=fingerprint("joined", *digests), kind=kind)


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _by_bytes(path: Path, *, error: str | None = None) -> SavedFile:
    with path.open("rb") as file:
        digest = digest_of(file)
    return SavedFile(
        path=str(path), named=False, format="bytes", parts={"": Part(digest=digest, kind="array")}, error=error
    )
