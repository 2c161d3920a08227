"""Keeps copies of the files in the working folder from before the first trial, within limits.

One file holds the copies of all small files: to make and remove a file for each copy takes ten times as long.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from samebits.launch import folders
from samebits.launch.folders import State
from samebits.launch.moves import move

__all__ = ["Originals"]

MOST_BYTES = 256 << 20  # of all copies
MOST_FILES = 10_000
_LARGE = 1 << 20  # a file with more bytes has a copy of its own
_FICLONE = 0x40049409  # shares blocks (btrfs, XFS): https://man7.org/linux/man-pages/man2/FICLONE.2const.html


class _PackedFile(NamedTuple):
    """A file in the pack: its permissions, owner, time and size, the target of a link, and where its bytes begin."""

    name: str
    mode: int
    owner: tuple[int, int]
    modified: int
    size: int
    link: str
    at: int = 0


class Originals:
    """Copies of the user's files below `place`. `states`: each file as samebits last found it or put it back.

    Names are relative to the working folder. A file with several hard links is left out: a restored
    file would have only one.
    """

    def __init__(self, directory: Path, place: Path) -> None:
        self._directory, self._place, self._pack = directory, place, place.with_suffix(".pack")
        self.states: dict[str, State] = {}
        self._sizes: dict[str, int] = {}
        self._kept: dict[str, _PackedFile] = {}

    def keep(self, entries: Mapping[Path, State], without: Collection[str]) -> None:
        """Copy what is new or has changed, small files first. `without`: files that a trial has changed."""
        above = len(str(self._directory)) + 1
        names = {str(path)[above:]: state for path, state in entries.items()}
        known, left_out = self.states, set(without)
        new = [name for name, state in names.items() if known.get(name) != state and name not in left_out]
        for name in [*(known.keys() - names.keys() - left_out), *new]:
            self._forget(name)
        left = MOST_BYTES - sum(self._sizes.values())
        with self._pack.open("ab") as pack:
            for name in islice(sorted(new, key=lambda name: names[name].size), max(0, MOST_FILES - len(self.states))):
                left -= names[name].size
                if left < 0:
                    return
                if self._add(name, names[name], pack):
                    self.states[name], self._sizes[name] = names[name], names[name].size

    def _forget(self, name: str) -> None:
        for known in (self.states, self._sizes, self._kept):
            known.pop(name, None)

    def _add(self, name: str, state: State, pack: IO[bytes]) -> bool:
        """Return whether there is a copy of a file or symbolic link now."""
        path = self._directory / name
        try:
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and found.st_size > _LARGE:
                return found.st_nlink == 1 and _copy(path, self._place / name)
            link = os.fsdecode(path.readlink()) if stat.S_ISLNK(found.st_mode) else ""
            if not link and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
                return False
            data = b"" if link else path.read_bytes()
        except OSError:
            return False
        owner = (found.st_uid, found.st_gid)
        kept = _PackedFile(name, stat.S_IMODE(found.st_mode), owner, found.st_mtime_ns, len(data), link)
        pack.write(json.dumps(kept).encode() + b"\n")
        self._kept[name] = kept._replace(at=pack.tell())
        pack.write(data)
        return True

    def adopt(self, name: str, copy: Path) -> None:
        """Take over a copy that an earlier command has kept."""
        if _copy(copy, self._place / name):
            self.states[name] = State(0, 0, 0)

    def has(self, name: str) -> bool:
        """Return whether there is a copy of a file."""
        return name in self.states

    def copy_to(self, name: str, target: Path) -> bool:
        """Copy a kept file to a different place."""
        kept = self._kept.get(name)
        if kept is None:
            return _copy(self._place / name, target)
        with self._pack.open("rb") as pack:
            return _unpack(kept, pack, target)

    def unpack_changed(self) -> None:
        """Keep copies only of files that are changed or gone in the working folder, each copy in its own file."""
        for kept in self._of_pack():
            target = self._place / kept.name
            with self._pack.open("rb") as pack:
                if self._differs(kept.name, kept.size, kept.modified):
                    _unpack(kept, pack, target)
                else:
                    target.unlink(missing_ok=True)  # an earlier state of the file
        for folder, _, names in os.walk(self._place):
            for copy in (Path(folder, name) for name in names):
                found = copy.lstat()
                if not self._differs(str(copy.relative_to(self._place)), found.st_size, found.st_mtime_ns):
                    copy.unlink()

    def _differs(self, name: str, size: int, modified: int) -> bool:
        own = folders.own_state(self._directory / name)
        return own is None or (stat.S_ISREG((self._directory / name).lstat().st_mode) and own[1:] != (size, modified))

    def _of_pack(self) -> Iterator[_PackedFile]:
        """Yield what is in the pack. A kill may have cut it short."""
        with suppress(OSError, ValueError, TypeError), self._pack.open("rb") as pack:
            while line := pack.readline():
                kept = _PackedFile(*json.loads(line))._replace(at=pack.tell())
                yield kept
                pack.seek(kept.at + kept.size)

    # each step is one system call, loses nothing, and may be done again ----------------------------

    def restore(self, name: str) -> None:
        """Put back a file that is gone."""
        if self.has(name) and not os.path.lexists(self._directory / name):
            with suppress(OSError):
                (self._directory / name).parent.mkdir(parents=True, exist_ok=True)
                self._put(name)

    def replace(self, name: str, aside: Path) -> None:
        """Set the file of a trial aside, and put back the original."""
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:  # first, the trial's file gets a second name, so that it always has a name
            os.link(self._directory / name, aside, follow_symlinks=False)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            move(self._directory / name, aside)
        self._put(name)

    def _put(self, name: str) -> None:
        draft = self._place.with_suffix(".draft")
        if self.copy_to(name, draft):
            draft.replace(self._directory / name)
            state = folders.own_state(self._directory / name)
            if state is not None:
                self.states[name] = state

    def take_place(self, name: str, source: Path) -> None:
        """Put the file of a trial in the place of the original, if samebits put that original there."""
        target, mine = self._directory / name, folders.own_state(source)
        if mine is None:
            return
        if folders.own_state(target) == mine:  # samebits was killed before it put the original back
            source.unlink()
        elif folders.own_state(target) == self.states.get(name):
            source.replace(target)

    def remove(self, name: str) -> None:
        """Remove a file that a trial had removed, if it has not changed since samebits put it back."""
        target = self._directory / name
        if self.has(name) and folders.own_state(target) == self.states[name]:
            target.unlink()


def _copy(source: Path, target: Path) -> bool:
    """Copy a file or a symbolic link with its time and permissions; return False for what cannot be copied."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_file():
            _clone(source, target) or shutil.copyfile(source, target)
        else:
            return False
        shutil.copystat(source, target, follow_symlinks=False)
        with suppress(OSError):  # only the superuser may give files to others
            found = source.lstat()
            os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    except OSError:
        return False
    return True


def _clone(source: Path, target: Path) -> bool:
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new, _FICLONE, old.fileno())
        except OSError:
            return False
    return True


def _unpack(kept: _PackedFile, pack: IO[bytes], target: Path) -> bool:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if kept.link:
            target.symlink_to(kept.link)
        else:
            pack.seek(kept.at)
            target.write_bytes(pack.read(kept.size))
            target.chmod(kept.mode)
        with suppress(OSError):
            os.chown(target, *kept.owner, follow_symlinks=False)
        os.utime(target, ns=(kept.modified, kept.modified), follow_symlinks=False)
    except OSError:
        return False
    return True
