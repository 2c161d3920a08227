"""Runs the steps of `check`, `record`, `check --against` and `check --add`, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from samebits import interrupt, store, words
from samebits.endings import ENDED_WELL
from samebits.errors import UsageError
from samebits.experiment import (
    FIRST,
    Experiment,
    FinishedRound,
    Limits,
    Progress,
    Request,
    Schedule,
    captures,
    clock_trials,
    recorded_trials,
)
from samebits.launch import origin
from samebits.launch.capacity.capacity import Capacity
from samebits.model import EXIT_CODES, Result, TrialFile
from samebits.reports import result_words
from samebits.store.record import RESULT

if TYPE_CHECKING:
    from samebits.comparison.verdict import network_orders

__all__ = ["Addition", "Check", "OneTrialRecord", "record", "run", "run_more", "stop_tells"]

_IN_ANY_ORDER = "the trials may train the same networks in different orders, which more steps show"
_OTHERS_GO_ON = "several threads train, and some would go on while others wait"
OF_ADDITION = ("run", "strict", "ignores", "settle")  # options of `check` that go with --add
Remarks = Callable[[FinishedRound], list[str]]


class Check(NamedTuple):
    """A finished check: its record, to which trials can be added, and its result."""

    experiment: Experiment
    result: Result


@dataclass(frozen=True)
class Addition:
    """The number of trials to add to a record. `run`: also run the command of a record from elsewhere.

    `strict` and `ignores` extend the options of the record. `settle` replaces the option of the record, unless it is
    "auto".
    """

    trials: int
    run: bool = False
    strict: bool = False
    ignores: Sequence[str] = ()
    settle: Literal["auto", "never", "always"] = "auto"


@dataclass(frozen=True)
class OneTrialRecord:
    """A record folder with one trial, as `record` makes it."""

    folder: Path
    trial: TrialFile

    @property
    def exit_code(self) -> int:
        """0 if the program ended well, 3 (inconclusive) if it did not."""
        return EXIT_CODES["repeated" if self.trial.status in ENDED_WELL else "inconclusive"]


def stop_tells(record: Path, *, replace: bool = False) -> None:
    """Make Ctrl-C name the command that shows what was recorded. `replace`: even if it already names one."""
    interrupt.tell(advice=f"samebits report {result_words.folder_name(record)}", replace=replace)


def run(
    request: Request,
    progress: Progress | None = None,
    *,
    hash_wanted: str | None = None,
    capacity: Capacity | None = None,
) -> Check:
    """Run the trials in rounds, and judge them. Stop when they diverge, end, or have made all requested steps.

    `hash_wanted`: the hash algorithm of a record with which this one will be compared. `capacity`: see
    `Experiment.begin`. Raises UsageError, NotFoundError or RecordExists before anything runs, and SamebitsError if the
    disk is full. On KeyboardInterrupt, all processes end and the record stays readable.
    """
    if request.against is not None:
        return _run_against(request, request.against, progress)
    if request.options.trials < 2:
        raise UsageError("One trial shows nothing: at least two are needed.", "samebits check -n 2 -- ...")
    experiment = Experiment.begin(request, progress, hash_wanted=hash_wanted, capacity=capacity)
    stop_tells(experiment.folder)
    return _look(experiment, list(range(1, request.options.trials + 1)))


def record(request: Request, progress: Progress | None = None) -> OneTrialRecord:
    """Run one trial to its end, or for the requested number of steps, and keep its record without a verdict."""
    request = replace(request, options=request.options.model_copy(update={"trials": 1}))
    experiment = Experiment.begin(request, progress)
    stop_tells(experiment.folder)
    finished = experiment.run(Limits(steps=request.options.steps), [1])
    experiment.settle()
    return OneTrialRecord(experiment.folder, finished.files[0])


def _run_against(request: Request, source: Path, progress: Progress | None = None) -> Check:
    """Compare new trials with the recorded ones. `trials` counts both kinds; at least one new trial runs."""
    old = store.open_record(source)
    files = recorded_trials.usable(old)
    _refuse_same_folder(request, source)
    request = replace(request, settled=old.file.settled)
    experiment = Experiment.begin(request, progress, hash_wanted=old.file.hash)
    stop_tells(experiment.folder)
    adopted = experiment.adopt(old)[0]
    ids = list(range(len(files) + 1, max(request.options.trials, len(files) + 1) + 1))

    def differences(finished: FinishedRound) -> list[str]:
        return recorded_trials.setup_differences(old.file, experiment.file, adopted, finished.files[0])

    return _look(experiment, ids, differences)


def _refuse_same_folder(request: Request, source: Path) -> None:
    """Raise UsageError if the new record would replace the one with which it is compared."""
    if request.out is None:
        return
    new, old = request.out.absolute().resolve(), source.absolute().resolve()
    if new == old or new in old.parents:
        what = f"{request.out} is the record of --against, or holds it."
        advice = "name a different folder with --out DIR; to add trials to a record, give --add N RECORD."
        raise UsageError(what, advice)


def run_more(folder: Path, addition: Addition, progress: Progress | None = None) -> Check:
    """Run more trials of a record, with as many steps as its last round had, and judge all trials.

    Trials that ended because samebits was stopped run again. If samebits was stopped before any trial was whole, all
    trials run again in rounds, because no number of new trials would give an answer otherwise.
    Raises UntrustedRecord for a record from elsewhere, unless `addition.run` is set, UsageError if its scripts have
    changed, and RecordError if a trial did not end well, so that more trials give no answer.
    """
    more = addition.trials
    recorded = store.open_record(folder)
    old = _asked_more(recorded, addition)
    begins_again = recorded_trials.is_unfinished(old)
    if not begins_again:
        recorded_trials.usable(old)
    recorded_trials.refuse_useless(old)
    origin.require(recorded, run=addition.run)  # as it was signed
    experiment = Experiment.resume(old, progress)
    stop_tells(experiment.folder)
    recorded_trials.refuse_changed(old, "check")
    experiment.recall(old.trials)
    experiment.change(trials=len(old.trials) + more)
    new = experiment.next_numbers(more)
    if begins_again:
        experiment.progress.note("samebits was stopped before the end of this check, so all its trials run again")
        return _look(experiment, [*(trial.id for trial in old.trials), *new])
    if cut := recorded_trials.interrupted(old):
        runs = words.agree(len(cut), "runs", "run")
        experiment.progress.note(f"{words.trials(cut)} {runs} again, because samebits was stopped before the end")
    steps, ids = recorded_trials.last_steps(old), [*cut, *new]
    finished = experiment.run(Limits(steps=steps), ids, back=clock_trials.held_back(experiment, ids))
    clock_trials.run(experiment, finished.left, steps)
    return _conclude(experiment)


def _asked_more(old: store.Record, addition: Addition) -> store.Record:
    options = old.file.options
    ignores = list(dict.fromkeys([*options.ignores, *addition.ignores]))
    settle = options.settle if addition.settle == "auto" else addition.settle
    changes = {"strict": options.strict or addition.strict, "ignores": ignores, "settle": settle}
    return replace(old, file=old.file.model_copy(update={"options": options.model_copy(update=changes)}))


def _look(experiment: Experiment, ids: list[int], remarks: Remarks | None = None) -> Check:
    """Run rounds until the trials diverge or no further round is needed, and return the finished check.

    `remarks`: makes warnings from the first round.
    """
    schedule, doubts, was_extended = Schedule(experiment.plan.options, len(ids)), list[str](), False
    limits: Limits | None = schedule.first()
    try:
        while limits is not None:
            judged = _round(experiment, limits, ids, doubts)
            finished = judged.finished
            if remarks is not None:
                experiment.note(remarks(finished))
                remarks = None
            if _train_in_threads(experiment):  # only their ends can be compared
                limits = schedule.whole(finished)
                experiment.end_waiting(_OTHERS_GO_ON if limits is not None else "")
                continue
            if (order := judged.order_of_networks) == "surely" or (order == "perhaps" and not was_extended):
                limits, was_extended = schedule.further(finished, is_sure=order == "surely"), True
                experiment.end_waiting(_IN_ANY_ORDER if limits is not None else "")
                continue
            limits = schedule.after(finished) if not finished.is_last and judged.repeats else None
    finally:
        experiment.end_waiting()
    ran = {file.id for file in finished.files}.union(finished.left)
    experiment.forget([number for number in ids if number not in ran])  # they waited when two others diverged
    for doubt in doubts:
        experiment.doubt(doubt)
    clock_trials.run(experiment, finished.left, finished.steps)
    return _conclude(experiment, finished)


@dataclass
class _JudgedRound:
    """The last round of a record. It is judged once, when its result is first used."""

    experiment: Experiment
    finished: FinishedRound

    @cached_property
    def result(self) -> Result:
        """The result of all trials so far."""
        return self.experiment.judge(steps=self.finished.steps, strict=False)

    @property
    def repeats(self) -> bool:
        """Whether all trials have the same bits, so that one more round makes sense."""
        return self.result.verdict == "repeated"

    @property
    def order_of_networks(self) -> network_orders.Answer:
        """Whether trials that differ may train the same networks in different orders."""
        from samebits.comparison.verdict import network_orders  # imports NumPy

        differ = self.result.divergence is not None
        return network_orders.may_differ(self.experiment.record.trials) if differ else "no"

    @property
    def is_sure(self) -> bool:
        """Whether no wait can have caused a difference.

        This holds if no trial waited, if all trials agree, if only a faster clock can explain a difference, if trials
        that did not wait diverge, or if the divergence comes before the first wait.
        """
        if self.repeats or self.is_open or (not self.finished.resumed and (not self.finished.held or self._is_early)):
            return True
        return self.diverge(self.not_waited)

    @property
    def is_open(self) -> bool:
        """Whether trials with a faster clock will show what a difference means. Such trials do not wait."""
        return clock_trials.is_asked(self.experiment)

    @property
    def _is_early(self) -> bool:
        """Whether the divergence is in what a process observed first: no trial waits before that."""
        divergence = self.result.divergence
        if divergence is None or divergence.step >= 0:
            return False
        processes = [process for file in self.finished.files for process in self.experiment.trial(file.id).observed]
        return all(process.began_with(divergence.name) for process in processes)

    @property
    def not_waited(self) -> set[int]:
        """The trials that did not wait, including trials of earlier commands."""
        ran = {file.id for file in self.finished.files} | set(self.finished.left)
        waited = ran if self.finished.resumed else self.finished.held
        return {number for group in self.result.groups for number in group if number not in waited}

    def diverge(self, trials: Iterable[int]) -> bool:
        """Return whether these trials are not all in one group."""
        return sum(not set(group).isdisjoint(trials) for group in self.result.groups) > 1

    def first_of_others(self, trials: set[int]) -> list[int]:
        """Return a trial of a group that has none of these trials; trials of two such groups if `trials` is empty."""
        first_ids = [group[0] for group in self.result.groups if set(group).isdisjoint(trials)]
        return first_ids[: 1 if trials else 2]


def _round(experiment: Experiment, limits: Limits, ids: list[int], doubts: list[str]) -> _JudgedRound:
    """Run one round, and judge it.

    If trials that waited diverge or do not end well, run them once more without a wait. If they then repeat, add the
    divergence to `doubts`.
    """
    options, is_first = experiment.file.options, not experiment.file.rounds
    back = clock_trials.held_back(experiment, ids, ends_early=not (options.full or options.models))
    judged = _JudgedRound(experiment, experiment.run(limits, ids, tries_first=is_first, back=back))
    if judged.finished.is_cut_short and judged.repeats:
        # what differed at the cut does not count for the verdict, so the trials go on
        further = replace(limits, steps=judged.finished.steps, grows=False)
        judged = _JudgedRound(experiment, experiment.run(further, ids, back=back))
    finished = judged.finished
    if not finished.some_waited or (finished.ended_well and judged.is_sure):
        return judged
    divergence = judged.result.divergence
    doubt = f"they diverged {words.at_step(divergence.step)}" if divergence is not None else "they gave no clear answer"
    experiment.end_waiting(f"after the trials had waited, {doubt}")
    far = divergence.step + FIRST if divergence is not None else None  # a little further may show one more model
    steps = min((limit for limit in (far, finished.steps) if limit), default=None)
    again = _without_waits(judged, replace(limits, waits=False, grows=False, steps=steps), ids)
    if divergence is not None and again.finished.ended_well and again.repeats:
        doubts.append(doubt)
    return again


def _without_waits(waited: _JudgedRound, limits: Limits, ids: list[int]) -> _JudgedRound:
    """Run trials again without a wait, until two that did not wait diverge, or until each has run without a wait."""
    experiment, sure, first = waited.experiment, set[int](), list[int]()
    if waited.finished.ended_well:
        sure = waited.not_waited
        others = waited.first_of_others(sure)
        first = [number for number in ids if number in others]
    files, seconds = {file.id: file for file in waited.finished.files}, waited.finished.seconds
    for batch in (first, [number for number in ids if number not in sure and number not in first]):
        if batch:
            finished = experiment.run(limits, batch)
            sure, seconds = sure | set(batch), seconds + finished.seconds
            files.update({file.id: file for file in finished.files})
            waited = _JudgedRound(experiment, replace(finished, files=[*files.values()], seconds=seconds))
            if waited.finished.ended_well and waited.diverge(sure):
                break
    return waited


def _train_in_threads(experiment: Experiment) -> bool:
    """Return whether a process trained in several threads, so that its steps cannot be compared."""
    from samebits.comparison.verdict.threads import trains_elsewhere

    return any(trains_elsewhere(process) for trial in experiment.record.trials for process in trial.processes)


def _conclude(experiment: Experiment, finished: FinishedRound | None = None) -> Check:
    """Judge all trials, and write result.json. Then measure the size of a divergence, which only a run can do."""
    result = experiment.judge().model_copy(update={"record": str(experiment.folder)})
    experiment.write(RESULT, result)
    where = captures.measurable(result, finished.files) if finished is not None else None
    if where is not None:
        experiment.progress.note(f"{result.sentence} Short trials now measure how far the values are apart.")
        size = captures.measure(experiment.record, where, experiment.capacity)
        result = result.model_copy(update={"divergence": where.model_copy(update={"size": size})})
        experiment.write(RESULT, result)
    experiment.settle()
    return Check(experiment, result)
