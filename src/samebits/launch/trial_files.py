"""The files of one trial: what was there before it, what it has written, and which files are compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from samebits.launch import artifacts, folders, opens
from samebits.launch.command import FileNames
from samebits.launch.empty_folders import is_empty, new_empty_folders
from samebits.launch.leaks import Leaks, ProcessFiles, shown
from samebits.launch.plan import Plan, trial_name
from samebits.model import FilesFile

__all__ = ["TrialFiles"]

_MOST_NAMED = 1000


class TrialFiles:
    """The files of one trial.

    Call `begin` before it starts, and `end` when it is over or waits. `notes`: what could not be seen. `written`: the
    files that it wrote, once it is over; `gone`: files that it wrote and that are gone, if a different trial may have
    found them meanwhile.
    """

    def __init__(self, plan: Plan, number: int, directory: Path, leaks: Leaks) -> None:
        self.out = plan.trial_folder(number) / "out"
        self.notes: list[str] = []
        self.written: list[Path] = []
        self.gone: set[Path] = set()
        self.before = self.after = folders.Snapshot({})
        self.rules = artifacts.FileRules()
        self._is_alone = True
        self._plan, self._name, self._directory, self._leaks = plan, trial_name(number), directory, leaks
        self._left: Mapping[Path, folders.State | None] = {}  # when the trial began to wait
        self._links: dict[Path, str] = {}
        self._empty: set[Path] = set()

    def begin(self, *, alone: bool) -> None:
        """Note that the trial starts, or goes on.

        What lies here now is not its own, except for the files that it wrote before. `alone`: no other trial
        runs meanwhile.
        """
        self._is_alone = alone
        options, earlier = self._plan.options, self.rules.heads
        self.before = folders.snapshot(self._directory, without=self._plan.record)
        found = artifacts.patterns(options.artifacts, self._directory, self.out, self._name)
        heads = {path: head for path, head in artifacts.heads(self.before).items() if path not in self._left}
        self.rules = artifacts.FileRules(
            patterns=[pattern.without(self._left) for pattern in found],
            ignores=options.ignores,
            heads={**heads, **{path: head for path, head in earlier.items() if path in self._left}},
            apart=options.isolate,
        )

    def end(self, inside: Path, by_probe: Iterable[ProcessFiles], by_kernel: Iterable[Path]) -> None:
        """Find what the trial wrote: from its folders, the probe and the kernel.

        `inside`: the folder of the probe's own files.
        """
        self.after = folders.snapshot(self._directory, without=self._plan.record)
        if not self.after.is_whole:
            many = f"{self._directory} holds more than {folders.MOST_FILES:,} files"
            self.notes.append(f"{many}: samebits may not have found every file that was written there")
        out = folders.snapshot(self.out)
        found = {*out.files, *folders.written(self.before, self.after)}
        found.update(path for path in self._left if path in self.after.files)
        named = {path for process in by_probe for path in process.wrote if not path.is_relative_to(inside)}
        named.update(path for path in by_kernel if self._leaks.counts(path))
        self.gone = {path for path in self._shared(named) if not folders.is_there(path)}
        if found - named:
            found -= opens.written_now(found - named)  # for example a log into which the check itself prints
        self._note_shared(found)
        found.update(path for path in named if folders.is_file(path))
        self.written = sorted(found)
        new = new_empty_folders(folders.Snapshot({}), out) | new_empty_folders(self.before, self.after)
        self._empty = set(filter(is_empty, self._empty)) | new
        self._links = {
            **{path: target for path, target in self._links.items() if folders.is_link(path)},
            **folders.new_links(folders.Snapshot({}), out),
            **folders.new_links(self.before, self.after),
        }

    def _note_shared(self, found: set[Path]) -> None:
        """Note if trials that run side by side write into one folder: they replace each other's files."""
        shared = self._shared(found)
        if shared and not self._is_alone and not self._plan.options.isolate:
            what = f"trials ran side by side and wrote into one folder ({shown(shared[0], self._plan.directory)})"
            self.notes.append(f"{what}: give each its own with {{out}} or --isolate")

    def _shared(self, found: Iterable[Path]) -> list[Path]:
        """Return the files outside of the trial's own output folder, which a different trial may find."""
        return sorted(path for path in found if not path.is_relative_to(self.out) and self._leaks.counts(path))

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
        gone = [path for path in sorted(self.gone) if path in first and not _is_drawn(path)]
        shared = [] if self._plan.options.isolate else [*self._shared(self.written), *gone]
        return [path for path in shared if first.get(path, _latest_write(path)) < moment]

    def keep(self) -> None:
        """Note that the trial waits. The files that it wrote stay its own."""
        self._left = {path: folders.state(path) for path in self._shared(self.written)}

    def is_disturbed(self) -> bool:
        """Return whether a file that the trial wrote before it waited has changed since."""
        return any(folders.state(path) != state for path, state in self._left.items())

    def document(self, naming: FileNames) -> FilesFile:
        """Return the files to compare, under names that are the same in all trials."""
        found = artifacts.collect(self.rules, self.written, self._directory, naming)
        names = {naming.name(path): target for path, target in self._links.items()}
        found = artifacts.with_links(found, names, self.rules)
        return artifacts.with_empty_folders(found, map(naming.name, self._empty), self.rules)

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
