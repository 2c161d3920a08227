"""Keeps copies of the files in the working folder as they were before the first trial, within limits."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from samebits.launch import folders
from samebits.launch.folders import State
from samebits.launch.moves import move

__all__ = ["Originals"]

MOST_BYTES = 256 << 20  # of all copies
MOST_FILES = 10_000
_FICLONE = (
    0x40049409  # shares the blocks of a file (btrfs, XFS): https://man7.org/linux/man-pages/man2/FICLONE.2const.html
)
_DRAFT = ".draft"


class Originals:
    """Copies of the user's files in `place`. `states`: each file as samebits last found it or put it back.

    Names are relative to the working folder. A file with several hard links is left out: what takes its place would
    have only one.
    """

    def __init__(self, directory: Path, place: Path) -> None:
        self._directory, self._place = directory, place
        self.states: dict[str, State] = {}
        self._sizes: dict[str, int] = {}

    def keep(self, entries: Mapping[Path, State], without: Collection[str]) -> None:
        """Copy what is new or has changed, small files first. `without`: files that a trial has changed."""
        names = {os.path.relpath(path, self._directory): state for path, state in entries.items()}
        for name in self.states.keys() - names.keys() - set(without):
            self._forget(name)
        new = [name for name, state in names.items() if self.states.get(name) != state and name not in without]
        for name in new:
            self._forget(name)
        left = MOST_BYTES - sum(self._sizes.values())
        for name in islice(sorted(new, key=lambda name: names[name].size), max(0, MOST_FILES - len(self.states))):
            left -= names[name].size
            if left < 0:
                return
            if _copy(self._directory / name, self._kept(name)):
                self.states[name], self._sizes[name] = names[name], names[name].size

    def _forget(self, name: str) -> None:
        self.states.pop(name, None)
        self._sizes.pop(name, None)

    def adopt(self, name: str, copy: Path) -> None:
        """Take a copy that an earlier command has kept."""
        if _copy(copy, self._kept(name)):
            self.states[name] = State(0, 0, 0)

    def has(self, name: str) -> bool:
        """Return whether there is a copy of a file."""
        return name in self.states

    def _kept(self, name: str) -> Path:
        return self._place / name

    def copy_to(self, name: str, target: Path) -> None:
        """Copy a kept file to a different place."""
        _copy(self._kept(name), target)

    def remove_unchanged(self) -> None:
        """Remove the copies of files that are in the working folder as they were."""
        for folder, _, names in os.walk(self._place):
            for kept in (Path(folder, name) for name in names):
                own = folders.own_state(self._directory / kept.relative_to(self._place))
                if own is not None and own[1:] == (folders.own_state(kept) or own)[1:]:
                    kept.unlink()

    # each of these is one system call after which nothing is lost, and may be done again ----------------------------

    def restore(self, name: str) -> None:
        """Put back a file that is gone."""
        if self.has(name) and not os.path.lexists(self._directory / name):
            (self._directory / name).parent.mkdir(parents=True, exist_ok=True)
            self._put(name)

    def replace(self, name: str, aside: Path) -> None:
        """Set the file of a trial aside, and put back the file as it was before."""
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:  # first a second name for the trial's file, so that the file has a name at every moment
            os.link(self._directory / name, aside, follow_symlinks=False)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            move(self._directory / name, aside)
        self._put(name)

    def _put(self, name: str) -> None:
        draft = self._place.with_name(self._place.name + _DRAFT)
        if _copy(self._kept(name), draft):
            draft.replace(self._directory / name)
            state = folders.own_state(self._directory / name)
            if state is not None:
                self.states[name] = state

    def take_place(self, name: str, source: Path) -> None:
        """Put the file of a trial in the place of the original, if that is what samebits put there."""
        target, mine = self._directory / name, folders.own_state(source)
        if mine is None:
            return
        if folders.own_state(target) == mine:  # samebits was killed before it put the original back
            source.unlink()
        elif folders.own_state(target) == self.states.get(name):
            source.replace(target)

    def remove(self, name: str) -> None:
        """Remove a file that a trial had removed, if it is as samebits put it back."""
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
        elif source.is_file() and source.lstat().st_nlink == 1:
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
