"""`explain`, step by step: look, search, try what was found over more steps, time it, write down why.

The set that was found is tried over more of the training than the steps in which trials diverged. What holding it costs
in step time comes from trials with and without it, by turns, in one run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from samebits import checks, controls, interrupt, ops, store, words
from samebits.causes import document
from samebits.causes.decision_rule import Observation
from samebits.causes.search import Finding, search
from samebits.causes.settings import FOLDER, QuietProgress, Setting, SettingRecords, adopt
from samebits.checks import Check
from samebits.comparison.setup import scripts
from samebits.errors import UsageError
from samebits.experiment import Experiment, Progress, Request, recorded_trials
from samebits.launch import facts, origin
from samebits.model import Result
from samebits.reports.result_words import OPERATOR_KINDS, later_leavers
from samebits.store.record import RESULT
from samebits_probe import wire

LEAST_ALLOWED = 60.0  # for this are taken at most as long as the search has taken, and this at least
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
    end = time.monotonic() + max(seconds, LEAST_ALLOWED)
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


LEAST_SECONDS = 2.0  # of steps in a trial, from which on those after the divergence may be left out
MARGIN = 5  # steps that are kept after the last divergence


@dataclass(frozen=True)
class Cause:
    """What was found, how far it was compared, and what it costs (None: not measured)."""

    found: Finding
    confirmed: Confirmation | None
    cost: dict[str, Cost] | None


def run(asked: Request | Path, progress: Progress | None = None, *, run: bool = False) -> Check:
    """Find out why the trials of a request (after a check) or of the record in a folder diverge.

    New trials join the record, and those of the search lie below it. `run`: run the command of a record from elsewhere,
    too. Raises what `checks.run` raises; for a record, NotFound if its command or its folder is gone, UsageError if its
    scripts have changed since, and Untrusted if it is from elsewhere.
    """
    began = time.monotonic()
    checked = _recorded(asked, progress, run=run) if isinstance(asked, Path) else checks.run(asked, progress)
    return explained(checked, began)


def _recorded(folder: Path, progress: Progress | None, *, run: bool) -> Check:
    """The record as it was, judged anew."""
    old = store.open_record(folder)
    recorded_trials.usable(old)
    origin.require(old, run=run)
    experiment = Experiment.resume(old, progress)
    checks.stop_tells(experiment.folder)
    experiment.recall(old.trials)
    _refuse_changed(old, experiment.plan.directory)
    judged = experiment.judge().model_copy(update={"record": str(experiment.folder)})
    return Check(experiment, judged.sized_as(store.left_result(folder)))


def _refuse_changed(old: store.Record, directory: Path) -> None:
    was, now = scripts(old.trials[0], str(directory)), facts.code(directory, old.file.command)["files"]
    changed = sorted(name for name in was if was[name] != now.get(name))
    if changed:
        raise UsageError(
            f"{changed[0]} is not what it was when {old.folder} was recorded.",
            f"samebits explain -- {' '.join(old.file.command)}",
        )


def explained(checked: Check, began: float) -> Check:
    """The check with its explanation, written to its record; without one if the trials give no answer."""
    experiment, result = checked
    if result.verdict == "repeated":
        return _written(experiment, result.model_copy(update={"explanation": document.nothing(result)}))
    if result.verdict == "inconclusive" or result.divergence is None:
        return checked
    experiment.progress = told = QuietProgress(experiment.progress)
    first = adopt(experiment, result)
    settings = SettingRecords(first, told, lambda settings: _keep(settings, result, time.monotonic() - began))
    settings.steps = _steps(result, first)
    why = _find(settings, result, began)
    judged = _as_check_left_it(first.result or result, result)
    explanation = document.explanation(settings, why, operator(settings, judged, why.found), time.monotonic() - began)
    update = {"explanation": explanation, "warnings": explanation.warnings(judged.warnings, judged.unseeded)}
    return _written(experiment, judged.model_copy(update=update))


def _find(settings: SettingRecords, result: Result, began: float) -> Cause:
    assert result.divergence is not None
    found, confirmed = _search(settings, result), None
    while found.minimal and not found.outside:
        confirmed = confirm(settings, found.cause, found.rule.full, time.monotonic() - began)
        if not confirmed.diverges:
            break
        settings.lengthen(confirmed.steps)  # a further cause shows later in the training
        found = _search(settings, result)
    return Cause(found, confirmed, costs(settings, found.minimal) if found.minimal else None)


def _search(settings: SettingRecords, result: Result) -> Finding:
    assert result.divergence is not None
    candidates = [name for name in controls.known() if name not in settings.base]
    return search(settings, candidates, settings.look([], 0), result.divergence.kind)


def _steps(result: Result, first: Setting) -> int | None:
    """How many steps each trial of the search makes: as many as the round in which the trials part, whole ones where
    they part at their end; where the steps take most of a trial, up to some steps after the last trial has parted."""
    divergence, each = result.divergence, step_time(first, 1)
    if divergence is None or divergence.kind in ("end", "structure") or each is None:
        return first.steps
    trial = result.trials[0]
    if each * trial.steps < max(trial.seconds / 2, LEAST_SECONDS):
        return first.steps
    leavers = later_leavers(result)
    last = max([divergence.step, *leavers.values()]) + 1
    enough = last + max(MARGIN, last // 4)
    return enough if first.steps is None else min(first.steps, enough)


def _as_check_left_it(result: Result, first: Result) -> Result:
    """The result with all trials of the first look; what only the run could measure is that of its beginning."""
    update = {"record": first.record, "seconds": sum(trial.seconds for trial in result.trials)}
    return result.sized_as(first).model_copy(update=update)


def _keep(settings: SettingRecords, result: Result, seconds: float) -> None:
    """Write what is known so far into the record, for a search that is ended midway."""
    judged = _as_check_left_it(settings.all[0].result or result, result)
    so_far = document.unfinished(settings, seconds)
    interrupt.tell(known=so_far.sentence)
    _written(settings.all[0].experiment, judged.model_copy(update={"explanation": so_far}))


def _written(experiment: Experiment, result: Result) -> Check:
    experiment.write(RESULT, result)
    return Check(experiment, result)


def operator(settings: SettingRecords, result: Result, found: Finding) -> str | None:
    """The schema name of the first operator of the step that gives other bits for the same inputs, None without one.

    Replay works in PyTorch. It is asked where the divergence is one that an operator can make, and what pins it (if
    anything does) changes how operators compute.
    """
    where = result.divergence
    if where is None or where.kind not in OPERATOR_KINDS or "torch" not in result.setup.packages:
        return None
    if found.cause and not any(controls.describe(name).is_of_operators for name in found.cause):
        return None
    request = replace(settings.all[0].plan.request, controls=sorted(settings.base), preset=None)
    folder = settings.all[0].plan.record / FOLDER / "operators"
    replayed = ops.replay(request, max(where.step, 0), folder=folder, progress=settings.progress)
    return next((differed.operator for differed in replayed.differed), None)
