"""Tries the set that was found over more steps than those in which the trials diverged, and measures what it costs.

The cost is a ratio of step times: trials with the set and without it take turns in one run.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from samebits import clock, controls, words
from samebits.causes.decision_rule import Observation
from samebits.causes.settings import FIRST, Setting, SettingRecords
from samebits_probe import wire

LEAST_ALLOWED = 60.0  # seconds that the confirmation may take; if the search took longer, as long as the search
FACTOR = 100  # the time that is left limits the steps, too


@dataclass(frozen=True)
class Confirmation:
    """The trials of a set over more steps. `seen`: what they showed. `words`: says which steps were compared."""

    seen: Observation
    words: str


def confirm(settings: SettingRecords, names: Sequence[str], trials: int, seconds: float) -> Confirmation:
    """Try the set over more steps (see `extend`), then run all `trials` trials with the last number of steps."""
    extend(settings, names, trials, seconds)
    return run_all(settings, names, trials)


def run_all(settings: SettingRecords, names: Sequence[str], trials: int) -> Confirmation:
    """Run all `trials` trials of the set with its present number of steps."""
    outcome = settings.look(names, trials)
    return Confirmation(outcome, _words(settings.setting(names)))


def extend(settings: SettingRecords, names: Sequence[str], trials: int, seconds: float) -> Observation:
    """Try the set over far more steps, again and again, finally in whole trials, if there is time for `trials` trials.

    At each number of steps, a few trials show whether there is time for the next number. Settings that are tried later
    get as many steps. `seconds`: the time that the search takes without this.
    """
    end = clock.now() + max(seconds, LEAST_ALLOWED)
    first = max(FIRST, min(settings.room, trials))
    outcome = settings.look(names, first)
    while not outcome.diverges() and (
        more := settings.steps_tried_next(names) or _next(settings.setting(names), trials, end - clock.now())
    ):
        settings.lengthen(more)
        outcome = settings.look(names, first)
    return outcome


def _is_whole(setting: Setting) -> bool:
    result = setting.result
    return result is not None and all(trial.status == "complete" for trial in result.trials)


def _next(setting: Setting, trials: int, left: float) -> int | None:
    """Return how many steps fit into the time; None if fewer than twice as many as before fit, or if none are left."""
    each, made = step_time(setting, 1), setting.steps
    if each is None or made is None or _is_whole(setting):
        return None
    start = max(0.0, setting.seconds / max(1, setting.number) - each * made)
    fitting = int((left / trials - start) / each) if each > 0 else made * FACTOR
    steps = min(made * FACTOR, fitting)
    return steps if steps >= 2 * made else None


def _words(setting: Setting) -> str:
    result = setting.result
    if result is None:
        return ""
    steps = result.scope.steps_compared
    if _is_whole(setting):
        return f"whole trials of {words.count(steps, 'step')}" if steps else "whole trials"
    return words.beginning(steps, "step")


# -- what a set costs -------------------------------------------------------------------------------------------------


TURNS = 4  # trials of each set: in 1 of 35 cases all trials with a control are slower (or all are faster) by luck alone
LEAST_STEPS = 3  # in a trial with fewer steps, the start outweighs the steps
MOST_STEPS = 50
COMPARED_STEPS = 10  # with fewer steps, part of them is warm-up: the ratio of two such trials says nothing
LEAST_SPAN = 0.005  # seconds of steps in a trial; shorter times depend on the clock and the cache, not on a control


class Cost(NamedTuple):
    """The step time with a set divided by the step time without it. `ratio`: of the medians. `low`, `high`: the lowest
    and the highest ratio of two trials.
    """

    ratio: float
    low: float
    high: float


NO_COST = Cost(1.0, 1.0, 1.0)


def costs(settings: SettingRecords, sets: Sequence[Sequence[str]]) -> dict[str, Cost] | None:
    """Return what each set costs, by its ids joined with "+". None if the steps are too few or too short to be timed.

    A set that acts only before the first step costs nothing, and is not timed. A set is left out if its times overlap
    with the times without it.
    """
    timed = [names for names in sets if not all(controls.describe(name).acts_at_start for name in names)]
    free = {"+".join(names): NO_COST for names in sets if names not in timed}
    measured = _measured(settings, timed) if timed else {}
    return None if measured is None else free | measured


def _measured(settings: SettingRecords, sets: Sequence[Sequence[str]]) -> dict[str, Cost] | None:
    """Time trials with each set and with nothing held, in turns."""
    steps = MOST_STEPS if settings.steps is None else min(settings.steps, MOST_STEPS)
    first = settings.all[0]
    each = step_time(first, 1)
    made = max((trial.steps for trial in first.result.trials), default=0) if first.result else 0
    counted = min(steps, made)
    if each is None or counted < COMPARED_STEPS or each * counted < LEAST_SPAN:
        return None
    base = settings.begin(settings.base, steps, timed=True)
    by_names = {"+".join(names): settings.begin(settings.base.union(names), steps, timed=True) for names in sets}
    for _ in range(TURNS if by_names else 0):
        for setting in (base, *by_names.values()):
            setting.run(1)
        # times that overlap now overlap after every further turn too
        by_names = {names: setting for names, setting in by_names.items() if _cost_so_far(setting, base)}
        if not by_names:
            break
    return {names: price for names, setting in by_names.items() if (price := _cost_so_far(setting, base)) is not None}


def _cost_so_far(held: Setting, without: Setting) -> Cost | None:
    """Return what a set costs by the turns so far; None if times overlap, or if the numbers of steps differ."""
    numbers = {trial.steps for setting in (held, without) if setting.result for trial in setting.result.trials}
    return cost(_times(held), _times(without)) if len(numbers) == 1 else None


def _times(setting: Setting) -> list[float]:
    return [time for turn in range(1, setting.number + 1) if (time := step_time(setting, turn))]


def cost(held: Sequence[float], without: Sequence[float]) -> Cost | None:
    """Return what a set costs, from step times with it and without it; None if the two overlap, or if one is empty."""
    if not held or not without or not (min(held) > max(without) or max(held) < min(without)):
        return None
    ratio = statistics.median(held) / statistics.median(without)
    return Cost(round(ratio, 2), round(min(held) / max(without), 2), round(max(held) / min(without), 2))


def step_time(setting: Setting, trial: int) -> float | None:
    """Return the seconds per step of a trial, after its first step, in the process that made the most steps."""
    folder = setting.plan.trial_folder(trial) / wire.PROCESSES
    ended = [path for path in folder.glob("*/*.json") if path.name in (wire.END, wire.STOPPED)]
    return max(map(_of, ended), key=lambda pair: pair[0], default=(0, None))[1]


def _of(path: Path) -> tuple[int, float | None]:
    document = json.loads(path.read_text())
    steps, times = int(document.get("steps", 0)), document.get("step_times") or []
    if steps < LEAST_STEPS or len(times) != 2:
        return 0, None
    return steps, (times[1] - times[0]) / (steps - 1)
