"""`explain`, step by step: look, search, try what was found over more steps, time it, write down why."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from samebits import check, controls, store
from samebits.compare.setup import scripts
from samebits.errors import UsageError
from samebits.explain import confirming, costs, setting, writing
from samebits.explain.confirming import Confirmed
from samebits.explain.costs import step_time
from samebits.explain.operator import operator
from samebits.explain.searching import Found, search
from samebits.explain.setting import Setting
from samebits.explain.telling import Told
from samebits.explain.trying import Trying
from samebits.launch import documents, facts, origin, recorded
from samebits.launch.plan import Request
from samebits.launch.progress import Progress
from samebits.model import Result
from samebits.reports.history import later_leavers
from samebits.store.record import RESULT

LEAST_SECONDS = 2.0  # of steps in a trial, from which on those after the divergence may be left out
MARGIN = 5  # steps that are kept after the last divergence


@dataclass(frozen=True)
class Why:
    """What was found, how far it was compared, and what it costs."""

    found: Found
    confirmed: Confirmed | None
    cost: dict[str, float]


def explain(request: Request, progress: Progress | None = None) -> Result:
    """Check, and where the trials part, find out why. Raises what `check.check` raises."""
    began, progress = time.monotonic(), progress or Progress()
    return explained(check.check(request, progress), progress, began)


def explain_record(folder: Path, progress: Progress | None = None, *, run: bool = False) -> Result:
    """Find out why the trials of a record part. New trials join the record, and those of the search lie below it.

    Raises NotFound where its command or its folder is gone, UsageError where its scripts have changed since, Untrusted
    for a record from elsewhere, unless `run` is given.
    """
    began, old = time.monotonic(), store.open_record(folder)
    recorded.usable(old)
    origin.require(old, run=run)
    plan = recorded.reopen(old)
    _refuse_changed(old, plan.directory)
    judged = check.judge(plan).model_copy(update={"record": str(plan.record)})
    return explained(judged.sized_as(store.left_result(folder)), progress or Progress(), began)


def _refuse_changed(old: store.Record, directory: Path) -> None:
    was, now = scripts(old.trials[0], str(directory)), facts.code(directory, old.file.command)["files"]
    changed = sorted(name for name in was if was[name] != now.get(name))
    if changed:
        raise UsageError(
            f"{changed[0]} is not what it was when {old.folder} was recorded.",
            f"samebits explain -- {' '.join(old.file.command)}",
        )


def explained(result: Result, progress: Progress, began: float) -> Result:
    """The result with its explanation, written to its record; without one where the trials give no answer."""
    folder = Path(result.record or "")
    if result.verdict == "repeated":
        return _written(folder, result.model_copy(update={"explanation": writing.nothing(result)}))
    if result.verdict == "inconclusive" or result.divergence is None:
        return result
    told = Told(progress)
    first = setting.adopt(folder, result, told)
    trying = Trying(first, told, lambda trying: _keep(trying, result, time.monotonic() - began))
    trying.steps = _steps(result, first)
    with documents.full_disk_said(folder):
        why = _find(trying, result, began)
        judged = _as_check_left_it(first.result or result, result)
        explanation = writing.explanation(trying, why, operator(trying, judged, why.found), time.monotonic() - began)
        update = {"explanation": explanation, "warnings": explanation.warnings(judged.warnings)}
        return _written(folder, judged.model_copy(update=update))


def _find(trying: Trying, result: Result, began: float) -> Why:
    assert result.divergence is not None
    found, confirmed = _search(trying, result), None
    while found.minimal and not found.outside:
        confirmed = confirming.confirm(trying, found.cause, found.rule.full, time.monotonic() - began)
        if not confirmed.parts:
            break
        trying.lengthen(confirmed.steps)  # a further cause shows later in the training
        found = _search(trying, result)
    return Why(found, confirmed, costs.measure(trying, found.minimal) if found.minimal else {})


def _search(trying: Trying, result: Result) -> Found:
    assert result.divergence is not None
    candidates = [name for name in controls.known() if name not in trying.base]
    return search(trying, candidates, trying.look([], 0), result.divergence.kind)


def _steps(result: Result, first: Setting) -> int | None:
    """How many steps each trial of the search makes: as many as the round in which the trials part, whole ones where
    they part at their end; where the steps take most of a trial, up to some steps after the last trial has parted."""
    divergence, each = result.divergence, step_time(first, 1)
    if divergence is None or divergence.kind in ("end", "structure") or each is None:
        return first.steps
    trial = result.trials[0]
    if each * trial.steps < max(trial.seconds / 2, LEAST_SECONDS):
        return first.steps
    leavers = later_leavers(result, store.open_record(first.plan.record))
    last = max([divergence.step, *leavers.values()]) + 1
    enough = last + max(MARGIN, last // 4)
    return enough if first.steps is None else min(first.steps, enough)


def _as_check_left_it(result: Result, first: Result) -> Result:
    """The result with all trials of the first look; what only the run could measure is that of its beginning."""
    update = {"record": first.record, "seconds": sum(trial.seconds for trial in result.trials)}
    return result.sized_as(first).model_copy(update=update)


def _keep(trying: Trying, result: Result, seconds: float) -> None:
    """Write what is known so far into the record, for a search that is ended midway."""
    judged = _as_check_left_it(trying.all[0].result or result, result)
    so_far = writing.unfinished(trying, seconds)
    _written(trying.all[0].plan.record, judged.model_copy(update={"explanation": so_far}))


def _written(folder: Path, result: Result) -> Result:
    documents.write(folder / RESULT, result)
    return result
