"""Reads numbers that the kernel gives in files: of a process, of the machine, of a control group."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["group_words", "kibibytes"]


def kibibytes(path: Path, name: str) -> int | None:
    """The bytes in the line `NAME: 12 kB` of a file in /proc; None if there is no such file or line."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB".encode(), path.read_bytes(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def group_words(root: Path, *names: str) -> list[str] | None:
    """The words in files of the control group of this process; None if one is not there.

    https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    try:
        return [word for name in names for word in (root / "sys/fs/cgroup" / name).read_text().split()]
    except OSError:
        return None
