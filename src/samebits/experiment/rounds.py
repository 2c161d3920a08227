"""Rounds: trials run for a number of steps, one by one or side by side, and may wait for the next round."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from samebits import clock, imports, interrupt
from samebits.endings import STOPPED_BY_USER
from samebits.experiment import starts
from samebits.experiment.held_back import HeldBack
from samebits.experiment.progress import Progress
from samebits.experiment.schedule import NO_VERDICT, FinishedRound, after_first, is_enough
from samebits.launch.capacity.capacity import Capacity, Usage
from samebits.launch.environment import Slot
from samebits.launch.files.custody import check_space
from samebits.launch.files.working_folder import SharedFolder
from samebits.launch.hosts import HostedTrial, TrialOrder
from samebits.launch.outside import Outside, shown
from samebits.launch.plan import Limits, Plan
from samebits.launch.trial.local_host import handles_of
from samebits.launch.trial.pauses import PausedTrials
from samebits.launch.trial.trial_run import TrialRun
from samebits.model import TrialFile

_TELL = 0.25  # seconds between two messages about a trial's steps
_PACE = 0.1  # seconds between two looks for a free place, while trials of a different record have all places
_NOTICEABLE = 1.0  # seconds, by which starts may differ on a busy machine
_APART = 1.25  # seconds between two starts: trials that seed from a clock of whole seconds must not get the same seed


class Trials:
    """Runs trials of a plan, as many at a time as `capacity` allows, and remembers which files they wrote."""

    def __init__(self, plan: Plan, progress: Progress, capacity: Capacity | None = None) -> None:
        self.plan, self.progress = plan, progress
        self.outside = Outside(plan.directory, plan.record, plan.request.command)
        self.room = None if plan.options.isolate else SharedFolder.of(plan.directory)
        alone = "the time of one trial decides how the time budget is used" if plan.options.budget else ""
        self.capacity = capacity or Capacity(plan.options.jobs, alone=alone, slots=plan.host.slots)
        self._waiting = PausedTrials()
        self._running: dict[int, HostedTrial] = {}
        self._told: dict[int, float] = {}
        self._is_measured, self._usage, self._disturbance = False, Usage(1, 0), ""
        self.lost: list[int] = []  # trials that started again because their node was lost
        self._held: dict[int, float] = {}  # seconds for which trials of this round waited before their first step
        self._at_start: dict[int, float] = {}  # when each trial began to wait before its first step
        self._others_from = 0.0  # when other trials may start beside the first one of a round
        self._to_tell = plan.said

    def run_round(
        self, limits: Limits, ids: Sequence[int], *, tries_first: bool = False, back: HeldBack | None = None
    ) -> FinishedRound:
        """Run these trials, each in the same folder as before: trials that wait continue, all others start again.

        `tries_first`: if the first trial ends in a way that gives no verdict, the others do not start. So the first
        trial runs alone, unless it is a whole trial. With `limits.seconds` the first trial ends after this time; with
        `limits.grows` it may make more steps. The other trials end after as many steps as the first one made, or was
        allowed to make. If a round ends early, for example by Ctrl-C, its trials end first, and their recorded files
        stay. If trials may have disturbed each other, and the user did not ask for several at a time, all trials start
        again, one by one. `back`: keeps trials back.
        """
        was_own = self.capacity.is_own
        if self._to_tell:
            self.progress.note(self._to_tell)
            self._to_tell = ""
        back = back or HeldBack()
        finished = self._round(limits, ids, tries_first=tries_first, back=back)
        why = self._why_one_by_one(finished) if was_own and finished.at_a_time > 1 else ""
        if not why:
            return finished
        self.capacity.refuse(why)
        self._waiting.end()
        self.progress.note(f"{why}: all trials start again, one by one")
        again = self._round(limits, ids, tries_first=tries_first, back=back)
        return replace(again, seconds=finished.seconds + again.seconds)

    def _why_one_by_one(self, finished: FinishedRound) -> str:
        """Return why trials side by side seem to have disturbed each other; "" if they do not."""
        if not self.capacity.is_own:  # meanwhile trials of a different record have disturbed each other
            return self.capacity.why
        if not self.capacity.is_auto:
            return self._disturbance
        badly = next((f for f in finished.files if f.status in NO_VERDICT and f.clock_rate == 1), None)
        return self._disturbance or (f"trial {badly.id} did not end well beside a second trial" if badly else "")

    def _round(self, limits: Limits, ids: Sequence[int], *, tries_first: bool, back: HeldBack) -> FinishedRound:
        began, wanted, most = clock.now(), limits, 1
        self._disturbance, self._held = "", {}
        resumed = any(number in self._waiting for number in ids)
        to_come, done = self._waiting.in_order(ids), list[TrialFile]()
        begun = self.progress.growing_round_started if limits.grows else self.progress.round_started
        begun(limits.steps, len(ids))
        if len(self._waiting) > 1:
            self.progress.note("the trials go on where they stopped, the last trial first")
        alone = limits.seconds is not None or limits.grows or (tries_first and limits.steps is not None)
        alone = alone or (len(ids) > 1 and not self.capacity.is_known(limits.steps))
        jobs = 1 if alone else self.capacity.fitting(len(ids))
        back.begin(to_come, are_whole=limits.steps is None and not alone, room=jobs)
        self._is_measured = alone and len(ids) > 1 and self.capacity.is_auto
        # if min(ids) > 1, the first trials of the record started long before
        self._others_from = 0.0 if alone or min(ids) > 1 or not self._is_auto else math.inf
        with interrupt.waited_for() as look, self.capacity.places.of_a_round(), self._ended_with_the_block():
            while to_come or self._running:
                look()
                done += [] if alone else self._start_together(to_come, limits, look)
                self._fill(to_come, limits, jobs=jobs, of=max(ids))
                most = max(most, len(self.capacity.places.taken))
                ended = [file for file in self._poll(len(ids)) if not self._starts_again(file, to_come)]
                if ended and not done and is_enough(self.plan, ended[0], tries_first=tries_first):
                    to_come.clear()
                    back.ids.clear()
                if ended and alone:
                    limits, alone = after_first(limits, ended[0], self.plan.options), False
                    self._learn(ended[0])
                    jobs = self.capacity.fitting(len(to_come))
                done += ended
                back.look(to_come, done, running=len(self._running), room=jobs)
                self._tell_refusal()
                if not ended or self.capacity.places.are_shared:  # if a trial ended, the next one starts at once
                    self._pause(_PACE if to_come else 0)
        was_up = wanted.seconds is not None and limits.steps != wanted.steps
        waited = resumed or len(self._waiting) > 0 or bool(self._held)
        held = frozenset(number for number, seconds in self._held.items() if seconds > _NOTICEABLE)
        return FinishedRound(
            limits.steps_in_all, clock.now() - began, sorted(done, key=lambda file: file.id), was_up,
            resumed=resumed, some_waited=waited, at_a_time=most, held=held, is_cut_short=any(map(limits.has_cut, done)),
            left=tuple(back.ids),
        )  # fmt: skip

    def _start_together(self, to_come: list[int], limits: Limits, look: Callable[[], None]) -> list[TrialFile]:
        """Start the next trials, the first of a round before all others, and let each wait before its first step.

        Return those that ended without a step.
        """
        group, ended = self._group(to_come, limits), list[TrialFile]()
        left = list(enumerate(group))
        while left or (group and self._running):
            look()
            if left and (len(left) == len(group) or clock.now() >= self._others_from):
                place, number = left.pop(0)
                self.progress.trial_started(number, max(to_come), limits.steps_in_all)
                self._begin(number, limits.at_start, Slot(place, len(group), is_plain=True))
            ended += self._poll_starts(len(to_come))
            left = [] if self._waiting.refusal else left
            self._pause(_PACE if left else 0)
        for file in ended:
            to_come.remove(file.id)
        return ended

    def _group(self, to_come: Sequence[int], limits: Limits) -> list[int]:
        """Return the trials that start together now; empty if the next one starts alone, or waits already."""
        is_busy = self._running or self.capacity.places.are_shared  # asked first: each look at the trials asks
        if is_busy or not limits.together or not self._is_auto or self._waiting.refusal:
            return []
        group = list(to_come[: self.capacity.starting(len(to_come))])
        return group if len(group) > 1 and not any(number in self._waiting for number in group) else []

    def _poll_starts(self, more: int) -> Iterator[TrialFile]:
        """Yield the trials that have ended before their first step; those that have reached it wait."""
        for trial, file in self._over():
            if isinstance(trial, TrialRun) and trial.waits:
                self._at_start[trial.id] = clock.now()
                self._look_back(trial)
                self._waiting.add(trial, more=more)
                self._start_apart(self._disturbance)
            elif file.status in NO_VERDICT:
                self._start_apart(f"trial {trial.id} did not end well while a second trial started")
            else:
                self.progress.trial_ended(trial.id, file.status, trial.steps(), file.seconds)
                yield file

    def _start_apart(self, why: str) -> None:
        """If there is a reason, end the trials that wait, and let all trials start one by one from now on."""
        if why:
            self._waiting.refuse(why)
        if why := self._waiting.new_refusal():
            self.progress.note(f"{why}: trials that wait start again, one by one")

    def _pause(self, seconds: float) -> None:
        """Wait until the next look at the trials is due, or one has ended; `seconds` if no trial runs."""
        trials = self._running.values()
        seconds = min((trial.pace for trial in trials), default=seconds)
        with imports.in_background if self._running else nullcontext():
            clock.sleep(seconds, handles_of(trials))

    def end_waiting(self, why: str = "") -> list[int]:
        """End the trials that wait, and return their numbers. `why`: the reason, if no trial may wait from now on."""
        ended = self._waiting.refuse(why) if why else self._waiting.end()
        self._tell_refusal()
        return ended

    def _tell_refusal(self) -> None:
        if why := self._waiting.new_refusal():
            self.progress.note(f"{why}: the next round starts all trials again")

    def _fill(self, to_come: list[int], limits: Limits, *, jobs: int, of: int) -> None:
        """Start trials in the free places. With a given number of jobs, a waiting trial continues in its own place."""
        shared = self.capacity.places.are_shared or not self._is_auto
        places = self.capacity.at_a_time if shared else jobs
        for slot in range(places):
            if not to_come or not self._may_start(slot, jobs):
                continue
            numbers = [number for number in to_come if self._is_auto or self._waiting.slots.get(number, slot) == slot]
            if numbers:
                to_come.remove(numbers[0])
                self.progress.trial_started(numbers[0], of, limits.steps_in_all)
                self._begin(numbers[0], limits, Slot(slot, places, is_plain=self._is_auto))

    def _may_start(self, slot: int, jobs: int) -> bool:
        """Return whether a place is free, fewer than `jobs` trials run, and the time for other trials has come."""
        is_free = self.capacity.places.is_free(slot, self.capacity.at_a_time) and len(self._running) < jobs
        is_clean = self.room is None or not self.room.is_used  # otherwise its files are set aside when no trial runs
        return is_free and is_clean and not (self._running and clock.now() < self._others_from)

    @property
    def _is_auto(self) -> bool:
        """Whether any trial may run in any place, because the environment is the same in all places."""
        return self.plan.options.jobs == "auto"

    def _begin(self, number: int, limits: Limits, slot: Slot) -> None:
        """Start a trial, or let it continue. It counts as running at once, so that it ends if this process ends."""
        trial: HostedTrial | None = self._waiting.take(number)
        since = self._at_start.pop(number, None)
        if trial is not None and since is not None:  # a trial that was ended while it waited has not waited
            self._held[number] = clock.now() - since
        if isinstance(trial, TrialRun):
            self._running[slot.number], trial.slot = trial, slot
            self.capacity.places.taken.add(slot.number)
            trial.go_on(limits)
        else:  # if the trial cannot be started, the place must stay free, because other trials wait for it
            order = TrialOrder(self.plan, number, limits, slot, self.outside)
            trial = self.plan.host.start(order)
            self._running[slot.number] = trial
            self.capacity.places.taken.add(slot.number)
        if isinstance(trial, TrialRun):
            trial.meter = starts.meter(trial) if self._is_measured else None
        self._others_from = min(self._others_from, clock.now() + _APART)
        if self.room is not None:
            self.room.tell(self.progress.note)

    def _poll(self, of: int) -> Iterator[TrialFile]:
        """Yield the trials that have ended or paused since the last look. `of`: the number of trials in the round."""
        for trial, file in self._over():
            if isinstance(trial, TrialRun):
                self._look_back(trial)
            else:
                self._look_back_from_afar(trial, file)
            self.progress.trial_ended(trial.id, file.status, trial.steps(), file.seconds)
            self._wait_or_end(trial, file, of)
            check_space(self.plan.record)
            yield file

    def _over(self) -> Iterator[tuple[HostedTrial, TrialFile]]:
        """Yield the trials that have ended or paused since the last look. Their places are free."""
        for slot, trial in list(self._running.items()):
            if not trial.poll():
                self._tell(trial)
                self._waiting.look_at(trial)
                continue
            file = trial.fetch()
            del self._running[slot]
            self.capacity.places.taken.discard(slot)
            yield trial, file

    def _starts_again(self, file: TrialFile, to_come: list[int]) -> bool:
        """Return whether a trial runs again because its node was lost. A lost node says nothing about the trial."""
        if file.ended_by != "node" or self.lost.count(file.id) >= self.plan.request.again:
            return False
        self.lost.append(file.id)
        to_come.insert(0, file.id)
        self.progress.note(f"trial {file.id}: {file.why}; it starts again")
        return True

    def _learn(self, first: TrialFile) -> None:
        """Decide how many of the other trials run together, from what the first one used while it ran alone."""
        if self._is_measured:
            self.capacity.learn(self._usage, first.stop_after if first.status == "stopped" else None)
        self._is_measured = False

    def _look_back(self, trial: TrialRun) -> None:
        """Note what a finished trial used, and whether it disturbed the trials beside it, or would have done so."""
        name = trial.files.shared_name()
        wrote = f"trials may overwrite each other's {name}" if name else ""
        if trial.meter is not None:
            usage = trial.meter.usage()
            on_one = not usage.alone and starts.are_possible(trial)
            self._usage = usage._replace(alone=usage.alone or wrote, starts_on_one_core=on_one)
        elif not trial.slot.is_alone:
            removed = self.capacity.places.gone
            twice = sorted(removed & trial.files.gone)
            removed |= trial.files.gone
            self._disturbance = wrote or (f"two trials wrote {twice[0]}" if twice else self._disturbance)

    def _look_back_from_afar(self, trial: HostedTrial, file: TrialFile) -> None:
        """Note whether a trial on a different machine wrote a file that a trial beside it wrote.

        The two may share a disk or a node.
        """
        if trial.slot.is_alone or self.plan.options.isolate:
            return
        paths = {self.plan.directory / path for path in file.wrote}
        own, places = {path for path in paths if self.outside.counts(path)}, self.capacity.places
        if twice := sorted(own & places.written):
            self._disturbance = f"two trials wrote {shown(twice[0], self.plan.directory)}"
        places.written |= own

    def _wait_or_end(self, trial: HostedTrial, file: TrialFile, of: int) -> None:
        if isinstance(trial, TrialRun) and trial.waits:
            self._waiting.add(trial, more=of - len(self._waiting) - 1)
        elif trial.limits.waits and file.status == "stopped":
            self._waiting.refuse(self.plan.host.no_waiting)
        self._waiting.look()

    @contextmanager
    def _ended_with_the_block(self) -> Iterator[None]:
        """Make sure that no trial still runs after the block, even if an exception ends the block."""
        try:
            yield
        except BaseException:
            self.end_waiting()
            raise
        finally:
            self._abort()

    def _tell(self, trial: HostedTrial) -> None:
        now = clock.now()
        if now - self._told.get(trial.id, 0.0) > _TELL:
            self._told[trial.id] = now
            self.progress.trial_step(trial.id, trial.steps())
            if news := trial.news():
                self.progress.note(news)

    def _abort(self) -> None:
        running, self._running = self._running, {}
        self.capacity.places.taken.difference_update(running)
        if running:
            self.end_waiting()
        for trial in running.values():
            trial.ask_to_end()
        for trial in running.values():
            trial.cancel(STOPPED_BY_USER)
