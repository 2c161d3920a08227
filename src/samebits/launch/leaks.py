"""Finds state that travels between trials: files that an earlier trial left, and that a later one read or looked for.

The folders of a trial before and after it, the places around them, and the probe show what the trial left. The kernel
(`opens`) shows what a trial read, in the order of reading, for programs in any language; without the kernel's answer,
the probe shows it. If a trial first writes a file and then reads it, the file is its own. So is a name that it makes
itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import xxhash

from samebits.launch import folders, opens
from samebits.launch.folders import Snapshot
from samebits.launch.isolation import Caches
from samebits.launch.supervisor import read_process
from samebits.launch.writes import Surroundings, View, Writes
from samebits.model import Leak
from samebits.store.record_files import digest_of
from samebits_probe.files import MOST_NAMES, table_of_names

MOST_BYTES = 1 << 30  # a larger file is known by its size and time: if these differ, its content counts as different
MOST_BYTES_AROUND = 1 << 26  # the same for a file outside of the working folder, which anyone may have written
MOST_WATCHED = 10_000
MOST_LEAKS = 200


class Leaks:
    """Knows what the trials of a check have written so far, and which later trials read it."""

    def __init__(self, directory: Path, record: Path) -> None:
        self._directory, self._record = directory, record
        self._caches = Caches()
        self._surroundings = Surroundings(directory, record, self._caches)
        self._around: View | None = None  # as they were when the latest trial ended
        self._written: dict[Path, int] = {}
        self._foreign: set[Path] = set()  # see Began
        self._named: dict[Path, int] = {}  # files and folders that were not there before
        self._running: set[int] = set()
        self._tells_who = False  # whether the kernel says which process reads a file
        self._known: dict[Path, tuple[folders.State, str]] = {}

    def wrote(self, trial: int, paths: Iterable[Path]) -> None:
        """Trial `trial` has written these."""
        counted = [path for path in paths if self.counts(path)]
        self._written.update(dict.fromkeys(counted, trial))
        self._foreign.difference_update(counted)

    def by_trial(self) -> dict[int, list[Path]]:
        """Return what the trials have written so far."""
        return {trial: [path for path, by in self._written.items() if by == trial] for trial in self._written.values()}

    def counts(self, path: Path) -> bool:
        """Return whether a file can carry state from one trial to the next."""
        return not path.is_relative_to(self._record) and not self._caches.holds(path)

    def begin(self, trial: int, here: Snapshot, *, alone: bool, goes_on: bool = False) -> Began:
        """Note what earlier trials left, and watch who reads it.

        `here`: the content of its working folder. `alone`: no other trial runs meanwhile. If trials run side by side,
        only the probe knows what each one reads, unless the kernel says which process reads. `goes_on`: the trial ran
        before and continues; what it left then is its own.
        """
        own = trial if goes_on else None
        behind = LeftBehind(
            {
                path: Left(by, self._content(path))
                for path, by in self._written.items()
                if by != own and folders.is_file(path)
            },
            {path: by for path, by in self._named.items() if by != own and folders.is_there(path)},
            frozenset(self._foreign),
        )
        self._running.add(trial)
        self._around = self._around or self._surroundings.look()
        began = Began(trial, behind, here, alone=alone)
        self._tells_who = began.tells_who
        return began

    @property
    def are_seen_beside(self) -> bool:
        """Whether samebits sees which one of two trials that run at the same time reads what earlier trials left."""
        return self._tells_who or not self._written

    def end(self, began: Began, touched: Sequence[ProcessFiles], written: Sequence[Path], here: Snapshot) -> list[Leak]:
        """Note that a trial is over.

        `touched`: what the probe saw of each of its processes. `written`, `here`: the files that it wrote, and the
        content of its working folder now. Later trials may read what it leaves.
        """
        self._running.discard(began.trial)
        before, self._around = self._around or View({}, frozenset()), self._surroundings.look()
        around = _not_open([*self._around.changed_since(before), *self._far(began, written)])
        changed = [*written, *around]
        made = {*_made(began.before, here), *self._around.made_since(before)}
        read = {**began.end(touched), **self._from_beside(began, touched, set(changed))}
        taken = _names_taken(began, touched, {*changed, *made}, set(read))
        found = [self._leak(path, left) for path, left in sorted(read.items())]
        found += [self._leak(path, Left(by, _digest(path.name)), how="name") for path, by in sorted(taken.items())]
        self.wrote(began.trial, [path.resolve() if folders.is_link(path) else path for path in changed])
        self._foreign.update(set(around).difference(written))
        self._named.update({path: began.trial for path in made if path not in self._named and self.counts(path)})
        self._foreign.update(made.difference(written, _made(began.before, here), *(one.made for one in touched)))
        return found[:MOST_LEAKS]

    def _far(self, began: Began, written: Sequence[Path]) -> list[Path]:
        """Return the files anywhere that were written by a process which may not belong to the trial."""
        near = {*written, *began.before.files}
        return [
            path for path in sorted(began.unclear) if path not in near and folders.is_file(path) and self.counts(path)
        ]

    def _leak(self, path: Path, left: Left, how: str = "read") -> Leak:
        return Leak.model_validate(
            {"path": shown(path, self._directory), "written_by": left.by, "content": left.content, "how": how}
        )

    def _from_beside(self, began: Began, touched: Sequence[ProcessFiles], changed: set[Path]) -> dict[Path, Left]:
        """Return the files that a different trial wrote while this one ran.

        Their content at the time of reading is not known.
        """
        if began.alone:
            return {}
        own = set().union(*(process.wrote for process in touched))
        by_others = {path: min(self._running, default=began.trial) for path in changed if path not in own}
        late = {path: by for path, by in self._written.items() if path in changed}
        return {
            path: Left({**by_others, **late}[path], None)
            for path in _read_first(touched)
            if self.counts(path) and path in by_others | late
        }

    def _content(self, path: Path) -> str:
        """Return the fingerprint of a file's content. It is kept until the file changes."""
        state = folders.state(path)
        if state is None:
            return ""
        if path not in self._known or self._known[path][0] != state:
            most = MOST_BYTES if path.is_relative_to(self._directory) else MOST_BYTES_AROUND
            self._known[path] = (state, content_of(path, state, most))
        return self._known[path][1]


