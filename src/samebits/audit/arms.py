"""Runs the arms of an audit: each is a trial of the uninterrupted command, or of the one that resumes.

What the probe does in an arm (`samebits_probe.resume`) is a dict: "states", "values": before which steps it writes
fingerprints, or the values themselves, of what the variables hold; "keep": of which steps it keeps the files;
"loader": the loader that trains; "graft": the values and the samples that the run is given.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from samebits import checks, clock
from samebits.audit import alignment
from samebits.audit.alignment import Run
from samebits.audit.result import Checkpoint
from samebits.endings import ENDED_WELL
from samebits.errors import SamebitsError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.launch.processes.observations import Processes
from samebits.model import FilesFile, TrialFile
from samebits.store import TrialTrace
from samebits_probe.resume import KEPT

__all__ = ["Arm", "Arms", "Shown"]

CHECKPOINT = "{checkpoint}"
Shown = Callable[[str], AbstractContextManager[Progress]]


@dataclass
class Arm:
    """One trial that ran. `out`: its output folder. `runs`, `folders`: its processes that trained.

    `copy`: a folder with all its files, if it kept none step by step.
    """

    file: TrialFile
    files: FilesFile
    out: Path
    runs: list[Run]
    folders: list[Path]
    copy: Path | None = None

    def kept(self, step: int) -> Path:
        """Return where the files lie that a kill one step after this step would have left."""
        return self.copy or self.folders[0] / (KEPT % step)

    def unwritten(self, inherited: Path) -> set[str]:
        """Return the files of its output folder that it inherited, and did not write."""
        copies = [path for path in (inherited / "out").rglob("*") if path.is_file()]
        pairs = [(path.relative_to(inherited / "out"), path) for path in copies]
        pairs = [(place, path) for place, path in pairs if (self.out / place).is_file()]
        as_old = [place for place, path in pairs if (self.out / place).stat().st_mtime_ns == path.stat().st_mtime_ns]
        return {f"{{out}}/{place}" for place in as_old}


@dataclass
class Arms:
    """Runs trials below the folder of an audit. `resume`: the command that resumes, if it is a different one.

    `hash`: the algorithm of a record with which they are compared. `made`: arm -> its steps.
    `budget`: seconds for everything; None if there is no limit. `longest`: of the trials.
    """

    request: Request
    resume: Sequence[str]
    folder: Path
    shown: Shown
    budget: float | None
    hash: str | None = None
    warnings: list[str] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    longest: float = 0.0
    began: float = field(default_factory=clock.now)

    @property
    def has_time(self) -> bool:
        """Whether one more trial fits into the budget."""
        return self.budget is None or clock.now() - self.began + self.longest <= self.budget

    def begin(self, name: str, command: Sequence[str], progress: Progress, trials: int = 1) -> Experiment:
        """Begin the record of an arm."""
        options = self.request.options.model_copy(update={"trials": trials, "full": True, "budget": None})
        request = replace(self.request, command=list(command), options=options, out=self.folder / name)
        experiment = Experiment.begin(request, progress, hash_wanted=self.hash)
        checks.stop_tells(experiment.folder)
        return experiment

    def run(self, title: str, name: str, command: Sequence[str], **limits: Any) -> Arm:
        """Run one trial. `limits`: those of the trial, by name."""
        with self.shown(title) as progress:
            return self.trial(self.begin(name, command, progress), 1, Limits(**{"audit": {}, **limits}))

    def trial(self, experiment: Experiment, number: int, limits: Limits) -> Arm:
        """Run one trial of an arm, and read it. Raises SamebitsError if the probe failed."""
        experiment.run(limits, [number])
        return self.read(experiment.trial(number), experiment.plan.trial_folder(number))

    def read(self, trial: TrialTrace, folder: Path) -> Arm:
        """Read a trial that has ended. Raises SamebitsError if the probe failed."""
        bad = [said for said in trial.failures() if not said.startswith("audit: ")]
        if bad:
            raise SamebitsError(f"samebits itself failed in a run: {bad[0]}", f"please report it ({self.folder}).")
        self.warnings += [f"samebits could not look at the state of a run: {said}" for said in trial.failures()]
        runs = alignment.runs_of(trial)
        ids = [str(run.trace.facts["pid"]) for run in runs]
        processes = [process.folder for process in Processes(folder).observing()]
        places = [place for pid in ids for place in processes if place.name.endswith(f"-{pid}")]
        self.made[f"{folder.parents[1].name} {trial.id}"] = max((run.steps for run in runs), default=0)
        self.longest = max(self.longest, trial.file.seconds)
        for name in filter(lambda name: Path(name).is_absolute(), trial.file.wrote):
            self.warnings.append(f"The program wrote {name}, which samebits does not copy for the resumed run.")
        return Arm(trial.file, trial.files, folder / "out", runs, places)

    def resumed(self, at: Checkpoint, files: Path, name: str, steps: int | None, **audit: Any) -> Arm:
        """Resume in a copy of the files. `audit`: what the probe does."""
        parts = " with parts of the uninterrupted run" if "graft" in audit else ""
        return self.run(
            f"resumed from {at.path} (step {at.step}){parts}",
            name,
            self.command(at),
            steps=steps,
            inherits=files,
            audit=audit,
        )

    def terminated(self, step: int) -> Path:
        """Send SIGTERM to a run one step after a checkpoint. Return a folder with the files that it then left."""
        title = f"ended by SIGTERM one step after step {step}"
        arm = self.run(title, f"terminated-{step}", self.request.command, audit={"term": step})
        folder = self.folder / f"terminated-{step}-files"
        folder.mkdir()
        if arm.out.is_dir():
            shutil.copytree(arm.out, folder / "out", symlinks=True)
        for name in arm.file.wrote:
            if not Path(name).is_absolute() and (self.request.directory / name).is_file():
                (folder / "work" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.request.directory / name, folder / "work" / name)
        if arm.runs and arm.runs[0].is_whole and arm.file.status in ENDED_WELL and arm.runs[0].steps > step + 2:
            self.warnings.append(f"The program went on after SIGTERM, and made {arm.runs[0].steps:,} steps.")
        return folder

    def command(self, at: Checkpoint) -> list[str]:
        """Return the command that resumes from a checkpoint."""
        path = at.path if at.place == "work" else f"{{out}}/{at.path}"
        return [word.replace(CHECKPOINT, path) for word in self.resume or self.request.command]


def join_work(earlier: Path, later: Path) -> None:
    """Copy the files of a working folder that a later run inherited and left as they were."""
    for path in (earlier / "work").rglob("*"):
        copied = later / "work" / path.relative_to(earlier / "work")
        if path.is_file() and not copied.exists():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copied)
