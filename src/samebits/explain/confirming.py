"""The set that was found, tried over more of the training than the steps in which trials parted with nothing held."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from samebits import words
from samebits.explain.costs import step_time
from samebits.explain.seen import Seen
from samebits.explain.setting import Setting
from samebits.explain.trying import Trying

LEAST_SECONDS = 60.0  # for this are taken at most as long as the search has taken, and this at least
FACTOR = 10


@dataclass(frozen=True)
class Confirmed:
    """`seen`: None where no more was compared. `steps`: that were asked for last; `words`: what was compared."""

    seen: Seen | None
    steps: int | None
    words: str

    @property
    def parts(self) -> bool:
        """Whether the trials part later in the training."""
        return self.seen is not None and self.seen.parts()


def confirm(trying: Trying, names: Sequence[str], trials: int, seconds: float) -> Confirmed:
    """Try the set over ten times the steps, then ten times as many again, at last whole, while there is time.

    `seconds`: what the search has taken.
    """
    setting = trying.setting(names)
    end = time.monotonic() + max(seconds, LEAST_SECONDS)
    seen, steps = None, setting.steps
    while (seen is None or not seen.parts()) and not _is_whole(setting):
        more = _next(setting, trials, end - time.monotonic())
        if more is None:
            break
        setting = trying.begin(trying.base.union(names), more)
        setting.run(trials)
        seen, steps = setting.seen(), more
    return Confirmed(seen, steps, _words(setting))


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