class Left(NamedTuple):
    """A file that an earlier trial left: which one, and the fingerprint of its content (None: not known)."""

    by: int
    content: str | None


class LeftBehind(NamedTuple):
    """What earlier trials left: files, and names (with the trials that made them).

    `foreign`: files and names around the working folder that appeared while an earlier trial ran, although none of its
    processes was seen to make them. Any process of the machine may have made them.
    """

    files: Mapping[Path, Left]
    names: Mapping[Path, int]
    foreign: frozenset[Path]


class ProcessFiles(NamedTuple):
    """What the probe of one process saw, each with the time: files that the process read and had not written, and files
    that it wrote. Among the names that earlier trials left: folders that it listed, paths that it asked for or made.
    And folders that it removed with their content.
    """

    opened: Mapping[Path, float]
    wrote: Mapping[Path, float]
    listed: frozenset[Path] = frozenset()
    asked: frozenset[Path] = frozenset()
    made: frozenset[Path] = frozenset()
    removed: frozenset[Path] = frozenset()


class Began:
    """One trial, from before its start until it is over. `before`: its working folder as it was.

    `wrote`: files anywhere that the kernel saw a process of the trial write; `unclear`: files written by a process that
    had ended before it could be identified.
    """

    def __init__(self, trial: int, behind: LeftBehind, before: Snapshot, *, alone: bool) -> None:
        self.trial, self.alone, self.before, self.foreign = trial, alone, before, behind.foreign
        self._left = left = behind.files
        self.names = dict(islice(behind.names.items(), MOST_NAMES))
        source = opens.source()
        self.tells_who = source.tells_who
        watched = list(left)[:MOST_WATCHED] if alone or source.tells_who else []
        self._opens = opens.Opens(watched, {path.parent for path in self.names}, source, self.foreign)
        self._opens.unseen.update(left.keys() - set(watched))
        self._writes = Writes()
        self.wrote, self.unclear = self._writes.ours, self._writes.unclear

    def tables(self) -> list[str]:
        """Return the names that the probe looks for, and their folders, for `samebits_probe.files.watch`."""
        return [table_of_names(map(str, self.names)), table_of_names({str(path.parent) for path in self.names})]

    def started(self, root: int) -> None:
        """The trial runs below the process `root`: only what its processes read is its own reading."""
        self._opens.is_ours = ProcessTree(root).holds
        self._writes.started(ProcessTree(root).holds)

    def close(self) -> None:
        """Note that the trial's processes have ended. From now on, reads come from others."""
        self._opens.close()
        self._writes.close()

    def end(self, touched: Sequence[ProcessFiles]) -> dict[Path, Left]:
        """Return the files that were read.

        The kernel saw this, or the probe for files that the kernel could not watch.
        """
        by_probe = self._opens.unseen & _read_first(touched)
        return {path: self._left[path] for path in self._opens.read | by_probe if path in self._left}

    def listed(self, watched: Iterable[ProcessFiles]) -> set[Path]:
        """Return the folders that were listed. The probe saw this, and the kernel for processes without a probe."""
        by_probe = set().union(*(process.listed for process in watched))
        return by_probe | {folder for folder, pids in self._opens.listed.items() if pids}


