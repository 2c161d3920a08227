"""The files of one trial: what was there before it, what it has written, and which files are compared."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from samebits.launch.files import folders
from samebits.launch.files.stays import Writers
from samebits.launch.files.working_folder import SharedFolder
from samebits.launch.outside import Began, Outside, shown
from samebits.launch.plan import Plan, trial_name
from samebits.launch.processes.command import FileNames
from samebits.launch.processes.facts import ProcessFiles
from samebits.launch.processes.supervisor import below_quickly
from samebits.launch.trial import artifacts
from samebits.model import FilesFile, Leak
from samebits_probe import wire

_MOST_NAMED = 1000


class TrialFiles:
    """The files of one trial.

    Call `begin` before the trial starts or goes on, and `end` when it is over or waits. `notes`: what samebits could
    not see. `written`: the files that the trial wrote, after its end; `gone`: files that it wrote and that no longer
    exist, if a different trial may have found them before.
    """

    def __init__(self, plan: Plan, number: int, directory: Path, outside: Outside) -> None:
        self.out = plan.trial_folder(number) / "out"
        self.notes: list[str] = []
        self.written: list[Path] = []
        self.gone: set[Path] = set()
        self.rules = artifacts.FileRules()
        self._before = folders.Snapshot({})
        self._is_alone = True
        self._since = 0.0  # when it started (epoch)
        self._plan, self._number, self._directory, self._outside = plan, number, directory, outside
        self._left: Mapping[Path, folders.State | None] = {}  # when the trial began to wait
        is_own = plan.options.isolate or outside.on_node
        self._room = None if is_own else SharedFolder.of(directory)
        self._stay = self._room.stay(plan.record, number) if self._room is not None else None
        self.is_open = False  # whether it runs

    # -- while it runs ------------------------------------------------------------------------------------------

    def begin(self, *, alone: bool) -> None:
        """Note that the trial starts, or goes on, with the files that it needs.

        The files that are here now are not its own, except for files that it wrote before. `alone`: no other trial
        runs meanwhile.
        """
        self._is_alone = alone
        if self._room is not None and self._stay is not None:
            self._before = self._room.enter(self._stay)
        else:
            self._before = folders.snapshot(self._directory, without=self._plan.record)
        self._began: Began = self._outside.begin(self._number, alone=alone)
        self._since = self._since or self._began.at
        options = self._plan.options
        templates = artifacts.patterns(options.artifacts, self._directory, self.out, trial_name(self._number))
        patterns = [pattern.without(self._left) for pattern in templates]
        self.rules = artifacts.FileRules(patterns=patterns, ignores=options.ignores)
        self.is_open = True

    def inherit(self, source: Path) -> None:
        """Copy the files that an earlier run left: `out` and `work` of a folder."""
        for name, target in (("out", self.out), ("work", self._directory)):
            if (source / name).is_dir():
                shutil.copytree(source / name, target, symlinks=True, dirs_exist_ok=True)

    def end(self, root: int, touched: Sequence[ProcessFiles], after_wait: Sequence[ProcessFiles]) -> list[Leak]:
        """Find what the trial wrote: from its folders and from the probe. Return the leaks that it used.

        `root`: the process above all of its processes. `touched`: what the probe saw; `after_wait`: after a wait.
        """
        self.is_open = False
        after = folders.snapshot(self._directory, without=self._plan.record)
        if not after.is_whole:
            many = f"{self._directory} holds more than {folders.MOST_FILES:,} files"
            self.notes.append(f"{many}: samebits may not have found every file that was written there")
        inside = self._plan.trial_folder(self._number) / wire.PROCESSES
        by_probe = {path for process in touched for path in process.wrote if not path.is_relative_to(inside)}
        if after.is_whole:  # files in a virtual environment or in a folder of a tool stay there, and are not results
            by_probe = {path for path in by_probe if path in after.files or not self._is_kept(path)}
        changed = {*folders.snapshot(self.out).files, *folders.written(self._before, after)}
        changed.update(filter(folders.is_file, self._left))
        running = {process.pid for process in below_quickly(root)}
        if not running:  # CUDA and NCCL keep files in shared memory as long as a process runs
            changed.update(self._outside.changed(self._since))
        others = open_elsewhere(changed - by_probe, running)
        self.gone = {path for path in self._shared(by_probe) if not folders.is_there(path)}
        self._note_shared(changed - others)
        self.written = sorted((changed - others).union(path for path in by_probe if folders.is_file(path)))
        ours = by_probe.union(*(process.made for process in touched))
        return self._leave(after, Writers(self._inside(ours), self._inside(others)), after_wait)

    def _inside(self, paths: Iterable[Path]) -> set[Path]:
        """Return the paths below the folder's own path: processes report its path without symbolic links."""
        real = self._directory.resolve()
        return {self._directory / path.relative_to(real) if path.is_relative_to(real) else path for path in paths}

    def _is_kept(self, path: Path) -> bool:
        """Return whether a file of the working folder lies in a folder in which nothing counts."""
        if not path.is_relative_to(self._directory) or path.is_relative_to(self._plan.record):
            return False
        above = path.relative_to(self._directory).parents
        return any(folders.is_left_out(str(self._directory / folder)) for folder in above if folder.name)

    def _leave(self, after: folders.Snapshot, writers: Writers, touched: Sequence[ProcessFiles]) -> list[Leak]:
        """Note what stays for later trials: files outside of the folder, and files in it that samebits cannot move."""
        inside: set[Path] = set()
        if self._room is not None and self._stay is not None:
            self._room.leave(self._stay, after, writers)
            if self._room.is_held and self._is_alone:
                stuck = {self._directory / name for name in self._stay.stuck}
                inside = {path for path in self.written if path.is_relative_to(self._directory)} - stuck
            elif self._room.why_not:
                self.notes.append(f"samebits did not set files aside between trials, because {self._room.why_not}")
        staying = [path for path in self._shared(self.written) if path not in inside]
        return self._outside.end(self._began, touched, staying)

    def over(self, *, is_whole: bool) -> None:
        """Note that the trial will not go on."""
        if self._room is not None and self._stay is not None:
            self._room.end(self._stay, is_whole=is_whole)

    def _note_shared(self, paths: set[Path]) -> None:
        """Note if trials that run side by side write into one folder: they replace each other's files."""
        shared = self._shared(paths)
        if shared and not self._is_alone and not self._plan.options.isolate:
            what = f"trials ran side by side and wrote into one folder ({shown(shared[0], self._plan.directory)})"
            self.notes.append(f"{what}: give each its own with {{out}} or --isolate")

    def _shared(self, paths: Iterable[Path]) -> list[Path]:
        """Return the files outside of the trial's own output folder, which a different trial may find."""
        return sorted(path for path in paths if not path.is_relative_to(self.out) and self._outside.counts(path))

    # -- what other trials may find -------------------------------------------------------------------------------

    def shared_name(self) -> str:
        """Return the first file that the trial wrote and that other trials may write, too.

        The result is empty if there is none.
        """
        shared = [] if self._plan.options.isolate else self._shared(self.written)
        return shown(shared[0], self._plan.directory) if shared else ""

    def written_before(self, moment: float, by_probe: Iterable[ProcessFiles]) -> list[Path]:
        """Return the files that other trials may find and that were first written before a moment (epoch).

        Only the probe knows when a file was first written. For other files, the latest write counts. Of files that are
        gone, those count whose names seem to be the same in each trial.
        """
        first: dict[Path, float] = {}
        for process in by_probe:
            for path, at in process.wrote.items():
                first[path] = min(at, first.get(path, at))
        vanished = [path for path in sorted(self.gone) if path in first and not _is_drawn(path)]
        shared = [] if self._plan.options.isolate else [*self._shared(self.written), *vanished]
        return [path for path in shared if first.get(path, _latest_write(path)) < moment]

    def keep(self) -> None:
        """Note that the trial waits. The files that it wrote stay its own."""
        self._left = {path: folders.state(path) for path in self._shared(self.written)}

    def is_disturbed(self) -> bool:
        """Return whether a file that the trial wrote before it waited has changed since then."""
        away = self._directory if self._stay is not None and self._stay.is_away else self.out
        return any(folders.state(path) != was for path, was in self._left.items() if not path.is_relative_to(away))

    # -- what is compared -----------------------------------------------------------------------------------------

    def document(self, naming: FileNames) -> FilesFile:
        """Return the files to compare, under names that are the same in all trials."""
        return artifacts.collect(self.rules, self.written, self._directory, naming)

    def names(self) -> list[str]:
        """Return what was written outside of the trial's own output folder, under paths that users know."""
        own = [path for path in self.written if not path.is_relative_to(self.out)]
        return [shown(path, self._plan.directory) for path in own[:_MOST_NAMED]]


