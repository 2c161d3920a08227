"""Keeps copies of the files in the working folder from before the first trial, within limits.

One file holds all copies: to make and remove a file for each copy takes ten times as long.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from samebits.launch.files import folders
from samebits.launch.files.folders import State
from samebits.launch.files.moves import move

MOST_BYTES = 256 << 20  # of all copies
MOST_FILES = 10_000
_BLOCK = 1 << 20


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
    """Copies of the user's files, in a file beside `place`. `states`: each as samebits last found it or put it back.

    Names are relative to the working folder. A file with several hard links is left out: a restored file would have
    only one. `place`: where the copies that are needed go after a kill.
    """

    def __init__(self, directory: Path, place: Path) -> None:
        self._directory, self._place, self._pack = directory, place, place.with_suffix(".pack")
        self.states: dict[str, State] = {}
        self._kept: dict[str, _PackedFile] = {}

    def keep(self, entries: Mapping[Path, State], without: Collection[str]) -> None:
        """Copy what is new or has changed, small files first. `without`: files that a trial has changed."""
        above = len(str(self._directory)) + 1
        names = {str(path)[above:]: state for path, state in entries.items()}
        states, left_out = self.states, set(without)
        new = [name for name, state in names.items() if states.get(name) != state and name not in left_out]
        for name in [*(states.keys() - names.keys() - left_out), *new]:
            self.states.pop(name, None)
            self._kept.pop(name, None)
        with self._pack.open("ab") as pack:
            left = MOST_BYTES - pack.tell()  # copies of earlier states of a file are still there
            for name in islice(sorted(new, key=lambda name: names[name].size), max(0, MOST_FILES - len(self.states))):
                left -= names[name].size
                if left < 0:
                    return
                if self._add(name, self._directory / name, pack):
                    self.states[name] = names[name]

    def _add(self, name: str, path: Path, pack: IO[bytes]) -> bool:
        """Return whether there is a copy of a file or symbolic link now."""
        try:
            status = path.lstat()
            link = os.fsdecode(path.readlink()) if stat.S_ISLNK(status.st_mode) else ""
            if not link and (not stat.S_ISREG(status.st_mode) or status.st_nlink > 1):
                return False
            source = (Path(os.devnull) if link else path).open("rb")
        except OSError:
            return False
        size, owner = 0 if link else status.st_size, (status.st_uid, status.st_gid)
        packed = _PackedFile(name, stat.S_IMODE(status.st_mode), owner, status.st_mtime_ns, size, link)
        pack.write(json.dumps(packed).encode() + b"\n")
        self._kept[name] = packed = packed._replace(at=pack.tell())
        with suppress(OSError), source:
            while data := source.read(min(_BLOCK, packed.at + size - pack.tell())):
                pack.write(data)
        missing = packed.at + size - pack.tell()
        pack.write(bytes(missing))
        return missing == 0

    def adopt(self, name: str, copy: Path) -> None:
        """Take over a copy that an earlier command has kept."""
        with self._pack.open("ab") as pack:
            if self._add(name, copy, pack):
                self.states[name] = State(0, 0, 0)

    def has(self, name: str) -> bool:
        """Return whether there is a copy of a file."""
        return name in self.states

    def copy_to(self, name: str, target: Path) -> bool:
        """Copy a kept file to a different place."""
        packed = self._kept.get(name)
        if packed is None:
            return False
        with self._pack.open("rb") as pack:
            return _unpack(packed, pack, target)

    def recover(self, states: Mapping[str, State]) -> None:
        """Take over the pack of a samebits that was killed, which may have cut it short. `states`: what it put back."""
        self.states.update(states)
        with suppress(OSError, ValueError, TypeError), self._pack.open("rb") as pack:
            while line := pack.readline():
                packed = _PackedFile(*json.loads(line))._replace(at=pack.tell())
                self._kept[packed.name] = packed
                pack.seek(packed.at + packed.size)

    def unpack_changed(self) -> None:
        """Put copies of the files that are changed or gone in the working folder below `place`."""
        for name, packed in self._kept.items():
            path = self._directory / name
            own = folders.own_state(path)
            if own is None or (stat.S_ISREG(path.lstat().st_mode) and own[1:] != (packed.size, packed.modified)):
                self.copy_to(name, self._place / name)

    def clear(self) -> None:
        """Forget all copies."""
        self.states.clear()
        self._kept.clear()
        self._pack.unlink(missing_ok=True)

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


def _unpack(packed: _PackedFile, pack: IO[bytes], target: Path) -> bool:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if packed.link:
            target.symlink_to(packed.link)
        else:
            pack.seek(packed.at)
            target.write_bytes(pack.read(packed.size))
            target.chmod(packed.mode)
        with suppress(OSError):
            os.chown(target, *packed.owner, follow_symlinks=False)
        os.utime(target, ns=(packed.modified, packed.modified), follow_symlinks=False)
    except OSError:
        return False
    return True
