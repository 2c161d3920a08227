"""Finds files outside of the working folder that one trial left and a later one read or could find.

All programs may write there, so these files stay where they are. The probe reports what each Python process reads and
writes. In shared memory, in the caches of HOME and in folders that the command names, samebits also looks for files
that changed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

import xxhash

from samebits.launch.capacity.resources import SHARED_MEMORY, is_drawn
from samebits.launch.files import folders
from samebits.launch.files.outside_files import Caches
from samebits.launch.processes.facts import ProcessFiles
from samebits.model import Leak
from samebits.store.record_files import digest_of

MOST_LEAKS = 2_000
MOST_LOOKED_AT = 5_000  # files and folders of each place
MOST_BYTES = 1 << 26  # a larger file is compared by its size and time


class Began(NamedTuple):
    """A trial that started, or goes on. `left`: files that other trials had left then. `alone`: no other trial runs."""

    trial: int
    at: float
    left: Mapping[Path, Leak]
    alone: bool


class Outside:
    """Knows the files that the trials of a check have left so far, and that stay there for later trials.

    `command`: the words of the command, which may name folders. `on_node`: a different machine sets aside what trials
    leave in the working folder.
    """

    def __init__(self, directory: Path, record: Path, command: Sequence[str] = (), *, on_node: bool = False) -> None:
        self._directory, self._record, self.on_node = directory, record, on_node
        self._caches = Caches()
        self._places = [Path(SHARED_MEMORY), *self._caches.roots, *_named_folders(command, directory)]
        self._written: dict[Path, int] = {}
        self._spans: list[tuple[float, int]] = []  # when trials began, in order (epoch)

    def wrote(self, trial: int, paths: Iterable[Path]) -> None:
        """Trial `trial` has written these."""
        self._written.update(dict.fromkeys(filter(self.counts, paths), trial))

    def by_trial(self) -> dict[int, list[Path]]:
        """Return what the trials have written so far."""
        return {trial: [path for path, by in self._written.items() if by == trial] for trial in self._written.values()}

    def counts(self, path: Path) -> bool:
        """Return whether a file can carry state from one trial to the next."""
        return not path.is_relative_to(self._record) and not self._caches.holds(path)

    def changed(self, since: float) -> Iterator[Path]:
        """Yield this user's files that changed since a moment (epoch), where programs leave files.

        These places are shared memory, the caches of HOME, and folders that the command names. Every program can write
        there, for example C code of the trial. No program can set the time of a change. samebits looks only one folder
        deeper than a place, because programs such as browsers always write deep in caches.
        """
        for place in self._places:
            top = _entries(place)
            below = islice(chain(top, chain.from_iterable(map(_entries, top))), MOST_LOOKED_AT)
            yield from (path for path in below if _has_changed(path, since) and self.counts(path))

    def begin(self, trial: int, *, alone: bool) -> Began:
        """Note what other trials left."""
        others = {path: by for path, by in self._written.items() if by != trial and folders.is_file(path)}
        now = time.time()
        self._spans.append((now, trial))
        left = {path: self._leak(path, by, content_of(path), "there") for path, by in others.items()}
        return Began(trial, now, left, alone)

    def end(self, began: Began, touched: Sequence[ProcessFiles], written: Iterable[Path]) -> list[Leak]:
        """Note that a trial is over. Return the files of other trials that it read, and those that it could find.

        `touched`: what the probe saw of each of its processes. `written`: files that stay where they are, and that the
        trial wrote or that changed while it ran.
        """
        written, read = set(written), read_first(touched)
        own = set().union(*(process.wrote for process in touched))
        rest = began.left.keys() - read - own - written
        leaks = {path: leak for path, leak in began.left.items() if path in rest}
        leaks |= {path: leak.model_copy(update={"how": "read"}) for path, leak in began.left.items() if path in read}
        late = self._read_late(began, read - own - began.left.keys())
        leaks |= {path: self._leak(path, by, content_of(path), "read") for path, by in late}
        if not began.alone:  # then a trial beside it may have written the file that it read
            by = next((trial for _, trial in reversed(self._spans) if trial != began.trial), began.trial)
            beside = {path for path in read & written if path not in own or path in self._written}
            leaks |= {path: self._leak(path, by, None, "read") for path in beside - began.left.keys()}
        self.wrote(began.trial, written)
        return [leaks[path] for path in sorted(leaks)[:MOST_LEAKS]]

    def _read_late(self, began: Began, read: Iterable[Path]) -> Iterable[tuple[Path, int]]:
        """Yield the files that changed after the first trial began and before this one did, whoever wrote them."""
        first = self._spans[0][0]
        for path in read:
            try:
                changed = path.stat().st_ctime  # no program can set this time
            except OSError:
                continue
            if first < changed < began.at and self.counts(path):
                by = [trial for at, trial in self._spans if at <= changed][-1]
                if by != began.trial:
                    yield path, by

    def _leak(self, path: Path, by: int, content: str | None, how: Literal["read", "there"]) -> Leak:
        return Leak(path=shown(path, self._directory), written_by=by, content=content, how=how)


def _has_changed(path: Path, since: float) -> bool:
    """Return whether a file of this user changed since a moment (epoch). Random names never count."""
    try:
        status = path.lstat()
    except OSError:
        return False
    is_own = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    return is_own and status.st_ctime >= since and not is_drawn(path.name)


def _named_folders(command: Sequence[str], directory: Path) -> Iterator[Path]:
    """Yield the paths outside of the working folder that the words of a command name: `--out=/data/runs`."""
    for word in command:
        value = os.path.expanduser(word.rpartition("=")[2])  # noqa: PTH111  (`Path.expanduser` may raise an error)
        path = Path(os.path.normpath(directory / value))
        if not path.is_relative_to(directory) and not directory.is_relative_to(path):
            yield path


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if it is not a folder, is gone, or may not be read."""
    try:
        return [folder / name for name in os.listdir(folder)]  # noqa: PTH208
    except OSError:
        return []


def read_first(touched: Sequence[ProcessFiles]) -> set[Path]:
    """Return the files that a process opened before any process of the trial wrote them."""
    return {
        path
        for reader in touched
        for path, at in reader.opened.items()
        if not any(other.wrote[path] < at for other in touched if other is not reader and path in other.wrote)
    }


def shown(path: Path, directory: Path) -> str:
    """Return the path as users know it: relative if it lies below the working folder."""
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)


def content_of(path: Path) -> str:
    """Return 32 hex digits over a file's bytes; over its size and time if it is very large or cannot be read."""
    state = folders.state(path)
    try:
        if state is None or state.size > MOST_BYTES:
            raise OSError
        with path.open("rb") as file:
            return digest_of(file)
    except OSError:
        return xxhash.xxh3_128(repr(state and state[1:]).encode()).hexdigest()
