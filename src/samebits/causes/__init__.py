"""Finds the cause of a divergence by intervention: it runs trials with different sets of controls.

First no control is held, then all controls, then smaller sets, until the smallest sets that suffice are known.

`search` holds the search, which sees only what trials show; `settings` runs the trials and keeps their records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from samebits import checks, clock, controls, interrupt, ops, store
from samebits.causes import document, estimate
from samebits.causes.candidates import Clues, Conclusion, SearchOptions
from samebits.causes.confirmation import Confirmation, Cost, confirm, costs, extend, run_all, step_time
from samebits.causes.document import Spent
from samebits.causes.estimate import Corrections
from samebits.causes.kept_settings import record_of, stopped_search
from samebits.causes.search import search
from samebits.causes.settings import FOLDER, Setting, SettingRecords, adopt
from samebits.checks import Check
from samebits.experiment import Experiment, Progress, Request, recorded_trials
from samebits.experiment.estimates import CostEstimate
from samebits.experiment.progress import QuietProgress
from samebits.launch import origin
from samebits.launch.plan import AGAIN
from samebits.model import Result
from samebits.ops import ReplayResult
from samebits.reports.result_words import OPERATOR_KINDS, folder_name, later_leavers
from samebits.store.record import RESULT

__all__ = ["Cause", "OperatorReplay", "explained", "run"]

LEAST_SECONDS = 0.5  # of steps in a trial; with less, leaving out the steps after the divergence saves too little
MARGIN = 5  # steps that are kept after the last divergence


@dataclass(frozen=True)
class Cause:
    """The conclusion of the search, its confirmation over more steps, and the costs (None: not measured)."""

    conclusion: Conclusion
    confirmed: Confirmation | None
    cost: dict[str, Cost] | None


def run(
    asked: Request | Path,
    progress: Progress | None = None,
    *,
    run: bool = False,
    alternatives: bool = False,
    again: bool = True,
) -> Check:
    """Find out why the trials of a request (after a check) or of the record in a folder diverge.

    If the search for the same was stopped before its end, it goes on there.
    New trials of the check join the record. The trials of the search have records below it. `run`: run the command even
    if the record is from elsewhere. `alternatives`: also look for sets that nobody would choose. `again`: search also
    if the record holds the result of a search over the same trials. Raises the errors of `checks.run`; for a record,
    NotFoundError if its command or its folder is gone, UsageError if its scripts have changed since, and
    UntrustedRecord if it is from elsewhere.
    """
    began = clock.now()
    if not isinstance(asked, Path):
        # the evidence of the search begins with these trials, so all of them run
        options = asked.options.model_copy(update={"models": True})
        asked = replace(asked, options=options, again=AGAIN)
        asked = record_of(asked) or asked
    checked = _recorded(asked, progress, run=run) if isinstance(asked, Path) else checks.run(asked, progress)
    earlier = None if again else _earlier_check(checked)
    return earlier or explained(checked, began, alternatives=alternatives)


def _earlier_check(checked: Check) -> Check | None:
    """Return the check with the result of an earlier search over the same trials; None if there is none."""
    experiment, result = checked
    left = store.left_result(experiment.folder)
    if left is None or left.explanation is None or left.explanation.unfinished or left.groups != result.groups:
        return None
    return Check(experiment, left.model_copy(update={"record": result.record}))


def _recorded(folder: Path, progress: Progress | None, *, run: bool) -> Check:
    """Return the check of a recorded request: its trials, judged again."""
    old = store.open_record(folder)
    recorded_trials.usable(old)
    origin.require(old, run=run)
    experiment = Experiment.resume(old, progress)
    checks.stop_tells(experiment.folder)
    experiment.recall(old.trials)
    recorded_trials.refuse_changed(old, "explain")
    judged = experiment.judge().model_copy(update={"record": str(experiment.folder)})
    return Check(experiment, judged.sized_as(store.left_result(folder)))


def explained(checked: Check, began: float, *, alternatives: bool = False) -> Check:
    """Return the check with its explanation, and write it to the record. Inconclusive trials have no explanation."""
    experiment, result = checked
    if result.verdict == "repeated":
        return _written(experiment, result.model_copy(update={"explanation": document.nothing(result)}))
    if result.verdict == "inconclusive" or result.divergence is None:
        return checked
    experiment.progress = progress = QuietProgress(experiment.progress)
    first, stopped = adopt(experiment, result), stopped_search(experiment.folder)
    steps = _steps(result, first)
    if stopped is not None:
        progress.note(f"the search in {folder_name(experiment.folder)} goes on where it was stopped")
        began -= stopped.seconds
        steps = next((row.steps for row in stopped.evidence[1:]), steps)
    interrupt.tell(advice=f"samebits explain {folder_name(experiment.folder)}   (goes on)", replace=True)
    keep = partial(_keep, result=result, began=began)
    settings = SettingRecords(first, progress, keep, goes_on=stopped is not None)
    is_one_process = all(len(trial.processes) == 1 for trial in experiment.record.trials)
    settings.steps, first.early_end = steps, (is_one_process and _steps_to_divergence(result)) or steps
    replay = OperatorReplay(settings, result)
    why = _Inquiry(settings, result, replay, began, alternatives=alternatives).cause()
    judged = _as_check_left_it(first.result or result, result)
    spent = Spent(settings.trials + replay.trials, clock.now() - began, settings.at_a_time)
    explanation = document.explanation(settings, why, _operator(replay, why.conclusion), spent)
    update = {"explanation": explanation, "warnings": explanation.warnings(judged.warnings, judged.unseeded)}
    return _written(experiment, judged.model_copy(update=update))


@dataclass
class _Inquiry:
    """Searches again and again, over more and more steps of the training.

    `steps`: the number of steps of a trial that does not confirm a cause. `extended_sets`: the sets that samebits has
    tried over as many steps as there is time for.
    """

    settings: SettingRecords
    result: Result
    replay: OperatorReplay
    began: float
    alternatives: bool
    steps: int | None = None
    extended_sets: list[list[str]] = field(default_factory=list)

    def cause(self) -> Cause:
        """Search, then confirm the result over more steps. Search again as long as a further cause shows there."""
        self.steps = self.settings.steps
        expected = self._estimate()
        self.settings.progress.estimate(expected)
        self.settings.corrections = Corrections(expected, clock.now())
        conclusion, last = self._search(), None
        while conclusion.minimal and not conclusion.outside:
            last = self._confirmed(conclusion)
            if not last.seen.diverges():
                break
            self._end_after_divergence(conclusion.cause)
            conclusion = self._search()
        self.settings.steps = self.settings.setting(conclusion.cause).steps
        return Cause(conclusion, last, costs(self.settings, conclusion.minimal) if conclusion.minimal else None)

    def _confirmed(self, conclusion: Conclusion) -> Confirmation:
        if conclusion.cause in self.extended_sets:
            return run_all(self.settings, conclusion.cause, conclusion.rule.full)
        return confirm(self.settings, conclusion.cause, conclusion.rule.full, clock.now() - self.began)

    def _extend(self, names: Sequence[str], trials: int) -> None:
        """Try a set that is probably the cause over more steps. The trials that confirm it run later."""
        left = self.settings.setting(names).time_left(trials) or 0.0
        if extend(self.settings, names, trials, clock.now() - self.began + left).diverges():
            self._end_after_divergence(names)
        else:
            self.extended_sets.append([*names])

    def _shorten(self) -> None:
        self.settings.steps = self.steps

    def _end_after_divergence(self, names: Sequence[str]) -> None:
        """Let later trials end a few steps after the point at which the trials of this set diverge."""
        setting = self.settings.setting(names)
        assert setting.result is not None
        self.settings.lengthen(_steps(setting.result, setting))
        self.steps = self.settings.steps
        self.extended_sets.clear()

    def _estimate(self) -> CostEstimate:
        """Return how many trials the search will need, and how long they will take."""
        files = self.settings.setting([]).files
        fewest, most = estimate.trials(self.settings.look([], 0), self._candidates, self._clues())
        seconds = sum(file.seconds for file in files) / len(files)
        return CostEstimate("most searches need another", fewest, most, seconds, self.settings.at_a_time)

    @property
    def _candidates(self) -> list[str]:
        return [name for name in controls.of_sources() if name not in self.settings.base]

    def _search(self) -> Conclusion:
        settings, candidates = self.settings, self._candidates
        options = SearchOptions(self.alternatives, settings.progress.note, self._extend, self._shorten)
        return search(settings, candidates, settings.look([], 0), self._clues(), options)

    def _clues(self) -> Clues:
        assert self.result.divergence is not None
        unseeded = set(self.result.unseeded)
        trials = self.settings.all[0].experiment.record.trials
        points = (point for trial in trials for process in trial.processes for point in process.points)
        agreeing = {point.name for point in points if point.kind == "rng"} - unseeded
        return Clues(
            self.result.divergence.kind,
            [control.id for control in controls.table() if unseeded.intersection(control.generators)],
            [control.id for control in controls.table() if agreeing.intersection(control.generators)],
            self.replay.differs,
        )


def _steps(result: Result, first: Setting) -> int | None:
    """Return how many steps each trial of the search makes: as many as the trials that diverged.

    If the steps take most of a trial's time, a trial ends a few steps after the last divergence.
    """
    enough, each = _steps_to_divergence(result), step_time(first, 1)
    trial = result.trials[0]
    if enough is None or each is None or each * trial.steps < max(trial.seconds / 2, LEAST_SECONDS):
        return first.steps
    return enough if first.steps is None else min(first.steps, enough)


def _steps_to_divergence(result: Result) -> int | None:
    """Return the steps of a trial that ends a little after the last divergence; None if trials diverge at the end."""
    divergence = result.divergence
    if divergence is None or divergence.kind in ("end", "structure"):
        return None
    last = max([divergence.step, *later_leavers(result).values()]) + 1
    return last + max(MARGIN, last // 4)


def _as_check_left_it(result: Result, first: Result) -> Result:
    """Return the result over all trials with nothing held. The result keeps the size that the check measured."""
    return result.sized_as(first).model_copy(update={"record": first.record})


def _keep(settings: SettingRecords, result: Result, began: float) -> None:
    """Write what is known so far into the record, in case the search is stopped before its end."""
    judged = _as_check_left_it(settings.all[0].result or result, result)
    so_far = document.unfinished(settings, clock.now() - began)
    interrupt.tell(known=so_far.sentence)
    _written(settings.all[0].experiment, judged.model_copy(update={"explanation": so_far}))


def _written(experiment: Experiment, result: Result) -> Check:
    experiment.write(RESULT, result)
    return Check(experiment, result)


def _operator(replay: OperatorReplay, conclusion: Conclusion) -> str | None:
    """Return the operator to blame; None if no control of a found cause changes how operators compute."""
    if conclusion.cause and not any(controls.describe(name).is_of_operators for name in conclusion.cause):
        return None
    return replay.first


class OperatorReplay:
    """Finds the operator to blame by a replay of the step in which trials diverge. Only PyTorch.

    The replay runs when it is first needed.
    """

    def __init__(self, settings: SettingRecords, result: Result) -> None:
        self._settings, self._where = settings, result.divergence
        kind = result.divergence.kind if result.divergence else None
        self.applies = kind in OPERATOR_KINDS and "torch" in result.setup.packages
        self.trials = 0

    @property
    def first(self) -> str | None:
        """The schema name of the first operator of the step that gives different bits for the same inputs."""
        return next((differed.operator for differed in self._replayed.differed), None) if self.applies else None

    def differs(self) -> bool | None:
        """Return whether an operator gives different bits for the same inputs; None if nothing could be replayed."""
        has_replayed = self.applies and self._replayed.outcome != "nothing"
        return self.first is not None if has_replayed else None

    @cached_property
    def _replayed(self) -> ReplayResult:
        self.trials += 1
        first, settings = self._settings.all[0].plan, self._settings
        options = first.request.options.model_copy(update={"timeout": settings.longest})
        request = replace(first.request, controls=sorted(settings.base), preset=None, options=options)
        step = max(self._where.step, 0) if self._where else 0
        return ops.replay(request, step, folder=first.record / FOLDER / "operators", progress=settings.progress)