def _is_drawn(path: Path) -> bool:
    """Return whether the name of a file was probably drawn at random, as those of temporary files."""
    return path.parent == Path(tempfile.gettempdir()) and path.suffix not in (".lock", ".pid")


def _latest_write(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


# -- files that programs beside the trial write, as in `check > log.txt` ----------------------------------------------


def open_elsewhere(paths: Iterable[Path], own: Collection[int]) -> set[Path]:
    """Return the files among these that a process outside of the trial has open for writing.

    `own`: the processes of the trial. samebits sees only processes that this user may inspect.
    """
    wanted = {str(path): path for path in paths}
    open_paths = set[Path]()
    for pid in (name for name in os.listdir("/proc") if name.isdigit() and wanted):  # noqa: PTH208
        with suppress(OSError):  # a process of a different user, or one that has ended
            if int(pid) not in own:
                open_paths.update(wanted[name] for name in _written_by(pid, wanted.keys()))
    return open_paths


def _written_by(pid: str, wanted: Collection[str]) -> Iterator[str]:
    """Yield the files among these that a process has open for writing. Raises OSError."""
    for handle in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
        with suppress(FileNotFoundError):  # it was closed meanwhile: for example, samebits' own handle of this list
            name = os.readlink(f"/proc/{pid}/fd/{handle}")  # noqa: PTH115
            if name in wanted and _is_written(pid, handle):
                yield name


def _is_written(pid: str, handle: str) -> bool:
    text = Path(f"/proc/{pid}/fdinfo/{handle}").read_text()
    flags = next((int(line.split()[1], 8) for line in text.splitlines() if line.startswith("flags:")), 0)
    return flags & os.O_ACCMODE != os.O_RDONLY
