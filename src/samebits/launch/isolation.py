"""What `--isolate` gives each trial beside its working folder: a HOME, caches and a temporary folder of its own.

No trial sees what a different one writes there. What was there before can be read: configuration is copied,
tools, data sets and downloaded models are linked. The folders are no part of the record, which people hand on: they
hold copies of configuration, and are removed with the trial. `/dev/shm` stays shared: what travels through it is named
as a leak.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from samebits.launch.caches import CACHE_VARIABLES, Caches

MOST_COPIED = 1 << 20  # bytes of a file of HOME that is copied; a larger one is linked
MOST_ENTRIES = 5_000


class Isolation(NamedTuple):
    """The folders of one trial, below `root`."""

    root: Path

    @property
    def home(self) -> Path:
        """HOME, with the caches that lie there by default."""
        return self.root / "home"

    @property
    def caches(self) -> Path:
        """Caches for which the user's environment names folders."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """The temporary folder. Its path is short: a socket's name has at most 108 bytes."""
        return self.root / "tmp"

    @property
    def names(self) -> dict[Path, str]:
        """Names of these folders that are the same in every trial."""
        return {self.home: "~", self.caches: "{cache}", self.temporary: "{tmp}"}

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables by which programs find them. Values are of equal length in every trial."""
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / ".cache")}
        own |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(self.temporary))
        named = [name for name in CACHE_VARIABLES if environment.get(name)]
        return own | {name: str(self.caches / name) for name in named}

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.root, ignore_errors=True)


def make(record: Path, environment: Mapping[str, str]) -> Isolation:
    """Make the folders of a trial, with all that was there before to be read."""
    found = Isolation(Path(tempfile.mkdtemp(prefix="samebits-")))
    found.temporary.mkdir()
    found.caches.mkdir()
    mirror = _Mirror(record)
    mirror.home(Path(environment.get("HOME") or Path.home()), found.home)
    for name in CACHE_VARIABLES:
        if environment.get(name):
            mirror.tree(Path(environment[name]), found.caches / name, copies=False)
    return found


class _Mirror:
    """Folders made anew with links to, or copies of, the files of others; beyond MOST_ENTRIES a folder is a link."""

    def __init__(self, record: Path) -> None:
        self._record, self._left, self._caches = record, MOST_ENTRIES, Caches()

    def home(self, source: Path, target: Path) -> None:
        """HOME: tools and what lies deep in projects are links; configuration and what programs keep are made anew."""
        target.mkdir()
        for entry in _entries(source):
            path, place = Path(entry.path), target / entry.name
            if self._record.is_relative_to(path) and path.name == ".samebits":
                continue
            if not entry.is_dir(follow_symlinks=False):
                _put(path, place, copies=True)
            elif path in self._caches.roots:
                self._cache(path, place)
            elif self._caches.is_cache(str(path)) or not entry.name.startswith("."):
                _shallow(path, place) if not self._caches.is_cache(str(path)) else place.symlink_to(path)
            else:
                self.tree(path, place, copies=True)

    def _cache(self, source: Path, target: Path) -> None:
        target.mkdir()
        for entry in _entries(source):
            path, place = Path(entry.path), target / entry.name
            if entry.is_dir(follow_symlinks=False):
                self.tree(path, place, copies=not self._caches.is_cache(str(path)))
            else:
                _put(path, place, copies=True)

    def tree(self, source: Path, target: Path, *, copies: bool) -> None:
        """A folder made anew, with all that is in it."""
        if not source.is_dir():
            return
        waiting = [(source, target)]
        while waiting:
            folder, place = waiting.pop()
            entries = _entries(folder)
            self._left -= len(entries)
            if self._left < 0:
                place.symlink_to(folder)
                continue
            place.mkdir()
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), place / entry.name))
                else:
                    _put(Path(entry.path), place / entry.name, copies=copies)


def _shallow(source: Path, target: Path) -> None:
    """A folder of a project: what a trial puts into it stays apart, what lies deeper is linked."""
    target.mkdir()
    for entry in _entries(source):
        (target / entry.name).symlink_to(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []


def _put(source: Path, place: Path, *, copies: bool) -> None:
    try:
        if copies and not source.is_symlink() and source.is_file() and source.stat().st_size <= MOST_COPIED:
            shutil.copy2(source, place)
            return
    except OSError:  # not ours to read: the trial finds that out by itself
        place.unlink(missing_ok=True)
    place.symlink_to(source)
