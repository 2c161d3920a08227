"""Tries the set that was found over more steps than those in which the trials diverged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samebits import clock, words
from samebits.causes.costs import step_time
from samebits.causes.decision_rule import Observation
from samebits.causes.settings import FIRST, Setting, SettingRecords

LEAST_ALLOWED = 60.0  # seconds that this may take; longer if the search took longer
FACTOR = 10


@dataclass(frozen=True)
class Confirmation:
    """What the set shows over more steps. `words`: what was compared."""

    seen: Observation
    words: str


def confirm(settings: SettingRecords, names: Sequence[str], trials: int, seconds: float) -> Confirmation:
    """Try the set over ten times the steps, then ten times as many again, at last whole, while there is time.

    Two trials of each length show whether the next length fits. Of the last length, as many run as are asked for.
    Trials of settings that are tried later make as many steps. `seconds`: what the search has taken.
    """
    end = clock.now() + max(seconds, LEAST_ALLOWED)
    first = max(FIRST, min(settings.room, trials))
    seen = settings.look(names, first)
    while not seen.diverges() and (more := _next(settings.setting(names), trials, end - clock.now())):
        settings.lengthen(more)
        seen = settings.look(names, first)
    seen = settings.look(names, trials)
    return Confirmation(seen, _words(settings.setting(names)))


def _is_whole(setting: Setting) -> bool:
    result = setting.result
    return result is not None and all(trial.status == "complete" for trial in result.trials)


def _next(setting: Setting, trials: int, left: float) -> int | None:
    """How many steps fit into the time; None if twice as many as before do not, or if there are no more."""
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
    steps = words.count(result.scope.steps_compared, "step")
    if _is_whole(setting):
        return f"whole trials of {steps}" if result.scope.steps_compared else "whole trials"
    return f"the first {steps}"
