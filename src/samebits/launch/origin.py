"""Tells own records from foreign ones. The command of a foreign record runs only if the user asks for that.

record.json is signed with a key that lies outside the record, in the user's own data folder. The signature covers
record.json, the code that each trial loads, the record's place and the machine. Any change of these makes it invalid.
So a copy, a record from a colleague and a record with an edited command do not pass for an own record.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path

from samebits import places
from samebits.errors import UntrustedRecord
from samebits.model import RecordFile
from samebits.store import record_files
from samebits.store.record import PROBE, SHIMS, Record
from samebits.store.record_files import shown

KEY = "record-key"
_KEY_BYTES = 32
_MACHINE = Path("/etc/machine-id")


def signed(file: RecordFile, folder: Path, digest: bytes) -> RecordFile:
    """Return record.json with a signature; without one if no key can be kept.

    `digest`: the digest of the code that each trial loads, taken before a trial ran (see `code`).
    """
    key = _key()
    signature = _signature(key, file, folder, digest) if key is not None else None
    return file.model_copy(update={"signature": signature})


def is_own(record: Record) -> bool:
    """Return whether this user recorded it on this machine in this folder.

    Everything that it would run must be unchanged, too.
    """
    key = _key()
    if key is None or record.file.signature is None:
        return False
    signature = _signature(key, record.file, record.folder, code(record.folder))
    return hmac.compare_digest(signature.encode(), record.file.signature.encode("utf-8", "backslashreplace"))


def require(record: Record, *, run: bool) -> None:
    """Raise UntrustedRecord, unless the record is the user's own or `run` lets its command run all the same."""
    if run or is_own(record):
        return
    file = record.file
    setting = "".join(f" {name}={shlex.quote(value)}" for name, value in file.variables.items() if value is not None)
    python = f" with {shlex.quote(file.python)}" if file.python else ""
    call = f"in {shlex.quote(file.directory)}{python},{setting} {shlex.join(file.command)}"
    raise UntrustedRecord(
        f"{shown(record.folder)} was not recorded by this user on this machine in this folder, or was changed since. "
        f"Its command was not run: {shown(call)}",
        "If you trust that command, give the option --run.",
    )


def _signature(key: bytes, file: RecordFile, folder: Path, digest: bytes) -> str:
    place = f"{_machine()}\0{os.getuid()}\0{folder.resolve()}\0"
    # without defaults: a later version, which knows more fields, reads the same signature
    text = file.model_copy(update={"signature": None}).model_dump_json(exclude_defaults=True)
    return hmac.new(key, place.encode("utf-8", "surrogateescape") + text.encode() + digest, "sha256").hexdigest()


def code(folder: Path) -> bytes:
    """Return a digest of what each trial of a record loads: the probe, and the scripts that replace `python`."""
    digest = hashlib.sha256()
    for name in (PROBE, SHIMS):
        files = [words for words in _files(folder, (name,)) if not words[-1].endswith(".pyc")]
        for words in sorted(files):
            digest.update(f"{'/'.join(words)}\0".encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256(_content(folder.joinpath(*words))).digest())
    return digest.digest()


def _files(folder: Path, below: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield each file in `below` and its folders, as the parts of its path in `folder`. Links are not followed."""
    try:
        entries = list(os.scandir(folder.joinpath(*below)))
    except OSError:
        return
    for entry in entries:
        words = (*below, entry.name)
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder, words)
        else:
            yield words


def _content(path: Path) -> bytes:
    try:
        return record_files.read(path)
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)  # a link or worse: no signature fits


def _machine() -> str:
    try:
        return _MACHINE.read_text().strip() or os.uname().nodename
    except OSError:
        return os.uname().nodename


def _key() -> bytes | None:
    """Return the user's key. It is made when it is first needed; None if there is no place to keep it."""
    path = places.home() / KEY
    try:
        return _read(path) or _new_key(path)
    except OSError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        key = record_files.read(path)
    except FileNotFoundError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _new_key(path: Path) -> bytes | None:
    """Make the key, and read the key that is there afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:  # a different process made a key at the same time: both use the one that was there first
        pass
    finally:
        draft.unlink()
    return _read(path)
