"""Finds what one run of a trial did to the working folder, sets it aside, and puts it back.

Names are relative to the working folder. Files are renamed, never copied. So a file that a waiting trial has open stays
open.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from samebits.launch.files import folders
from samebits.launch.files.folders import Snapshot, State
from samebits.launch.files.moves import move
from samebits.launch.files.originals import Originals


class Writers(NamedTuple):
    """The writers of files, as far as samebits knows them.

    `ours`: files that processes of the trial wrote, and folders that they made. `others`: files that only processes
    outside of the trial have open for writing.
    """

    ours: Collection[Path] = ()
    others: Collection[Path] = ()


@dataclass(eq=False)
class Stay:
    """One run of a trial in the working folder. `place`: where its files lie while it is away.

    `created`: what it created, with its state then; `folders`: the new folders that are in no other new folder;
    `changed`, `removed`: files that were there before; `gone`: folders. `unsure`: what it seems to have created,
    although samebits did not see a process of the trial write it. `base`, `old`: the files and the folders from before.
    `stuck`: what stays changed for the next trial. `ours`: see Writers.
    """

    record: Path
    number: int
    place: Path
    created: dict[str, State] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    changed: dict[str, State] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    is_away: bool = False
    is_over: bool = False
    is_whole: bool = False
    stuck: list[str] = field(default_factory=list)
    ours: set[Path] = field(default_factory=set)
    base: dict[Path, State] = field(default_factory=dict)
    old: dict[Path, os.stat_result] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        own = {name: getattr(self, name) for name in _KEPT}
        return {**own, "record": str(self.record), "place": str(self.place), "unsure": sorted(self.unsure)}

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Stay:
        """Return the stay that `document` described."""
        states = {name: {path: State(*state) for path, state in saved[name].items()} for name in ("created", "changed")}
        paths = {name: Path(saved[name]) for name in ("record", "place")}
        return cls(**{**{name: saved[name] for name in _KEPT}, **states, **paths, "unsure": set(saved["unsure"])})

    @property
    def is_empty(self) -> bool:
        """Whether the folder is as it was before."""
        return not (self.created or self.folders or self.changed or self.removed or self.gone)

    # -- what the trial did ---------------------------------------------------------------------------------------

    def begin(self, before: Snapshot, originals: Originals, directory: Path) -> None:
        """Note what is there when the trial starts or goes on. Files that it wrote before are its own."""
        own = {directory / name for name in self.created}
        self.base = {path: state for path, state in before.entries.items() if path not in own}
        states = {directory / name: originals.states.get(name) for name in (*self.changed, *self.removed)}
        self.base.update({path: state for path, state in states.items() if state is not None})
        mine = [directory / name for name in self.folders]
        old = (path for path in before.folders if not any(path.is_relative_to(folder) for folder in mine))
        self.old = self.old or dict(_states((directory, *old)))

    def begin_beside(self, other: Stay) -> None:
        """Note what was there when the first of the trials side by side started: since then they may have written."""
        self.base, self.old = dict(other.base), self.old or dict(other.old)

    def learn(self, directory: Path, after: Snapshot, writers: Writers, *, is_wary: bool) -> None:
        """Note what the trial has done so far. `is_wary`: files whose writer nobody saw stay where they are."""
        entries = after.entries
        now = {path: state for path, state in entries.items() if self.base.get(path) != state}
        self.ours.update(path for path in writers.ours if path not in self.old)
        ours = set(_inside(now, self.ours))
        others = {*writers.others} - ours
        doubtful = now.keys() - ours - others
        new = [path for path in now if path not in self.base and path not in others]
        self.created = _by_name({path: now[path] for path in new if path in ours or not is_wary}, directory)
        self.unsure = _by_name(dict.fromkeys(doubtful), directory).keys() & self.created.keys()
        self.changed = _by_name({path: now[path] for path in ours if path in self.base}, directory)
        self.removed = list(_by_name(dict.fromkeys(path for path in self.base if path not in entries), directory))
        left = (path for path in doubtful if path in self.base or is_wary)
        self.stuck = sorted(_by_name(dict.fromkeys(left), directory))
        holding = {folder for path in now if path not in new for folder in path.parents}
        made = set(after.folders - self.old.keys() - holding)
        made = set(_inside(made, self.ours)) if is_wary else made
        self.folders = list(_by_name(dict.fromkeys(_outermost(made)), directory))
        self.gone = list(_by_name(dict.fromkeys(self.old.keys() - after.folders - {directory}), directory))

    # -- away, and back -------------------------------------------------------------------------------------------

    def leave_others(self, directory: Path) -> None:
        """Let a new folder stay if a different program has written into it. Then only the trial's own files move."""
        mine = {directory / name for name in self.created}
        inner, shared = set[Path](), set[Path]()
        for name in self.folders:
            for place, names, files in os.walk(directory / name):
                inner.add(Path(place))
                others = [Path(place, file) for file in files if Path(place, file) not in mine]
                shared.update(folder for path in others for folder in path.parents)
                names[:] = [child for child in names if not folders.is_left_out(os.path.join(place, child))]  # noqa: PTH118
        self.folders = list(_by_name(dict.fromkeys(_outermost(inner - shared)), directory))

    def set_aside(self, directory: Path, originals: Originals) -> None:
        """Restore the folder from before the trial. Files that others have changed since then stay."""
        for name in self._roots():
            is_as_left = name in self.folders or folders.own_state(directory / name) == self.created[name]
            if not is_as_left or not move(directory / name, self.place / name):
                self.stuck.append(name)
        for name, state in self.changed.items():
            if originals.has(name) and folders.own_state(directory / name) == state:
                originals.replace(name, self.place / name)
            else:
                self.stuck.append(name)
        for name in sorted(self.gone):
            with suppress(OSError):  # something else is there now
                (directory / name).mkdir(parents=True, exist_ok=True)
        for name in self.removed:
            originals.restore(name)
        self._restore_folders(directory)
        self.is_away = True

    def _restore_folders(self, directory: Path) -> None:
        """Give folders their old times, because `make` looks at them."""
        touched = {str(Path(name).parent) for name in (*self._roots(), *self.changed, *self.removed, *self.gone)}
        for folder in (directory / name for name in sorted(touched.union(self.gone), reverse=True)):
            if folder in self.old:
                with suppress(OSError):
                    folder.chmod(stat.S_IMODE(self.old[folder].st_mode))
                    os.utime(folder, ns=(self.old[folder].st_atime_ns, self.old[folder].st_mtime_ns))

    def put_back(self, directory: Path, originals: Originals) -> list[str]:
        """Restore the folder as the trial left it. Return the files that were not put back: their names are taken."""
        for name in self.removed:
            originals.remove(name)
        for name in sorted(self.gone, reverse=True):
            with suppress(OSError):  # others have put something into it
                (directory / name).rmdir()
        for name in self._roots():
            move(self.place / name, directory / name)
        for name in self.changed:
            originals.take_place(name, self.place / name)
        self.is_away = False
        return [name for name in (*self._roots(), *self.changed) if os.path.lexists(self.place / name)]

    def put_back_unsure(self, directory: Path) -> None:
        """Put back files that may belong to others, unless there is something newer."""
        for name in sorted(self.unsure):
            move(self.place / name, directory / name)

    def _roots(self) -> list[str]:
        """Return what moves as a whole: the new folders, and the new files in old folders."""
        whole = set(self.folders)
        return [*self.folders, *(name for name in self.created if whole.isdisjoint(map(str, Path(name).parents)))]


_KEPT = ("number", "created", "folders", "changed", "removed", "gone", "is_away", "is_over", "is_whole")


def _outermost(paths: set[Path]) -> list[Path]:
    return [path for path in sorted(paths) if paths.isdisjoint(path.parents)]


def _states(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for path in paths:
        with suppress(OSError):  # gone meanwhile
            yield path, path.stat()


def _by_name(paths: dict[Path, Any], directory: Path) -> dict[str, Any]:
    """Return the values by names relative to the working folder."""
    return {str(path.relative_to(directory)): value for path, value in paths.items()}


def _inside(paths: Iterable[Path], places: Collection[Path]) -> Iterator[Path]:
    """Yield the paths that are among these places, or below one of them."""
    wanted = set(places)
    return (path for path in paths if path in wanted or not wanted.isdisjoint(path.parents))
