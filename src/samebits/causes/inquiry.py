"""`explain`, step by step: look, search, try what was found over more steps, time it, write down why."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from samebits import checks, controls, ops, store
from samebits.causes import document
from samebits.causes.confirmation import Confirmation, Cost, confirm, costs, step_time
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

LEAST_SECONDS = 2.0  # of steps in a trial, from which on those after the divergence may be left out
MARGIN = 5  # steps that are kept after the last divergence


@dataclass(frozen=True)
class Cause:
    """What was found, how far it was compared, and what it costs (None: not measured)."""

    found: Finding
    confirmed: Confirmation | None
    cost: dict[str, Cost] | None


def explain(request: Request, progress: Progress | None = None) -> Result:
    """Check, and if the trials diverge, find out why. Raises what `checks.check` raises."""
    return run(request, progress).result


def run(request: Request, progress: Progress | None = None) -> Check:
    """The same, for callers that go on with the record."""
    began = time.monotonic()
    return explained(checks.run(request, progress), began)


def explain_record(folder: Path, progress: Progress | None = None) -> Result:
    """Find out why the trials of a record diverge. New trials join the record, and those of the search lie below it.

    Raises NotFound if its command or its folder is gone, UsageError if its scripts have changed since, Untrusted for a
    record from elsewhere.
    """
    return run_record(folder, progress).result


def run_record(folder: Path, progress: Progress | None = None, *, run: bool = False) -> Check:
    """The same, for callers that go on with the record. `run`: a record from elsewhere may run, too."""
    began, old = time.monotonic(), store.open_record(folder)
    recorded_trials.usable(old)
    origin.require(old, run=run)
    experiment = Experiment.resume(old, progress)
    experiment.recall(old.trials)
    _refuse_changed(old, experiment.plan.directory)
    judged = experiment.judge().model_copy(update={"record": str(experiment.folder)})
    return explained(Check(experiment, judged.sized_as(store.left_result(folder))), began)


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
