"""Where programs keep things outside of their working folder: HOME, caches, shared memory, temporary folders."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from samebits.launch import folders
from samebits.launch.caches import Caches

MOST_ENTRIES, MOST_IN_FOLDER, DEEPEST = 4_000, 1_000, 4  # of each place: a look should take a moment
SHARED_MEMORY = "/dev/shm"  # noqa: S108

Stamp = tuple[int, int, int]  # of a file: another one means that it was written


class View(NamedTuple):
    """What is there at one moment. Plain text: thousands of paths are compared, and few have changed."""

    files: dict[str, Stamp]
    folders: frozenset[str]

    def changed_since(self, before: View) -> list[Path]:
        """Files that are new or were written."""
        return [Path(name) for name, stamp in self.files.items() if before.files.get(name) != stamp]

    def made_since(self, before: View) -> list[Path]:
        """Files and folders that were not there before."""
        files = (name for name in self.files if name not in before.files)
        return [*map(Path, files), *map(Path, self.folders - before.folders)]


class Surroundings:
    """Looks at these places. Working folder and record are looked at by others."""

    def __init__(self, directory: Path, record: Path, caches: Caches) -> None:
        self._caches, self._apart = caches, {str(directory), str(record)}
        self._deep = [SHARED_MEMORY, *map(str, caches.roots), os.environ.get("TMPDIR") or "/tmp"]  # noqa: S108
        self._home = os.environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111

    def look(self) -> View:
        """The files and folders that are there."""
        files: dict[str, Stamp] = {}
        found: set[str] = set()
        for place in self._deep:
            self._walk(place, files, found)
        self._walk(self._home, files, found, is_home=True)
        return View(files, frozenset(found))

    def _walk(self, place: str, files: dict[str, Stamp], found: set[str], *, is_home: bool = False) -> None:
        """Breadth first, so that a large folder hides nothing that lies above it."""
        waiting, left = deque([(place, 0)]), MOST_ENTRIES
        while waiting and left > 0:
            folder, depth = waiting.popleft()
            entries = _entries(folder)
            left -= min(len(entries), MOST_IN_FOLDER)
            for entry in entries if len(entries) <= MOST_IN_FOLDER else []:
                if not entry.is_dir(follow_symlinks=False):
                    files.update(_stamp(entry))
                elif self._is_looked_into(entry):
                    found.add(entry.path)
                    # what has no hidden name at the top of HOME are the user's projects
                    is_project = is_home and depth == 0 and not entry.name.startswith(".")
                    waiting.extend([] if depth >= DEEPEST or is_project else [(entry.path, depth + 1)])

    def _is_looked_into(self, entry: os.DirEntry[str]) -> bool:
        is_apart = entry.path in self._apart or entry.name in folders.LEFT_OUT
        return not is_apart and not self._caches.is_cache(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _stamp(entry: os.DirEntry[str]) -> Iterator[tuple[str, Stamp]]:
    try:
        found = entry.stat()
    except OSError:
        return
    if entry.is_file():
        yield entry.path, (found.st_ino, found.st_size, found.st_mtime_ns)
