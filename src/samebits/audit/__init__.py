"""Finds out whether a resumed training equals the uninterrupted one, and what the checkpoint forgot if it does not.

The program runs twice without an interruption. The second run keeps its files as a kill one step after a checkpoint
would leave them, with the command line unchanged. A fresh process resumes in a copy of these files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from samebits import __version__, clock, words
from samebits.audit import checkpoints, cold, graft, state, verdicts
from samebits.audit.alignment import Run
from samebits.audit.arms import CHECKPOINT, Arm, Arms, Shown, join_work
from samebits.audit.recorded_runs import RecordedRuns
from samebits.audit.result import POSITION, AuditResult, Checkpoint, Moment
from samebits.errors import UsageError
from samebits.experiment import Limits, Progress, Request
from samebits.experiment.estimates import CostEstimate
from samebits.launch.plan import make_record_folder
from samebits.store import record_files, write_document
from samebits.store.tensor_log import write_weights
from samebits_probe.resume import VALUES

__all__ = ["DOCUMENT", "AuditRequest", "Shown", "audit", "read"]

DOCUMENT = "audit.json"


@dataclass(frozen=True, kw_only=True)
class AuditRequest:
    """The request of an audit. `request`: for the uninterrupted run. `resume`: the command that resumes, in words.

    Without it, the command itself resumes if it finds its files. `without_saving`: the same training without
    saving. `pattern`: a glob for the checkpoints. `at`,
    `windows`: see `checkpoints.chosen`. `length`: how many steps of a resumed run are compared (None: all).
    `stop`: "kill" or "term". `budget`: seconds for everything. `record`: a record that holds the uninterrupted runs.
    """

    request: Request
    record: Path | None = None
    resume: Sequence[str] = ()
    without_saving: Sequence[str] = ()
    pattern: str | None = None
    at: Sequence[int] | None = None
    windows: int | None = None
    length: int | None = None
    stop: str = "kill"
    budget: float | None = None


def audit(asked: AuditRequest, shown: Shown) -> AuditResult:
    """Run all arms, and write audit.json. Raises UsageError, NotFoundError or RecordExists before anything runs."""
    if asked.resume and not any(CHECKPOINT in word or "{out}" in word for word in asked.resume):
        what = "The command of --resume names neither {checkpoint} nor {out}, so it cannot find what it resumes from."
        raise UsageError(what, "--resume 'python train.py --resume {checkpoint} --out {out}'")
    recorded = None if asked.record is None else RecordedRuns.read(asked.record)
    if recorded is not None:
        asked = replace(asked, request=recorded.request(asked.request))
    folder = make_record_folder(asked.request).folder
    hash_wanted = None if recorded is None else recorded.hash
    return _Audit(asked, Arms(asked.request, asked.resume, folder, shown, asked.budget, hash_wanted), recorded).run()


def read(folder: Path) -> AuditResult:
    """Read the result of an earlier audit. Raises RecordError if it cannot be read."""
    path = folder / DOCUMENT
    content = record_files.as_object(record_files.parse(record_files.read_bytes(path), path), path)
    return record_files.checked(content, path, AuditResult).model_copy(update={"record": str(folder.absolute())})


@dataclass
class _Audit:
    """The arms of one audit. `numbered`: the program itself numbers the steps of a resumed run."""

    asked: AuditRequest
    arms: Arms
    recorded: RecordedRuns | None
    whole: list[Run] = field(default_factory=list)
    known: list[Checkpoint] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    numbered: bool = False
    saving: tuple[str, bool] = "", False
    skipped: list[str] = field(default_factory=list)

    def run(self) -> AuditResult:
        """Run the arms, and return the answer."""
        first = self._first()
        if (failed := verdicts.failed(first.file, first.runs)) is not None:
            return self._answer([], reason=failed)
        self.whole, self.packages, self.files = first.runs, sorted(first.file.packages), first.files
        self.numbered = any(event["how"] == "observe" for event in self.whole[0].trace.events_named("observed-by"))
        steps, saved = self.whole[0].steps, self._saved(first)
        self.known = checkpoints.found_in(self.whole[0], saved, self.asked.pattern)
        usable = self.known if self.recorded is None else self.recorded.usable(self.known, self.asked.resume)
        moments = checkpoints.chosen(usable, steps, self.asked.at, self.asked.windows)
        if not moments:
            return self._answer([], reason=verdicts.no_checkpoint(self.known, steps, checkpoints.saved_words(saved)))
        self.second = second = self._second(moments)
        if len(first.runs) == len(second.runs):
            self.whole = [one.with_unseeded(two) for one, two in zip(first.runs, second.runs, strict=True)]
        why = verdicts.failed(second.file, second.runs) or verdicts.unrepeated(self.whole, second.runs)
        if why is not None:
            return self._answer([], reason=why)
        for name in sorted({name for run in self.whole for name in run.unseeded}):
            said = f"The generator {name} is not seeded: it differs in each run, so it does not count."
            self.arms.warnings.append(said)
        if self.asked.without_saving:
            unsaved = self.arms.run("the run without saving", "unsaved", self.asked.without_saving)
            self.saving = verdicts.of_saving(first.runs, unsaved.runs, unsaved.file)
        return self._answer(self._moments(moments))

    # -- the uninterrupted run ----------------------------------------------------------------------------------------

    def _first(self) -> Arm:
        if self.recorded is not None:
            return self.recorded.arm(self.arms, 0)
        with self.arms.shown("the uninterrupted run") as progress:
            self.experiment = self.arms.begin("whole", self.asked.request.command, progress, 2)
            return self.arms.trial(self.experiment, 1, Limits(audit={}))

    def _saved(self, first: Arm) -> list[checkpoints.WrittenFile]:
        if self.recorded is not None and not self.recorded.is_audit:
            return list(checkpoints.numbered_in(first.out, first.runs[0].steps))
        return list(checkpoints.saved_by(first.runs[0], first.out, self.asked.request.directory))

    def _second(self, moments: Sequence[Checkpoint]) -> Arm:
        """Run the command again and keep its files, or take what a record has kept."""
        if self.recorded is not None:
            with self.arms.shown("resumed runs") as progress:
                self._say_cost(moments, 0, progress)
            return self.recorded.arm(self.arms, 1)
        with self.arms.shown("the uninterrupted run again, which keeps its files") as progress:
            self._say_cost(moments, 1, progress)
            self.experiment.progress = progress
            last = 0 if self.asked.stop == "kill" else 2  # a save after SIGTERM comes one or two steps later
            return self.arms.trial(self.experiment, 2, _keeping(moments, self.whole[0], last))

    def _say_cost(self, moments: Sequence[Checkpoint], left: int, progress: Progress) -> None:
        """Say what the other arms cost, and ask before they take long. Each counts as long as a whole run.

        `left`: how many uninterrupted runs are still to make.
        """
        steps, runs = self.whole[0].steps, 2 * len(moments) + 1 + left
        length = self.asked.length or steps
        made = steps * left + sum(2 * min(length, steps - one.step) for one in moments)
        made += max(min(length, steps - one.step) for one in moments)
        what = f"{words.count(len(moments), 'checkpoint')} of {len(self.known)}: {made:,} steps in"
        progress.estimate(CostEstimate(what, runs - 1, runs, self.arms.longest))

    def _moments(self, chosen: Sequence[Checkpoint]) -> list[Moment]:
        """Resume from each checkpoint, and once more from one that a resumed run wrote: some errors grow."""
        done: list[Moment] = []
        again: Moment | None = None
        for at in chosen:
            if not self.arms.has_time:
                self.skipped.append(f"the checkpoint of step {at.step}, for which --budget leaves no time")
                continue
            later = None if again else self._later(at, chosen)
            files = self.second.kept(at.step) if self.asked.stop == "kill" else self.arms.terminated(at.step)
            moment, arm = self._compared(at, files, f"resumed-{at.step}", later)
            done.append(moment)
            if later and arm and moment.verdict == "repeated" and moment.offset == at.step and self.arms.has_time:
                shift = 0 if self.numbered else at.step
                files = arm.kept(later.step - shift)
                join_work(self.second.kept(at.step), files)
                again, _ = self._compared(later, files, f"resumed-again-{later.step}", is_again=True)
        return done + ([again] if again else [])

    def _later(self, at: Checkpoint, chosen: Sequence[Checkpoint]) -> Checkpoint | None:
        """Return a checkpoint that a run resumed from this one writes in its window, to resume once more from it."""
        end = min(self.whole[0].steps, at.step + (self.asked.length or self.whole[0].steps))
        later = [one for one in self.known if at.step < one.step < end]
        return next((one for one in later if one in chosen), next(iter(later), None))

    def _compared(
        self, at: Checkpoint, files: Path, name: str, later: Checkpoint | None = None, *, is_again: bool = False
    ) -> tuple[Moment, Arm | None]:
        """Resume from these files, and compare. `later`: the checkpoint for which the resumed run keeps its files."""
        has_own_size = is_again or self.asked.stop == "term"  # a different run wrote it
        why = verdicts.incomplete(at.model_copy(update={"size": 0}) if has_own_size else at, files)
        if why is not None:
            return verdicts.no_answer(at, *why), None
        shift = 0 if self.numbered else at.step
        keep = [later.step - shift] if later else []
        other = self.arms.resumed(at, files, name, self._steps(at), states=[0, at.step], keep=keep)
        moment = self._judged(at, other, files)
        if other.runs and moment.verdict != "inconclusive":
            step, rank = at.step if moment.offset is None else moment.offset, moment.rank
            resumed = state.read(other.folders[rank], other.runs[rank].base, 0)
            states = state.read(self.second.folders[rank], step), resumed
            moment, names = state.explained(moment, self.whole[rank], other.runs[rank], *states)
            if moment.verdict == "diverged" and not is_again:
                moment = self._grafted(moment, files, names, other.runs[rank])
            if not is_again:
                moment = self._cold(moment, other)
        return moment.model_copy(update={"record": str(self.arms.folder / name), "again": is_again}), other

    def _steps(self, at: Checkpoint) -> int | None:
        """Return how many steps a resumed run makes."""
        return None if self.asked.length is None else self.asked.length + at.step * self.numbered

    def _judged(self, at: Checkpoint, other: Arm, files: Path) -> Moment:
        if len(other.runs) == len(self.whole):
            other.runs = [one.named_as(whole) for one, whole in zip(other.runs, self.whole, strict=True)]
        moment = verdicts.unanswered(at, self.whole, other.runs, other.file)
        differ = verdicts.differing_files(self.files, other.files, other.unwritten(files))
        return moment or verdicts.judged(at, self.whole, other.runs, self.asked.length, differ)

    def _grafted(self, moment: Moment, files: Path, names: Mapping[str, Sequence[str]], other: Run) -> Moment:
        """Put parts of the uninterrupted run into the resumed one, and return the moment with what that shows."""
        at, run = moment.checkpoint, self.whole[0]
        if moment.forgotten == ["everything"]:
            return moment
        step = at.step if moment.offset is None else moment.offset
        values, epochs = self.second.folders[0] / (VALUES % step), graft.samples_from(run, step)
        able: list[str] = []
        # there may be no values of this moment, or only those of one rank
        if self._has_values(values) and len(self.whole) == 1 and run.batches(step) <= other.batches(0):
            known = {leaf.name for leaf in state.read(self.second.folders[0], step).leaves}
            able = [part for part in names if known.intersection(names[part]) or (part == POSITION and epochs)]

        def equals(parts: Sequence[str]) -> bool | None:
            if not self.arms.has_time:
                return None
            wanted = graft.request(values, names, parts, epochs)
            name = f"graft-{at.step}-{sum(one.startswith(f'graft-{at.step}-') for one in self.arms.made) + 1}"
            arm = self.arms.resumed(at, files, name, self._steps(at), graft=wanted, loader=run.loader)
            return self._judged(at, arm, files).verdict == "repeated"

        likely = [part for part in able if part in moment.forgotten]
        search = graft.Search(equals, [part for part in names if part not in able])
        found = search.graft(likely, [part for part in able if part not in likely])
        if len(found.parts) > 1 and not run.loader:  # the first batch may be one of the parts
            found = found.model_copy(update={"is_smallest": False, "sentence": f"{found.sentence} {graft.LATE}"})
        lost = list(dict.fromkeys([*found.parts, *moment.forgotten]))
        return moment.model_copy(update={"graft": found, "forgotten": lost})

    def _has_values(self, path: Path) -> bool:
        """Return whether values of the uninterrupted run can be read: a record from elsewhere may hold code."""
        return path.exists() and (self.recorded is None or self.recorded.is_own)

    def _cold(self, moment: Moment, resumed: Arm) -> Moment:
        """Run the command afresh with the weights of the checkpoint alone, and compare both runs with it."""
        step = moment.checkpoint.step
        folder = self.arms.folder / f"weights-{step}"
        if moment.offset != step or not self.arms.has_time:
            return moment
        folder.mkdir()
        names = {name: name for name in self.whole[0].start}
        if not write_weights(folder, self.second.folders[0], step - 1, names):
            return moment
        title, command = f"a fresh run with the weights of step {step} alone", self.asked.request.command
        arm = self.arms.run(title, f"cold-{step}", command, steps=moment.steps, feed={"folder": str(folder)})
        return cold.judged(moment, self.whole, resumed.runs, arm.runs)

    def _answer(self, moments: list[Moment], reason: tuple[str, str] | None = None) -> AuditResult:
        arms, whole = self.arms, self.whole
        result = AuditResult(
            samebits=__version__,
            created=clock.date(),
            command=self.asked.request.command,
            resume=list(self.asked.resume),
            steps=whole[0].steps if whole else 0,
            made=arms.made,
            checkpoints=self.known,
            moments=[state.shortened(one) for one in moments],
            packages=self.packages,
            not_tried=[*verdicts.not_tried(moments, self.known, saves=bool(self.saving[0])), *self.skipped],
            tried=[*verdicts.tried(moments), *filter(None, self.saving[:1])],
            warnings=list(dict.fromkeys(arms.warnings)),
            seconds=clock.now() - arms.began,
            record=str(arms.folder),
            **verdicts.overall(moments, reason, self.saving),
        )
        write_document(arms.folder / DOCUMENT, result)
        return result


def _keeping(moments: Sequence[Checkpoint], run: Run, last: int) -> Limits:
    """Return what the second uninterrupted run keeps at these moments: its files and its state.

    `last`: how many steps later it keeps its state, too.
    """
    steps = [one.step for one in moments]
    before = [step - 1 for step in steps]
    looks = sorted({step + later for step in steps for later in range(last + 1)})
    want = {"keep": steps, "states": [*before, *looks], "values": looks, "loader": run.loader}
    tensors = {"first": before[0], "last": before[-1], "steps": before, "kinds": ["update"], "most": cold.MOST_BYTES}
    return Limits(audit=want, tensors=tensors)
