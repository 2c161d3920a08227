"""The set that was found: tried over more of the training than the steps in which trials diverged, and timed.

What holding it costs in step time comes from trials with and without it, by turns, in one run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from samebits import controls, words
from samebits.causes.observation import Observation
from samebits.causes.settings import Setting, SettingRecords
from samebits_probe import wire

LEAST_SECONDS = 60.0  # for this are taken at most as long as the search has taken, and this at least
FACTOR = 10

TURNS = 4  # trials of each set: by luck, those with a control are all slower (or all faster) in 1 of 35 cases
LEAST_STEPS = 3  # a trial of fewer steps shows its start, not its steps
MOST_STEPS = 50
COMPARED_STEPS = 10  # of fewer, some are still warming up: the ratio of two such trials says nothing
LEAST_SPAN = 0.005  # seconds of steps in a trial; what takes less is told by the clock and the cache, not by a control


@dataclass(frozen=True)
class Confirmation:
    """`seen`: None where no more was compared. `steps`: that were asked for last; `words`: what was compared."""

    seen: Observation | None
    steps: int | None
    words: str

    @property
    def diverges(self) -> bool:
        """Whether the trials diverge later in the training."""
        return self.seen is not None and self.seen.diverges()


def confirm(settings: SettingRecords, names: Sequence[str], trials: int, seconds: float) -> Confirmation:
    """Try the set over ten times the steps, then ten times as many again, at last whole, while there is time.

    `seconds`: what the search has taken.
    """
    setting = settings.setting(names)
    end = time.monotonic() + max(seconds, LEAST_SECONDS)
    seen, steps = None, setting.steps
    while (seen is None or not seen.diverges()) and not _is_whole(setting):
        more = _next(setting, trials, end - time.monotonic())
        if more is None:
            break
        setting = settings.begin(settings.base.union(names), more)
        setting.run(trials)
        seen, steps = setting.seen(), more
    return Confirmation(seen, steps, _words(setting))


def _is_whole(setting: Setting) -> bool:
    result = setting.result
    return result is not None and all(trial.status == "complete" for trial in result.trials)


def _next(setting: Setting, trials: int, left: float) -> int | None:
    """How many steps fit into the time; None where twice as many as before do not."""
    each, made = step_time(setting, 1), setting.steps
    if each is None or made is None:
        return None
    start = max(0.0, setting.seconds / max(1, setting.number) - each * made)
    fitting = int((left / trials - start) / each) if each > 0 else made * FACTOR
    steps = min(made * FACTOR, fitting)
    return steps if steps >= 2 * made else None


def _words(setting: Setting) -> str:
    result = setting.result
    if result is None:
        return ""
    steps = words.count(result.scope.steps_compared, "step")
    if _is_whole(setting):
        return f"whole trials of {steps}" if result.scope.steps_compared else "whole trials"
    return f"the first {steps}"


class Cost(NamedTuple):
    """Step time with a set over step time without: of the medians, and of the two trials with the lowest and the
    highest ratio."""

    ratio: float
    low: float
    high: float


NO_COST = Cost(1.0, 1.0, 1.0)


def costs(settings: SettingRecords, sets: Sequence[Sequence[str]]) -> dict[str, Cost] | None:
    """Ids joined by "+" -> what the set costs. None if the steps are too few or too short to be timed.

    A set that acts before the first step only costs nothing, and is not timed. A set whose times overlap with those of
    nothing held is left out.
    """
    timed = [names for names in sets if not all(controls.describe(name).acts_at_start for name in names)]
    found = {"+".join(names): NO_COST for names in sets if names not in timed}
    measured = _measured(settings, timed) if timed else {}
    return None if measured is None else found | measured


def _measured(settings: SettingRecords, sets: Sequence[Sequence[str]]) -> dict[str, Cost] | None:
    """By trials with each set and with nothing held, by turns."""
    steps = MOST_STEPS if settings.steps is None else min(settings.steps, MOST_STEPS)
    first = settings.all[0]
    each = step_time(first, 1)
    made = max((trial.steps for trial in first.result.trials), default=0) if first.result else 0
    counted = min(steps, made)
    if each is None or counted < COMPARED_STEPS or each * counted < LEAST_SPAN:
        return None
    timed = [settings.begin(settings.base.union(names), steps, timed=True) for names in [(), *sets]]
    for _ in range(TURNS):
        for setting in timed:
            setting.run(1)
    without, *times = [_times(setting) for setting in timed]
    found = {"+".join(names): cost(each, without) for names, each in zip(sets, times, strict=True)}
    return {names: one for names, one in found.items() if one is not None}


def _times(setting: Setting) -> list[float]:
    return [time for turn in range(1, TURNS + 1) if (time := step_time(setting, turn))]


def cost(held: Sequence[float], without: Sequence[float]) -> Cost | None:
    """What a set costs, from step times with it and without it; None if the two overlap, or one is empty."""
    if not held or not without or not (min(held) > max(without) or max(held) < min(without)):
        return None
    ratio = statistics.median(held) / statistics.median(without)
    return Cost(round(ratio, 2), round(min(held) / max(without), 2), round(max(held) / min(without), 2))


def step_time(setting: Setting, trial: int) -> float | None:
    """Seconds a step of a trial, from the end of the first step to that of the last; of the process that made most."""
    folder = setting.plan.trial_folder(trial) / wire.PROCESSES
    ended = [path for path in folder.glob("*/*.json") if path.name in (wire.END, wire.STOPPED)]
    return max(map(_of, ended), key=lambda found: found[0], default=(0, None))[1]


def _of(path: Path) -> tuple[int, float | None]:
    found = json.loads(path.read_text())
    steps, times = int(found.get("steps", 0)), found.get("step_times") or []
    if steps < LEAST_STEPS or len(times) != 2:
        return 0, None
    return steps, (times[1] - times[0]) / (steps - 1)
