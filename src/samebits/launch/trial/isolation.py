"""Gives each trial of `--isolate` a working folder, HOME, caches and a temporary folder of its own.

No trial sees what a different trial writes there. Each can read what was there before: small files are copied, and
large files and deep folders are linked. What a trial writes into such a link goes into the user's own file or
folder. `/dev/shm` stays shared. samebits reports what travels through these places as a leak. HOME holds configuration,
which users may not want to pass on with a record. So it is not part of the record, and samebits removes it with the
trial.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from samebits.launch.files import folders
from samebits.launch.files.outside_files import CACHE_VARIABLES

MOST_ENTRIES = 20_000  # of a mirrored folder; if there are more, further folders in it are linked
MOST_COPIED = 16 << 20  # bytes of a file in the working folder; larger files are linked
_MOST_CONFIGURED = 1 << 20  # bytes of a file in HOME or in a cache; larger files are linked
_SECRET = (".ssh", ".gnupg", ".aws", ".kube", ".docker")  # in HOME; samebits makes no copy of them


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
        """The temporary folder. Its path is short, because a socket's name has at most 108 bytes."""
        return self.root / "tmp"

    @property
    def names(self) -> dict[Path, str]:
        """Names of these folders that are the same in every trial."""
        return {self.home: "~", self.caches: "{cache}", self.temporary: "{tmp}"}

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables by which programs find them. Values have the same length in every trial."""
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / ".cache")}
        own |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(self.temporary))
        names = [name for name in CACHE_VARIABLES if environment.get(name)]
        return own | {name: str(self.caches / name) for name in names}

    def remove(self) -> None:
        """Remove all of it."""
        folders.discard(self.root)


def make(record: Path, environment: Mapping[str, str]) -> Isolation:
    """Make the folders of a trial, in which it can read everything that was there before."""
    isolation = Isolation(Path(tempfile.mkdtemp(prefix="samebits-")))
    isolation.temporary.mkdir()
    isolation.caches.mkdir()
    caches = {isolation.caches / name: Path(environment[name]) for name in CACHE_VARIABLES if environment.get(name)}
    for target, source in {isolation.home: Path(environment.get("HOME") or Path.home()), **caches}.items():
        if folders.is_folder(source):
            _mirror(source, target, partial(_is_linked, source), _MOST_CONFIGURED, record)
    isolation.home.mkdir(exist_ok=True)
    return isolation


def _is_linked(top: Path, entry: os.DirEntry[str]) -> bool:
    """Return whether an entry of HOME is linked: the content of projects, secrets, and deep folders of tools."""
    parts = Path(entry.path).relative_to(top).parts
    if not parts[0].startswith("."):
        return len(parts) > 1
    return parts[0] in _SECRET or (len(parts) > 2 and entry.is_dir(follow_symlinks=False))


def make_working_folder(source: Path, target: Path, *, without: Path) -> bool:
    """Mirror a folder, without records of samebits. Return False if it has too many entries.

    Then folders in it are linked, and what the trial writes there goes into the user's folder. The same is true of
    virtual environments and of folders of tools.
    """
    return _mirror(source, target, _is_left_out, MOST_COPIED, without)


def _is_left_out(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and folders.is_left_out(entry.path)


def _mirror(
    source: Path, target: Path, is_linked: Callable[[os.DirEntry[str]], bool], most_copied: int, without: Path
) -> bool:
    """Copy folders and the small files in them. Return False if there are too many entries.

    Links stand for large files, for folders that may not be read, for entries that `is_linked` names, and for folders
    beyond MOST_ENTRIES. Records are left out: they hold copies from earlier trials, which would be copied again.
    """
    waiting, count, is_whole = deque([(source, target)]), 0, True
    while waiting:
        folder, place = waiting.popleft()
        entries = _entries(folder, without)
        if count + len(entries) > MOST_ENTRIES and folder != source:
            is_whole = False
            place.symlink_to(folder)
            continue
        count += len(entries)
        place.mkdir()
        for entry in entries:
            inner, is_folder = place / entry.name, entry.is_dir(follow_symlinks=False)
            if is_linked(entry) or (is_folder and not os.access(entry.path, os.R_OK | os.X_OK)):
                inner.symlink_to(entry.path)
            elif is_folder:
                waiting.append((Path(entry.path), inner))
            elif not _copied(entry, inner, most_copied):
                inner.symlink_to(entry.path)
    return is_whole


def _entries(folder: Path, without: Path) -> list[os.DirEntry[str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # it is gone, or may not be read
        return []
    return [entry for entry in entries if not _is_of_samebits(entry, without)]


def _is_of_samebits(entry: os.DirEntry[str], without: Path) -> bool:
    path = Path(entry.path)
    is_known = entry.name in (".samebits", "__pycache__") or path == without
    return is_known or (entry.is_dir(follow_symlinks=False) and folders.is_record(path))


def _copied(entry: os.DirEntry[str], place: Path, most: int) -> bool:
    """Copy a file. Return False if it is large, is not a file, or may not be read."""
    with suppress(OSError):
        if entry.is_file(follow_symlinks=False) and entry.stat().st_size <= most:
            shutil.copy2(entry.path, place)
            return True
    place.unlink(missing_ok=True)
    return False
