"""Rounds: all trials run for a few steps, then for ten times as many, and at last whole."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samebits import interrupt
from samebits.errors import SamebitsError
from samebits.launch.environment import Slot
from samebits.launch.hosts import HostedTrial, TrialOrder
from samebits.launch.leaks import Leaks
from samebits.launch.limits import Limits
from samebits.launch.observations import Processes, read_json
from samebits.launch.pauses import PausedTrials
from samebits.launch.plan import Plan
from samebits.launch.trial import TrialRun
from samebits.model import STOPPED_BY_USER, Options, Round, TrialFile

FIRST, FACTOR = 20, 10
_TELL = 0.25  # seconds between two words about a trial's steps
NO_VERDICT = ("failed", "killed", "timeout", "unwatched")
_LEAST_FREE = 64 << 10  # bytes
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Progress:
    """Is told what happens while trials run. This one is silent. Override what you show, and return at once."""

    def round_started(self, steps: int | None, trials: int) -> None:
        """A round begins: `steps` steps of each trial (None: whole trials)."""

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """A trial begins, known by its number. `of`: how many there will be.

        `steps_total`: how many steps it will make, None if that is not known.
        """

    def trial_step(self, trial: int, step: int) -> None:
        """A trial has made so many steps."""

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """A trial is over. `steps`: how many it has made."""

    def note(self, text: str) -> None:
        """A sentence to show."""

    def part_started(self, text: str) -> None:
        """A new part of a longer search begins: the trials shown so far have ended."""


@dataclass(frozen=True)
class FinishedRound:
    """One round that has ended. `files`: the documents of its trials, by number. `time_was_up`: a budget ended it.

    `resumed`: trials went on where they had waited. `some_waited`: a trial waited before the round, or at its end.
    """

    steps: int | None
    seconds: float
    files: list[TrialFile]
    time_was_up: bool = False
    resumed: bool = False
    some_waited: bool = False

    @property
    def document(self) -> Round:
        """The round as the record keeps it."""
        return Round(steps=self.steps, trials=[file.id for file in self.files], seconds=self.seconds)

    @property
    def ended_well(self) -> bool:
        """Whether no trial ended in a way that gives no verdict."""
        return not any(file.status in NO_VERDICT for file in self.files)

    @property
    def is_last(self) -> bool:
        """Whether more rounds show nothing new: no trial was stopped, or one ended in a way that gives no verdict."""
        statuses = {file.status for file in self.files}
        return self.time_was_up or "stopped" not in statuses or not self.ended_well


class Trials:
    """Runs trials of a plan, `jobs` at a time, and remembers what they wrote."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.leaks = Leaks(plan.directory, plan.record)
        self._waiting = PausedTrials()
        self._running: dict[int, HostedTrial] = {}
        self._told: dict[int, float] = {}

    def run_round(self, limits: Limits, ids: Sequence[int], *, tries_first: bool = False) -> FinishedRound:
        """Run these trials, each in a folder of the same path as before: those that wait go on, others start anew.

        `tries_first`: where the first trial ends in a way that gives no verdict, the others are not started; it runs
        alone unless it is a whole one. With `limits.seconds` the first trial ends there, with `limits.grows` it may
        make more steps. The others end after as many steps as it made, or was allowed.
        Whatever ends a round early, Ctrl-C too, ends its trials first and leaves what they recorded.
        """
        began, asked = time.monotonic(), limits
        resumed = any(number in self._waiting for number in ids)
        to_come, done = self._waiting.in_order(ids), list[TrialFile]()
        self.progress.round_started(limits.steps, len(ids))
        alone = limits.seconds is not None or limits.grows or (tries_first and limits.steps is not None)
        with interrupt.waited_for() as look, self._ended_with_the_block():
            while to_come or self._running:
                look()
                self._fill(to_come, limits, jobs=1 if alone else self.plan.options.jobs, of=max(ids))
                ended = list(self._poll(len(ids)))
                if ended and not done and self._is_enough(ended[0], tries_first=tries_first):
                    to_come.clear()
                if ended and alone:
                    limits, alone = _after_first(limits, ended[0]), False
                done += ended
                self._tell_refusal()
                time.sleep(min((trial.pace for trial in self._running.values()), default=0))
        files = sorted(done, key=lambda file: file.id)
        was_up = asked.seconds is not None and limits.steps != asked.steps
        waited = resumed or len(self._waiting) > 0
        seconds = time.monotonic() - began
        return FinishedRound(limits.steps, seconds, files, was_up, resumed=resumed, some_waited=waited)

    def end_waiting(self, why: str = "") -> list[int]:
        """End the trials that wait, and tell their numbers. `why`: none waits from now on."""
        ended = self._waiting.refuse(why) if why else self._waiting.end()
        self._tell_refusal()
        return ended

    def _tell_refusal(self) -> None:
        why = self._waiting.new_refusal()
        if why:
            self.progress.note(f"{why}: the next round starts all trials anew")

    def _fill(self, to_come: list[int], limits: Limits, *, jobs: int, of: int) -> None:
        """Start as many as may run at a time. A trial that waits goes on in the place in which it began."""
        for slot in range(jobs):
            if slot in self._running or not to_come:
                continue
            there = [number for number in to_come if self._waiting.slots.get(number, slot) == slot]
            if there:
                to_come.remove(there[0])
                self.progress.trial_started(there[0], of, limits.steps)
                self._begin(there[0], limits, Slot(slot, self.plan.options.jobs))

    def _begin(self, number: int, limits: Limits, slot: Slot) -> None:
        """Let a trial go on, or start it. One that goes on counts as running at once: whatever ends us ends it, too."""
        trial = self._waiting.take(number)
        if trial is not None:
            self._running[slot.number] = trial
            trial.go_on(limits)
            return
        self._running[slot.number] = self.plan.host.start(TrialOrder(self.plan, number, limits, slot, self.leaks))

    def _poll(self, of: int) -> Iterator[TrialFile]:
        """The trials that have ended since the last look, or wait. `of`: how many the round has."""
        for slot, trial in list(self._running.items()):
            if not trial.poll():
                self._tell(trial)
                self._waiting.look_at(trial)
                continue
            file = trial.fetch()
            del self._running[slot]
            self.progress.trial_ended(trial.id, file.status, trial.steps(), file.seconds)
            self._wait_or_end(trial, file, of)
            _check_space(self.plan.record)
            yield file

    def _wait_or_end(self, trial: HostedTrial, file: TrialFile, of: int) -> None:
        if isinstance(trial, TrialRun) and trial.waits:
            self._waiting.add(trial, more=of - len(self._waiting) - 1)
        elif trial.limits.waits and file.status == "stopped":
            self._waiting.refuse(self.plan.host.no_waiting)
        self._waiting.look()

    @contextmanager
    def _ended_with_the_block(self) -> Iterator[None]:
        """No trial runs on after the block, whatever ends it."""
        try:
            yield
        finally:
            self._abort()

    def _is_enough(self, first: TrialFile, *, tries_first: bool) -> bool:
        """Whether the first trial of a round shows that the others need not start."""
        return self._misses_artifacts(first) or (tries_first and self._gives_no_verdict(first))

    def _gives_no_verdict(self, file: TrialFile) -> bool:
        """Whether more trials like this one would show nothing: it ended badly, or left nothing to compare."""
        if file.status in NO_VERDICT:
            return True
        if self.plan.options.artifacts or self._files(file).get("files"):
            return False
        return not Processes(self.plan.trial_folder(file.id)).observing()  # the program's globals may hold its model

    def _misses_artifacts(self, file: TrialFile) -> bool:
        """Whether a pattern of --artifact matches no file of a whole trial. The user should know that at once."""
        return file.status == "complete" and bool(self._files(file).get("patterns_without_match"))

    def _files(self, file: TrialFile) -> dict[str, Any]:
        return read_json(self.plan.trial_folder(file.id) / "files.json") or {}

    def _tell(self, trial: HostedTrial) -> None:
        now = time.monotonic()
        if now - self._told.get(trial.id, 0.0) > _TELL:
            self._told[trial.id] = now
            self.progress.trial_step(trial.id, trial.steps())

    def _abort(self) -> None:
        running, self._running = list(self._running.values()), {}
        if running:
            self.end_waiting()
        for trial in running:
            trial.cancel(STOPPED_BY_USER)


