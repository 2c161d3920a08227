"""Trials that wait at the end of a round for the next one, so that they need not start over.

A trial waits only if that does no harm: the others fit in memory beside it, it holds nothing that they may need (a port
that the program names, a locked file, a GPU whose free memory cannot be asked), and none of them touches a file that it
wrote. Otherwise all are ended, and the next round starts over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from samebits import store
from samebits.launch.capacity.resources import MemoryUse, free_memory, held_resource, used_memory, why_no_room
from samebits.launch.plan import Limits, grown
from samebits.launch.processes.facts import ProcessFiles
from samebits.launch.processes.observations import Processes, WatchedProcess, diverges
from samebits.launch.processes.supervisor import below
from samebits.model import Leak

if TYPE_CHECKING:
    from samebits.launch.hosts import HostedTrial
    from samebits.launch.trial.trial_run import TrialRun

_PATIENCE, _MOMENT = 5, 30.0  # times as long as the others, and seconds


class PausedTrials:
    """The trials that wait, by number. `refusal`: why none waits any more; empty while they may."""

    def __init__(self) -> None:
        self.refusal, self._is_told = "", False
        self._trials: dict[int, TrialRun] = {}
        self._taken: dict[int, MemoryUse] = {}  # when each began to wait

    def add(self, trial: TrialRun, *, more: int) -> None:
        """Handle a trial that has reached the end of its round. It waits, or it is ended with all that wait.

        `more`: trials to come.
        """
        self._trials[trial.id] = trial
        why = self.refusal or self._why_not(trial, more)
        if why:
            self.refuse(why)

    def look(self) -> None:
        """End all if a trial that ran meanwhile wrote into the files of one that waits."""
        disturbed = next((trial for trial in self._trials.values() if trial.is_disturbed()), None)
        if disturbed is not None:
            self.refuse("a file that one trial wrote was changed while it waited")

    def look_at(self, running: HostedTrial) -> None:
        """End all if a running trial takes far longer than they would for its steps: it may wait for one of them."""
        far = running.limits.steps
        if far is None:
            return
        # a trial that waits before its first step does not show how long its steps take
        started = [(trial, trial.limits.steps or 0) for trial in self._trials.values() if trial.limits.steps or not far]
        estimates = [trial.spent * max(far / max(steps, 1), 1.0) for trial, steps in started]
        if estimates and running.spent > _PATIENCE * max(estimates) + _MOMENT:
            self.refuse(f"trial {running.id} seems to wait for a trial that is paused")

    @property
    def slots(self) -> dict[int, int]:
        """The place in which each trial began."""
        return {number: trial.slot.number for number, trial in self._trials.items()}

    def in_order(self, ids: Iterable[int]) -> list[int]:
        """Return the trials in the order in which they go on.

        The one that has waited least, almost not at all, comes first. So trials differ in how long they waited, and a
        program that looks at the clock shows it.
        """
        wanted = list(ids)
        least_first = [number for number in reversed(self._trials) if number in wanted]
        return [*least_first, *(number for number in wanted if number not in self._trials)]

    def take(self, number: int) -> TrialRun | None:
        """Return the trial of that number, so that it goes on; None if it does not wait."""
        return self._trials.pop(number, None)

    def refuse(self, why: str) -> list[int]:
        """Let no trial wait from now on. End those that do, and return their numbers."""
        self.refusal = self.refusal or why
        return self.end()

    def new_refusal(self) -> str:
        """Return the refusal when it is asked for the first time; afterwards empty."""
        was_told, self._is_told = self._is_told, bool(self.refusal)
        return "" if was_told else self.refusal

    def end(self) -> list[int]:
        """End all that wait, and return their numbers. Raises OSError if their seals cannot be written."""
        ended, self._trials = self._trials, {}
        for trial in ended.values():
            trial.close()
        for trial in ended.values():
            store.seal(trial.folder)
        return list(ended)

    def __contains__(self, number: int) -> bool:
        return number in self._trials

    def __len__(self) -> int:
        return len(self._trials)

    def _why_not(self, trial: TrialRun, more: int) -> str:
        """Return why this trial cannot wait.

        Trials to come, and trials that wait and go on, may need as much memory as this one.
        """
        pids = [process.pid for process in below(trial.command.root)]
        self._taken[trial.id] = used = used_memory(pids)
        others = [self._taken[number] for number in self._trials if number != trial.id]
        return held_resource(pids) or why_no_room(
            [*[used] * more, *(used.beyond(usage) for usage in others)], free_memory()
        )


@dataclass(frozen=True)
class Wait:
    """What is kept of a trial from one round to the next.

    `seconds`: how long it has waited in all; `since`: since when it waits now. `at`: when it last went on (epoch).
    `leaks`: the leaks found when the wait began.
    """

    seconds: float = 0.0
    since: float | None = None
    at: float = 0.0
    leaks: list[Leak] = field(default_factory=list)

    def over(self) -> Wait:
        """Return the wait as it is when it is over, because the trial goes on."""
        spent = time.monotonic() - self.since if self.since is not None else 0.0
        return replace(self, seconds=self.seconds + spent, since=None, at=time.time())

    def later(self, touched: Sequence[ProcessFiles]) -> list[ProcessFiles]:
        """Return what processes touched after the wait. Everything that they ever wrote stays their own."""
        later = ({path: at for path, at in process.opened.items() if at >= self.at} for process in touched)
        return [process._replace(opened=opened) for process, opened in zip(touched, later, strict=True)]


def steps_allowed(limits: Limits, process: WatchedProcess, began: float, reference_folder: Path) -> int:
    """Return how many steps a trial may make in this round. It has made all that it was allowed so far.

    `process`: the only one that trains. `began`: when the trial was started (epoch). `reference_folder`: the folder of
    the trial `limits.reference`. This folder holds no process if that trial ran on a different node.
    """
    if limits.reference is None:
        return grown(process.stop() or {}, began, limits.most)
    others = Processes(reference_folder).observing()
    has_diverged = len(others) == 1 and diverges(process.folder, others[0].folder)
    return (limits.steps if has_diverged else limits.most) or 0
