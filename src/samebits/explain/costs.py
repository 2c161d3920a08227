"""What holding a set of controls costs in step time: trials with and without it, by turns, in one run."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from samebits.explain.setting import Setting
from samebits.explain.trying import Trying
from samebits_probe import wire

TURNS = 3  # trials of each set
LEAST_STEPS = 3  # a trial of fewer steps shows its start, not its steps
MOST_STEPS = 50
COMPARED_STEPS = 10  # of fewer, some are still warming up: the ratio of two such trials says nothing
LEAST_SPAN = 0.005  # seconds of steps in a trial; what takes less is told by the clock and the cache, not by a control


def measure(trying: Trying, sets: Sequence[Sequence[str]]) -> dict[str, float]:
    """Ids joined by "+" -> step time with the set over step time with nothing held: of the medians over the turns.

    Sets whose steps could not be timed are left out; nothing is run where the trials so far were too short to tell.
    """
    steps = MOST_STEPS if trying.steps is None else min(trying.steps, MOST_STEPS)
    first = trying.all[0]
    each = step_time(first, 1)
    made = max((trial.steps for trial in first.result.trials), default=0) if first.result else 0
    timed = min(steps, made)
    if each is None or timed < COMPARED_STEPS or each * timed < LEAST_SPAN:
        return {}
    settings = [trying.begin(trying.base.union(names), steps, timed=True) for names in [(), *sets]]
    for _ in range(TURNS):
        for setting in settings:
            setting.run(1)
    without, *times = [_median(setting) for setting in settings]
    found = zip(sets, times, strict=True)
    return {"+".join(names): round(time / without, 2) for names, time in found if time and without}


def _median(setting: Setting) -> float | None:
    times = [time for turn in range(1, TURNS + 1) if (time := step_time(setting, turn)) is not None]
    return statistics.median(times) if times else None


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