def _after_first(limits: Limits, file: TrialFile) -> Limits:
    """The limits of the other trials: as many steps as the first one made if time was up, or as it was allowed."""
    if limits.grows or (limits.seconds is not None and file.status == "stopped"):
        limits = replace(limits, steps=file.stop_after)
    return replace(limits, seconds=None, grows=False)


class Schedule:
    """Decides which round comes next. Pure, except for the clock that measures `budget`."""

    def __init__(self, options: Options, trials: int) -> None:
        self._options, self._trials = options, trials
        self._began = time.monotonic()
        self._past: list[tuple[int, float]] = []

    def first(self) -> Limits:
        """The first round: whole with --full, else a few steps."""
        steps = self._options.steps if self._options.full else self._capped(FIRST)
        grows = steps is not None and not self._options.full and self._options.budget is None
        most = self._options.steps
        return Limits(steps=steps, seconds=self._share(), grows=grows, most=most, waits=grows and steps != most)

    def after(self, looked: FinishedRound) -> Limits | None:
        """The round after this one, or None if it was the last one."""
        if looked.is_last or looked.steps is None or looked.steps == self._options.steps:
            return None
        self._past.append((looked.steps, looked.seconds))
        steps = self._capped(looked.steps * FACTOR)
        if self._options.budget is None:
            return Limits(steps=steps, waits=steps != self._options.steps)
        return self._within_budget(looked.steps, steps)

    def whole(self, looked: FinishedRound) -> Limits | None:
        """The trials up to where they were asked to go, or None if the round did that."""
        if looked.is_last or looked.steps is None or looked.steps == self._options.steps:
            return None
        return Limits(steps=self._options.steps, seconds=self._share())

    def _capped(self, steps: int) -> int:
        return steps if self._options.steps is None else min(steps, self._options.steps)

    def _left(self) -> float:
        assert self._options.budget is not None
        return self._options.budget - (time.monotonic() - self._began)

    def _share(self) -> float | None:
        """Seconds that the first trial of a round may take, so that the others fit into the budget too."""
        if self._options.budget is None:
            return None
        others = -(-(self._trials - 1) // self._options.jobs)
        return max(self._left(), 0.0) / (1 + others)

    def _within_budget(self, made: int, steps: int) -> Limits | None:
        """The next round if it fits; else one last round of as many steps as fit, if that is worth the starts."""
        start, each = estimate(self._past)
        left = self._left()
        fitting = int((left * 0.9 - start) / each) if each > 0 else steps
        if fitting >= steps:
            return Limits(steps=steps, seconds=self._share())
        if fitting < 2 * made:
            return None
        return Limits(steps=fitting, seconds=self._share())


def estimate(past: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """(seconds to start, seconds a step) of a round, from rounds of known steps and seconds.

    With one round only, half of its time is taken to be its starts.
    """
    steps, seconds = past[-1]
    if len(past) < 2:
        return seconds / 2, seconds / 2 / steps
    fewer, quicker = past[-2]
    each = max((seconds - quicker) / (steps - fewer), 0.0)
    return max(seconds - each * steps, 0.0), each


@contextmanager
def full_disk_said(record: Path) -> Iterator[None]:
    """Turn the system's error about a full disk into one for people."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _full(record) from None


def _check_space(record: Path) -> None:
    """Raise SamebitsError if the record's disk is full: a probe that could not write cannot say so."""
    if shutil.disk_usage(record).free < _LEAST_FREE:
        raise _full(record)


def _full(record: Path) -> SamebitsError:
    """The error for a full disk."""
    return SamebitsError(
        f"The disk is full: {record} could not be written to its end. What was recorded until then can be read.",
        "Make room, or give --out a folder on a different disk.",
    )
