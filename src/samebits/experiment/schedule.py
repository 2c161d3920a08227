"""Describes rounds that have ended, and decides how many steps the trials of the next one make.

They make a few steps, then ten times as many, and at last all. The first trial of a round may show that the others need
not start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from samebits import clock
from samebits.launch.plan import Limits, Plan
from samebits.launch.processes.observations import Processes, read_json
from samebits.model import Options, Round, TrialFile

FIRST, FACTOR = 20, 10
NO_VERDICT = ("failed", "killed", "timeout", "unwatched")


@dataclass(frozen=True)
class FinishedRound:
    """One round that has ended. `files`: the documents of its trials, by number. `time_was_up`: a budget ended it.

    `resumed`: trials continued from where they had waited. `held`: the trials that waited for others before their first
    step. `some_waited`: a trial waited before the round, in it, or at its end. `at_a_time`: the most trials that ran
    together. `is_cut_short`: a trial made fewer steps than the others, because it had diverged. `left`: trials that did
    not run, because they will run with a faster clock.
    """

    steps: int | None
    seconds: float
    files: list[TrialFile]
    time_was_up: bool = False
    resumed: bool = False
    held: frozenset[int] = frozenset()
    some_waited: bool = False
    at_a_time: int = 1
    is_cut_short: bool = False
    left: tuple[int, ...] = ()

    @property
    def document(self) -> Round:
        """The round as the record keeps it."""
        trials = [file.id for file in self.files]
        return Round(steps=self.steps, trials=trials, seconds=self.seconds, at_a_time=self.at_a_time)

    @property
    def ended_well(self) -> bool:
        """Whether no trial ended in a way that gives no verdict."""
        return not any(file.status in NO_VERDICT for file in self.files)

    @property
    def is_last(self) -> bool:
        """Whether a further round would show nothing new: time was up, no trial was stopped, or one gave no verdict."""
        statuses = {file.status for file in self.files}
        return self.time_was_up or "stopped" not in statuses or not self.ended_well


class Schedule:
    """Decides which round comes next. Pure, except for the clock that measures `budget`."""

    def __init__(self, options: Options, trials: int) -> None:
        self._options, self._trials = options, trials
        self._began = clock.now()
        self._past: list[tuple[int, float]] = []

    def first(self) -> Limits:
        """Return the limits of the first round: whole trials with --full, a few steps otherwise."""
        steps = self._options.steps if self._options.full else self._capped(FIRST)
        grows = steps is not None and not self._options.full and self._options.budget is None
        most = self._options.steps
        waits = grows and steps != most
        return Limits(steps=steps, seconds=self._share(), grows=grows, most=most, waits=waits, together=grows)

    def after(self, finished: FinishedRound) -> Limits | None:
        """Return the limits of the round after this one; None if this one was the last."""
        if finished.is_last or finished.steps is None or finished.steps == self._options.steps:
            return None
        self._past.append((finished.steps, finished.seconds))
        steps = self._capped(finished.steps * FACTOR)
        if self._options.budget is None:
            return Limits(steps=steps, waits=steps != self._options.steps, together=True)
        return self._within_budget(finished.steps, steps)

    def whole(self, finished: FinishedRound) -> Limits | None:
        """Return the limits of a round in which trials run as far as the user asked; None if this round did that."""
        if finished.is_last or finished.steps is None or finished.steps == self._options.steps:
            return None
        return Limits(steps=self._options.steps, seconds=self._share())

    def further(self, finished: FinishedRound, *, is_sure: bool) -> Limits | None:
        """Return the limits of a round that may show more networks of trials that diverge; None if it cannot.

        The trials start again, so that a wait cannot be the cause of a difference. `is_sure`: the orders of the
        networks certainly differ, so the round compares whole trials.
        """
        limits = self.whole(finished) if is_sure else self.after(finished)
        return limits and replace(limits, waits=False, together=False)

    def _capped(self, steps: int) -> int:
        return steps if self._options.steps is None else min(steps, self._options.steps)

    def _left(self) -> float:
        assert self._options.budget is not None
        return self._options.budget - (clock.now() - self._began)

    def _share(self) -> float | None:
        """Return the seconds that the first trial of a round may take, so that the others fit into the budget too."""
        if self._options.budget is None:
            return None
        jobs = 1 if self._options.jobs == "auto" else self._options.jobs  # with a budget, trials run one at a time
        others = -(-(self._trials - 1) // jobs)
        return max(self._left(), 0.0) / (1 + others)

    def _within_budget(self, made: int, steps: int) -> Limits | None:
        """Return the limits of the next round.

        If it does not fit into the budget, this is a last round of as many steps as fit; None if too few fit.
        """
        start, each = estimate(self._past)
        left = self._left()
        fitting = int((left * 0.9 - start) / each) if each > 0 else steps
        if fitting >= steps:
            return Limits(steps=steps, seconds=self._share())
        return Limits(steps=fitting, seconds=self._share()) if fitting >= 2 * made else None


def after_first(limits: Limits, first: TrialFile, options: Options) -> Limits:
    """Return the limits of the other trials: the steps that the first made (if time was up) or was allowed to make.

    If the first was allowed more steps than `limits.steps`, a later trial makes more, too, unless it has diverged from
    the first. If the user compares metrics or files, all trials go on, because these are compared at the end.
    """
    others = replace(limits, seconds=None, grows=False)
    if limits.grows and first.stop_after != limits.steps and not (options.metrics or options.artifacts):
        return replace(others, most=first.stop_after, reference=first.id)
    if limits.grows or (limits.seconds is not None and first.status == "stopped"):
        return replace(others, steps=first.stop_after)
    return others


def estimate(past: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Estimate (seconds to start, seconds per step) of a round, from rounds of known steps and seconds.

    If only one round is known, half of its time counts as the time to start.
    """
    steps, seconds = past[-1]
    if len(past) < 2:
        return seconds / 2, seconds / 2 / steps
    fewer, quicker = past[-2]
    each = max((seconds - quicker) / (steps - fewer), 0.0)
    return max(seconds - each * steps, 0.0), each


def is_enough(plan: Plan, first: TrialFile, *, tries_first: bool) -> bool:
    """Return whether the first trial of a round shows that the others need not start."""
    if first.status == "complete" and _files(plan, first).get("patterns_without_match"):
        return True  # a pattern of --artifact matches no file: the user should know at once
    return tries_first and _gives_no_verdict(plan, first)


def _gives_no_verdict(plan: Plan, file: TrialFile) -> bool:
    """Return whether more trials like this one would show nothing: it ended badly, or left nothing to compare."""
    if file.status in NO_VERDICT:
        return True
    if plan.options.artifacts or _files(plan, file).get("files"):
        return False
    return not Processes(plan.trial_folder(file.id)).observing()  # the program's globals may hold its model


def _files(plan: Plan, file: TrialFile) -> dict[str, Any]:
    return read_json(plan.trial_folder(file.id) / "files.json") or {}
