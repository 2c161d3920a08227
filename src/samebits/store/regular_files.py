"""Regular files of a record: links are not followed, and pipes and devices are not opened.

A record may come from a different machine. A link in it could lead to any file of the user, and a pipe would block the
reader without end.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class NotRegular(OSError):
    """The name belongs to a link, a pipe, a device or a folder."""


def opened(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises NotRegular for everything else, OSError where it cannot be read."""
    try:
        handle = os.open(path, _READ)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise NotRegular(error.errno, _kind(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NotRegular(errno.EINVAL, _kind(path))
    return os.fdopen(handle, "rb")


def read(path: Path) -> bytes:
    """The bytes of a regular file. Raises what `opened` raises."""
    with opened(path) as file:
        return file.read()


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or what was there before; nothing is written through a link."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, _WRITE, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def is_file(path: Path) -> bool:
    """Whether the name belongs to a regular file, links not followed."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether the name belongs to a folder, links not followed."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except (OSError, ValueError):
        return 0


def _kind(path: Path) -> str:
    mode = _mode(path)
    kinds = ((stat.S_ISLNK, "link"), (stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"))
    kind = next((name for test, name in kinds if test(mode)), "special file")
    return f"it is a {kind}, not a regular file"


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns matches a path: as a whole, or a folder above it."""
    return any(_compiled(pattern).match(path) for pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression. `lightning_logs` and `lightning_logs/` name all that is in the folder."""
    pattern = pattern.removeprefix("./").rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", pattern)
    return re.compile("".join(map(_translated, parts)) + r"(?:/.*)?\Z", re.DOTALL)


def _translated(part: str) -> str:
    known = {"**/": r"(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in known:
        return known[part]
    if part.startswith("[") and part.endswith("]") and len(part) > 2:
        inner = part[1:-1].replace("\\", r"\\")
        return f"[{'^' + inner[1:] if inner.startswith('!') else inner}]"
    return re.escape(part)
