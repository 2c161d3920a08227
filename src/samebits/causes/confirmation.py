"""Confirms the set that was found: tries it over more steps than those in which the trials diverged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samebits import clock, words
from samebits.causes.costs import step_time
from samebits.causes.decision_rule import Observation
from samebits.causes.settings import FIRST, Setting, SettingRecords

LEAST_ALLOWED = 60.0  # seconds that the confirmation may take; if the search took longer, as long as the search
FACTOR = 10


@dataclass(frozen=True)
class Confirmation:
    """The trials of a set over more steps. `seen`: what they showed. `words`: says which steps were compared."""

    seen: Observation
    words: str


def confirm(settings: SettingRecords, names: Sequence[str], trials: int, seconds: float) -> Confirmation:
    """Try the set over ten times as many steps, again and again, at last in whole trials, while there is time.

    At each length, a few trials show whether there is time for the next length. At the last length, `trials` trials
    run. Settings that are tried later get as many steps. `seconds`: the time that the search has taken.
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
    steps = words.count(result.scope.steps_compared, "step")
    if _is_whole(setting):
        return f"whole trials of {steps}" if result.scope.steps_compared else "whole trials"
    return f"the first {steps}"
