"""An experiment is a record that grows: its plan, its rounds of trials, and the results of these trials. Every command
that runs trials uses an experiment. No command starts a trial directly through `launch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from samebits import __version__, clock, comparison, store
from samebits.endings import NODE_WAS_LOST
from samebits.errors import UsageError
from samebits.experiment import recorded_trials
from samebits.experiment.held_back import HeldBack
from samebits.experiment.progress import Progress
from samebits.experiment.rounds import Trials
from samebits.experiment.schedule import FIRST, NO_VERDICT, FinishedRound, Schedule
from samebits.launch import origin
from samebits.launch.capacity.capacity import Capacity
from samebits.launch.files import custody
from samebits.launch.files.custody import full_disk_said
from samebits.launch.outside import Outside
from samebits.launch.plan import Limits, Plan, Request, arrange, make_plan
from samebits.launch.processes.observations import Processes
from samebits.model import ClockLaw, Document, RecordFile, Result, TrialFile
from samebits.options import MOST_TRIALS
from samebits.store.record import TRIALS

__all__ = [
    "FIRST",
    "NO_VERDICT",
    "Experiment",
    "FinishedRound",
    "Limits",
    "Plan",
    "Progress",
    "Request",
    "Schedule",
    "arrange",
]


class Experiment:
    """A record that grows. `file`: the content of its record.json, as it was last saved or will be saved next.

    The record can be read at every moment, even if this process is killed. The files of a trial are read and hashed
    once, when a caller first asks for them.
    """

    def __init__(
        self, plan: Plan, file: RecordFile, progress: Progress | None = None, capacity: Capacity | None = None
    ) -> None:
        self.plan, self.file = plan, file
        self._code = origin.code(plan.record)  # taken now, before a trial can change the code
        self._trials = Trials(plan, progress or Progress(), capacity)
        self._read: dict[int, store.TrialTrace] = {}

    @classmethod
    def begin(
        cls,
        request: Request,
        progress: Progress | None = None,
        *,
        hash_wanted: str | None = None,
        capacity: Capacity | None = None,
    ) -> Experiment:
        """Begin a new record without trials.

        `hash_wanted`: the hash algorithm of the record that this one is compared with. `capacity`: the capacity of an
        experiment with the same program, to share it. Raises UsageError, NotFoundError, RecordExists or RecordBusy
        before anything is written.
        """
        plan = make_plan(request, hash_wanted=hash_wanted)
        experiment = cls(plan, describe(plan), progress, capacity)
        if request.starts_as is not None:
            experiment._start_as(request.starts_as)
        experiment.save()
        return experiment

    @classmethod
    def resume(
        cls, record: store.Record, progress: Progress | None = None, *, capacity: Capacity | None = None
    ) -> Experiment:
        """Continue an existing record. `capacity`: see `begin`.

        Raises NotFoundError if its command or folder is gone, and RecordBusy if it is in use.
        """
        experiment = cls(recorded_trials.reopen(record), record.file, progress, capacity)
        experiment._start_as(experiment.folder)
        return experiment

    @classmethod
    @contextmanager
    def inside(
        cls,
        record: store.Record,
        name: str,
        request: Request,
        progress: Progress | None = None,
        *,
        capacity: Capacity | None = None,
    ) -> Iterator[Experiment]:
        """Yield an experiment in a folder of a record, and remove that folder afterwards.

        Its trials do not belong to the record. `capacity`: see `begin`.
        """
        holder = custody.resume(record.folder.absolute())
        inner = replace(request, out=holder.folder / name, overwrite=True, against=None)
        experiment = cls.begin(inner, progress, hash_wanted=record.file.hash, capacity=capacity)
        experiment._start_as(holder.folder)
        try:
            yield experiment
        finally:
            custody.remove(experiment.folder)

    @property
    def folder(self) -> Path:
        """The record's folder."""
        return self.plan.record

    @property
    def capacity(self) -> Capacity:
        """The rule for how many trials run at a time, and the places in which they run."""
        return self._trials.capacity

    @property
    def progress(self) -> Progress:
        """The object that receives the events of the trials."""
        return self._trials.progress

    @progress.setter
    def progress(self, progress: Progress) -> None:
        self._trials.progress = progress

    # -- trials ---------------------------------------------------------------------------------------------------

    def run(
        self, limits: Limits, ids: Sequence[int], *, tries_first: bool = False, back: HeldBack | None = None
    ) -> FinishedRound:
        """Run these trials again as one round, and keep it in record.json. `tries_first`, `back`: see `Trials`."""
        for number in ids:
            self._read.pop(number, None)
        with full_disk_said(self.folder):
            finished = self._trials.run_round(limits, ids, tries_first=tries_first, back=back)
            self._forget_older(finished)
            self.file = self.file.model_copy(update=self._with(finished))
            self.save()
        return finished

    def _forget_older(self, finished: FinishedRound) -> None:
        """Forget a trial that was read in the round, and then started again because trials had disturbed each other."""
        for file in finished.files:
            if file.id in self._read and self._read[file.id].file != file:
                del self._read[file.id]

    def _with(self, finished: FinishedRound) -> dict[str, Any]:
        """Return the fields of record.json that a round changes."""
        lost, self._trials.lost = self._trials.lost, []
        return {
            "rounds": [*self.file.rounds, finished.document],
            "at_a_time_why": self.capacity.why_of(finished.at_a_time),
            "notes": [*self.file.notes, *(f"trial {number} started again: {NODE_WAS_LOST}" for number in lost)],
        }

    def end_waiting(self, why: str = "") -> None:
        """End the trials that wait for a next round. `why`: if given, the reason why no trial waits from now on."""
        with full_disk_said(self.folder):
            ended = self._trials.end_waiting(why)
        for number in ended:
            trial = self._read.pop(number, None)
            sealed = store.sealed_since(trial, self.plan.trial_folder(number)) if trial is not None else None
            if sealed is not None:
                self._read[number] = sealed

    def settle(self) -> None:
        """Note that no trial follows, so that the working folder gets the files of the last whole trial."""
        with full_disk_said(self.folder):
            for text in self._trials.room.settle() if self._trials.room is not None else ():
                self.progress.note(text)

    def _start_as(self, record: Path) -> None:
        """Let trials start from the same files as the trials of a record."""
        if self._trials.room is not None:
            self._trials.room.recall(record)

    def next_numbers(self, more: int) -> list[int]:
        """Return numbers for more trials. Raises UsageError if a record cannot hold so many."""
        names = [path.name for path in (self.folder / TRIALS).glob("*") if path.name.isdecimal()]
        last = max(map(int, names), default=0)
        if last + more > MOST_TRIALS:
            what = f"{last} trials and {more} more are too many: a record holds at most {MOST_TRIALS}."
            raise UsageError(what, "Ask for fewer trials, or make a new record.")
        return list(range(last + 1, last + more + 1))

    def adopt(self, source: store.Record) -> list[TrialFile]:
        """Copy the usable trials of a different record into this one, numbered from 1."""
        self._start_as(source.folder)
        with full_disk_said(self.folder):
            return recorded_trials.adopt(source, self.plan)

    def recall(self, trials: Sequence[store.TrialTrace]) -> None:
        """Treat these as the only earlier trials: keep their traces, and remember the files that they wrote.

        Later trials start from the same files.
        """
        self._start_as(self.folder)
        outside = self._trials.outside = Outside(self.plan.directory, self.folder, self.plan.request.command)
        for trial in trials:
            self._read[trial.id] = trial
            outside.wrote(trial.id, [self.plan.directory / path for path in trial.file.wrote])

    def forget(self, ids: Sequence[int]) -> None:
        """Remove trials that should not count, and the rounds that held only such trials."""
        for number in ids:
            self._read.pop(number, None)
            folder = self.plan.trial_folder(number)
            if folder.exists():
                custody.remove(folder.rename(self.folder / f"{custody.NEW}{folder.name}"))
        rounds = [turn for turn in self.file.rounds if not set(turn.trials) <= set(ids)]
        if rounds != self.file.rounds:
            self.file = self.file.model_copy(update={"rounds": rounds})
            self.save()

    # -- results --------------------------------------------------------------------------------------------------

    @property
    def record(self) -> store.Record:
        """The record as it is now. Raises RecordError if a trial cannot be read."""
        record = store.Record(self.folder, self.file, self._read)
        self._read = {trial.id: trial for trial in record.trials}
        return record

    def trial(self, number: int) -> store.TrialTrace:
        """Return the trace of one trial. Raises RecordError if it cannot be read."""
        if number not in self._read:
            self._read[number] = store.read_trial(self.plan.trial_folder(number))
        return self._read[number]

    def processes(self, number: int) -> list[Path]:
        """Return the folders of the processes of a trial that observed something, in the order of their starts."""
        return [process.folder for process in Processes(self.plan.trial_folder(number)).observing()]

    def judge(self, **options: Any) -> Result:
        """Judge the record as it is now. `options`: options that replace those of the record."""
        changed = self.file.options.model_copy(update=options)
        return comparison.judge(self.file.model_copy(update={"options": changed}), self.record.trials)

    # -- documents ------------------------------------------------------------------------------------------------

    def change(self, **options: Any) -> None:
        """Change the options by which the record is judged from now on."""
        changed = self.file.options.model_copy(update=options)
        self.file = self.file.model_copy(update={"options": changed})

    def note(self, notes: list[str]) -> None:
        """Keep notes about how the trials were combined. They become warnings."""
        self.file = self.file.model_copy(update={"notes": notes})
        self.save()

    def keep_laws(self, laws: list[ClockLaw]) -> None:
        """Keep in the record which values follow the clock, also for records that repeat its request."""
        self.plan = replace(self.plan, request=replace(self.plan.request, settled=laws))
        self.file = self.file.model_copy(update={"settled": laws})
        self.save()

    def doubt(self, difference: str) -> None:
        """Keep a difference that was seen only in trials that had waited between rounds."""
        self.file = self.file.model_copy(update={"doubt": difference})
        self.save()

    def save(self) -> None:
        """Write record.json."""
        with full_disk_said(self.folder):
            store.write_record(self.folder, origin.signed(self.file, self.folder, self._code))

    def write(self, name: str, document: Document) -> None:
        """Write a document of the record that is not record.json."""
        with full_disk_said(self.folder):
            store.write_document(self.folder / name, document)


def describe(plan: Plan) -> RecordFile:
    """Return the content of record.json before the first round."""
    request = plan.request
    return RecordFile(
        samebits=__version__,
        created=clock.date(),
        command=request.command,
        directory=str(plan.directory),
        program="" if request.python else plan.executable,
        python=request.python,
        environment=request.environment,
        host=request.host,
        each=request.each,
        preset=request.preset,
        controls=plan.controls,
        seed=request.seed,
        variables=request.variables,
        weights=str(request.weights) if request.weights else None,
        hash="xxh3" if plan.hash == "xxh3" else "blake2b",
        options=request.options,
        settled=list(request.settled),
    )