class ProcessTree:
    """The processes below a trial's root."""

    def __init__(self, root: int) -> None:
        self._root, self._ours = root, {root}

    def holds(self, pid: int) -> bool | None:
        """Return whether a process is below the root; None if it ended before it was ever seen."""
        above: list[int] = []
        while pid not in self._ours:
            process = read_process(pid)
            if process is None or process.parent <= 1:
                return None if process is None else False
            above.append(pid)
            pid = process.parent
        self._ours.update(above)
        return True


def _made(before: Snapshot, after: Snapshot) -> Iterator[Path]:
    """Yield the files and folders that were not there before."""
    if before.is_whole:
        yield from (path for path in after.files if path not in before.files)
        yield from after.folders - before.folders


def _not_open(paths: Sequence[Path]) -> list[Path]:
    """Return the files without those that a process outside of all trials is writing now.

    An example is a log into which the check itself prints.
    """
    others = opens.written_now(paths)
    return [path for path in paths if path not in others]


def _names_taken(began: Began, touched: Sequence[ProcessFiles], own: set[Path], read: set[Path]) -> dict[Path, int]:
    """Return the names that earlier trials left and that this one looked at and did not make itself.

    A program that numbers its folders (run1, run2) makes a new name of the same form. It does not use what was there.
    """
    own = own.union(*(process.wrote for process in touched), *(process.made for process in touched))
    inside = {folder for path in own for folder in path.parents}
    removed = set().union(*(process.removed for process in touched))
    forms = {_form(path) for path in own}
    listed, asked = began.listed(touched), set().union(*(process.asked for process in touched))
    above_read = {folder for path in read for folder in path.parents}

    def is_taken(path: Path) -> bool:
        if path in read or path in above_read or path in own or path in inside or _form(path) in forms:
            return False
        is_listed = path.parent in listed and path not in began.foreign  # every program lists temporary folders
        return (path in asked or is_listed) and removed.isdisjoint((path, *path.parents))

    return {path: by for path, by in began.names.items() if is_taken(path)}


def _form(path: Path) -> tuple[Path, str]:
    return path.parent, re.sub(r"\d+", "", path.name)


def _read_first(touched: Sequence[ProcessFiles]) -> set[Path]:
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


def content_of(path: Path, state: folders.State, most: int = MOST_BYTES) -> str:
    """32 hex digits over a file's bytes; over its size and time if it is very large or cannot be read."""
    try:
        if state.size > most:
            raise OSError
        with path.open("rb") as file:
            return digest_of(file)
    except OSError:
        return _digest(f"{state.size} {state.modified}")


def _digest(text: str) -> str:
    return xxhash.xxh3_128(text.encode("utf-8", "surrogateescape")).hexdigest()
