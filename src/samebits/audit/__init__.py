"""Finds out whether a resumed training equals the uninterrupted one, and what the checkpoint forgot if it does not.

The program runs twice without an interruption. Then, for each moment that is tried, it runs until one step after the
checkpoint and is killed there, with its command line unchanged. A fresh process resumes in a copy of the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from samebits import __version__, checks, clock, words
from samebits.audit import alignment, checkpoints, cold, state, verdicts
from samebits.audit.alignment import Run
from samebits.audit.result import AuditResult, Checkpoint, Moment
from samebits.errors import SamebitsError, UsageError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.experiment.estimates import CostEstimate
from samebits.launch.plan import make_record_folder
from samebits.model import FilesFile, TrialFile
from samebits.store import record_files, write_document

__all__ = ["CHECKPOINT", "DOCUMENT", "AuditRequest", "Shown", "audit", "read"]

DOCUMENT = "audit.json"
CHECKPOINT = "{checkpoint}"
Shown = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True, kw_only=True)
class AuditRequest:
    """The request of an audit. `request`: for the uninterrupted run. `resume`: the command that resumes, in words.

    Without it, the command itself resumes if it finds its files. `without_saving`: the same training without
    saving. `pattern`: a glob for the checkpoints. `at`,
    `windows`: see `checkpoints.chosen`. `length`: how many steps of a resumed run are compared (None: all).
    """

    request: Request
    resume: Sequence[str] = ()
    without_saving: Sequence[str] = ()
    pattern: str | None = None
    at: Sequence[int] | None = None
    windows: int | None = None
    length: int | None = None


def audit(asked: AuditRequest, shown: Shown) -> AuditResult:
    """Run all arms, and write audit.json. Raises UsageError, NotFoundError or RecordExists before anything runs."""
    if asked.resume and not any(CHECKPOINT in word or "{out}" in word for word in asked.resume):
        what = "The command of --resume names neither {checkpoint} nor {out}, so it cannot find what it resumes from."
        raise UsageError(what, "--resume 'python train.py --resume {checkpoint} --out {out}'")
    return _Audit(asked, make_record_folder(asked.request).folder, shown).run()


def read(folder: Path) -> AuditResult:
    """Read the result of an earlier audit. Raises RecordError if it cannot be read."""
    path = folder / DOCUMENT
    content = record_files.as_object(record_files.parse(record_files.read_bytes(path), path), path)
    return record_files.checked(content, path, AuditResult).model_copy(update={"record": str(folder.absolute())})


@dataclass
class _Arm:
    """One trial that ran. `folder`: of the trial. `runs`, `folders`: its processes that trained."""

    file: TrialFile
    files: FilesFile
    folder: Path
    runs: list[Run]
    folders: list[Path]


@dataclass
class _Audit:
    """The arms of one audit."""

    asked: AuditRequest
    folder: Path
    shown: Shown
    cuts: dict[int, _Arm] = field(default_factory=dict)  # runs that were killed after a checkpoint, by its step
    warnings: list[str] = field(default_factory=list)
    numbered: bool = False  # the program itself numbers the steps of a resumed run
    saving: tuple[str, bool] = "", False

    def run(self) -> AuditResult:
        """Run the arms, and return the answer."""
        self._began = clock.now()
        with self.shown("the uninterrupted run, twice") as progress:
            first, second = self._arms("whole", self.asked.request.command, [1, 2], Limits(audit={}), progress)
        if (failed := verdicts.failed(first.file, first.runs)) is not None:
            return self._answer([], reason=failed)
        self.whole, self.packages = first.runs, sorted(first.file.packages)
        self.numbered = any(event["how"] == "observe" for event in self.whole[0].trace.events_named("observed-by"))
        if len(first.runs) == len(second.runs):
            self.whole = [one.with_unseeded(two) for one, two in zip(first.runs, second.runs, strict=True)]
        if (why := verdicts.unrepeated(self.whole, second.runs)) is not None:
            return self._answer([], reason=why)
        for name in sorted({name for run in self.whole for name in run.unseeded}):
            self.warnings.append(f"The generator {name} is not seeded: it differs in each run, so it does not count.")
        if self.asked.without_saving:
            with self.shown("the run without saving") as progress:
                unsaved = self._arms("unsaved", self.asked.without_saving, [1], Limits(audit={}), progress)[0]
            self.saving = verdicts.of_saving(first.runs, unsaved.runs, unsaved.file)
        directory = self.asked.request.directory
        self.whole_files = first.files
        self.known = checkpoints.found_in(first.runs[0], first.folder / "out", directory, self.asked.pattern)
        steps = first.runs[0].steps
        moments = checkpoints.chosen(self.known, steps, self.asked.at, self.asked.windows)
        if not moments:
            saved = checkpoints.saved_words(first.runs[0], first.folder / "out", directory)
            return self._answer([], reason=verdicts.no_checkpoint(self.known, steps, saved))
        self._say_cost(moments, steps, first.file.seconds)
        done = [self._moment(one) for one in moments]
        done += self._again(done)
        return self._answer(done)

    def _say_cost(self, moments: Sequence[Checkpoint], steps: int, seconds: float) -> None:
        """Say what the other arms cost, and ask before they take long. Each counts as long as a whole run."""
        length, runs = self.asked.length, 3 * len(moments) + 2
        made = sum(one.step + 1 + 2 * min(length or steps, steps - one.step) for one in moments)
        with self.shown(f"{words.count(len(moments), 'checkpoint')} of {len(self.known)}") as progress:
            progress.estimate(CostEstimate(f"{made:,} steps in", runs - 2, runs, seconds))

    # -- arms ---------------------------------------------------------------------------------------------------------

    def _arms(
        self, name: str, command: Sequence[str], ids: list[int], limits: Limits, progress: Progress
    ) -> list[_Arm]:
        options = self.asked.request.options.model_copy(update={"trials": len(ids), "full": True})
        request = replace(self.asked.request, command=list(command), options=options, out=self.folder / name)
        experiment = Experiment.begin(request, progress)
        checks.stop_tells(experiment.folder)
        experiment.run(limits, ids)
        return [self._arm(experiment, number) for number in ids]

    def _arm(self, experiment: Experiment, number: int) -> _Arm:
        trial = experiment.trial(number)
        bad = [said for said in trial.failures() if not said.startswith("audit: ")]
        if bad:
            raise SamebitsError(f"samebits itself failed in a run: {bad[0]}", f"please report it ({self.folder}).")
        self.warnings += [f"samebits could not look at the state of a run: {said}" for said in trial.failures()]
        folders = experiment.processes(number)
        runs = alignment.runs_of(trial)
        by_pid = {str(run.trace.facts["pid"]): run for run in runs}
        places = [folder for pid in by_pid for folder in folders if folder.name.endswith(f"-{pid}")]
        return _Arm(trial.file, trial.files, experiment.plan.trial_folder(number), runs, places)

    def _cut(self, checkpoint: Checkpoint, command: Sequence[str], before: Path | None, shift: int, name: str) -> _Arm:
        """Run until one step after the checkpoint, end the program there, and keep a copy of its files."""
        steps = checkpoint.step - shift
        tensors = {"first": steps - 1, "last": steps - 1, "kinds": ["update"], "most": cold.MOST_BYTES}
        limits = Limits(steps=steps + 1, audit={"states": [steps - 1, steps]}, inherits=before, tensors=tensors)
        with self.shown(f"killed one step after the checkpoint of step {checkpoint.step}") as progress:
            arm = self._arms(name, command, [1], limits, progress)[0]
        self._keep(arm, self.folder / f"{name}-files")
        return arm

    def _keep(self, arm: _Arm, target: Path) -> None:
        """Copy the files that a killed run left: its output folder, and what it wrote into the working folder."""
        target.mkdir()
        if (arm.folder / "out").is_dir():
            shutil.copytree(arm.folder / "out", target / "out", symlinks=True)
        for name in arm.file.wrote:
            source = self.asked.request.directory / name
            if not Path(name).is_absolute() and source.is_file():
                (target / "work" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / "work" / name)
            elif Path(name).is_absolute():
                self.warnings.append(f"The program wrote {name}, which samebits does not copy for the resumed run.")

    def _cold(self, moment: Moment, cut: _Arm, resumed: _Arm) -> Moment:
        """Run the command afresh with the weights of the checkpoint alone, and compare both runs with it."""
        step, folder = moment.checkpoint.step, self.folder / f"weights-{moment.checkpoint.step}"
        if not cold.write_weights(folder, cut.folders[0], step - 1, self.whole[0].start) or moment.offset != step:
            return moment
        limits = Limits(steps=moment.steps, audit={}, feed={"folder": str(folder)})
        with self.shown(f"a fresh run with the weights of step {step} alone") as progress:
            arm = self._arms(f"cold-{step}", self.asked.request.command, [1], limits, progress)[0]
        return cold.judged(moment, self.whole, resumed.runs, arm.runs)

    def _resumed(self, checkpoint: Checkpoint, files: Path, name: str) -> _Arm:
        length = self.asked.length
        steps = None if length is None else length + checkpoint.step * self.numbered
        limits = Limits(steps=steps, audit={"states": [0, checkpoint.step]}, inherits=files)
        with self.shown(f"resumed from {checkpoint.path} (step {checkpoint.step})") as progress:
            return self._arms(name, self._command(checkpoint), [1], limits, progress)[0]

    def _command(self, checkpoint: Checkpoint) -> list[str]:
        path = checkpoint.path if checkpoint.place == "work" else f"{{out}}/{checkpoint.path}"
        return [word.replace(CHECKPOINT, path) for word in self.asked.resume or self.asked.request.command]

    # -- moments ------------------------------------------------------------------------------------------------------

    def _moment(self, checkpoint: Checkpoint) -> Moment:
        """Resume from one checkpoint, and compare."""
        name = f"killed-{checkpoint.step}"
        cut = self.cuts[checkpoint.step] = self._cut(checkpoint, self.asked.request.command, None, 0, name)
        return self._compared(checkpoint, cut, name, f"resumed-{checkpoint.step}")

    def _again(self, done: Sequence[Moment]) -> list[Moment]:
        """Resume once more from a checkpoint of a resumed run: some errors grow with each resume."""
        equal = next((one for one in done if one.verdict == "repeated"), None)
        if equal is None:
            return []
        start = equal.offset or equal.checkpoint.step
        later = [one for one in self.known if start < one.step < min(self.whole[0].steps, start + equal.steps)]
        if not later:
            return []
        best = next((one for one in later if one.step in self.cuts), later[0])
        name, files = f"killed-again-{best.step}", self.folder / f"killed-{equal.checkpoint.step}-files"
        shift = 0 if self.numbered else start
        cut = self._cut(best, self._command(equal.checkpoint), files, shift, name)
        moment = self._compared(best, cut, name, f"resumed-again-{best.step}", start)
        return [moment.model_copy(update={"again": True})]

    def _compared(self, at: Checkpoint, cut: _Arm, cut_name: str, name: str, begun: int = 0) -> Moment:
        """Resume from the files of a killed run, and compare. `begun`: the step from which that run had resumed."""
        files = self.folder / f"{cut_name}-files"
        why = verdicts.incomplete(at, files, cut.file) or verdicts.strayed(self.whole, cut.runs, begun)
        if why is not None:
            return verdicts.no_answer(at, *why)
        other = self._resumed(at, files, name)
        differ = verdicts.differing_files(self.whole_files, other.files)
        moment = verdicts.unanswered(at, self.whole, other.runs, other.file)
        moment = moment or verdicts.judged(at, self.whole, other.runs, self.asked.length, differ)
        if other.runs and moment.verdict != "inconclusive":
            step, rank = at.step if moment.offset is None else moment.offset, moment.rank
            run = other.runs[rank]
            known = (
                state.read(self.cuts.get(at.step, cut).folders[rank], step),
                state.read(other.folders[rank], run.base),
            )
            moment = state.explained(moment, self.whole[rank], run, *known)
            moment = self._cold(moment, cut, other) if not begun else moment
        return moment.model_copy(update={"record": str(self.folder / name)})

    # -- the answer ---------------------------------------------------------------------------------------------------

    def _answer(self, moments: list[Moment], reason: tuple[str, str] | None = None) -> AuditResult:
        known = getattr(self, "known", [])
        whole = getattr(self, "whole", [])
        result = AuditResult(
            samebits=__version__,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=self.asked.request.command,
            resume=list(self.asked.resume),
            steps=whole[0].steps if whole else 0,
            checkpoints=known,
            moments=moments,
            packages=getattr(self, "packages", []),
            not_tried=verdicts.not_tried(moments, known, saves=bool(self.saving[0])),
            tried=[*verdicts.tried(moments), *filter(None, self.saving[:1])],
            warnings=list(dict.fromkeys(self.warnings)),
            seconds=clock.now() - self._began,
            record=str(self.folder),
            **verdicts.overall(moments, reason, self.saving),
        )
        write_document(self.folder / DOCUMENT, result)
        return result
