"""Reads numbers that the kernel gives in files: of a process, of the machine, of a control group."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["group_words", "kibibytes"]


def kibibytes(path: Path, name: str) -> int | None:
    """Return how many bytes a line such as `NAME: 12 kB` of a file in /proc means.

    The result is None if there is no such file or line.
    """
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB".encode(), path.read_bytes(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def group_words(root: Path, *names: str) -> list[str] | None:
    """Return the words in files of this process's control group; None for a file that does not exist.

    https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    try:
        return [word for name in names for word in (root / "sys/fs/cgroup" / name).read_text().split()]
    except OSError:
        return None
