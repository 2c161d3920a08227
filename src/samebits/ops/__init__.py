"""Replays operators: finds those of a training step that give different bits if they run again on the same inputs.

`replay(request, step, repeats=4, folder=...)` runs the command once under the probe, and returns a `ReplayResult`.
`read(folder)` reads this result again. `judge` makes it from the findings of the trial's processes.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from samebits import __version__, controls, words
from samebits.comparison.reasons import AFTER_AN_INTERRUPTION, INTERRUPTED
from samebits.errors import RecordError, UsageError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.model import TrialFile
from samebits.ops import documents
from samebits.ops.documents import DifferingPlace, Operator, Outcome, ReplayFindings, ReplayResult
from samebits.store.record_files import DISTANCES, read_document

__all__ = ["DifferingPlace", "Operator", "ReplayResult", "judge", "read", "replay"]

_WATCHED = "samebits ops -- python train.py   (a training with PyTorch)"


def judge(found: ReplayFindings, trial: TrialFile, command: list[str], want: dict[str, int]) -> ReplayResult:
    """Make the result, without its times. `want`: the first and the last step, and the number of replays."""
    reason, advice = _missing(found, trial, want)
    outcome: Outcome = "differed" if found.differed else "nothing" if reason else "same"
    return ReplayResult(
        samebits=__version__,
        outcome=outcome,
        sentence=_sentence(outcome, reason, found, want),
        reason=reason,
        advice=advice,
        command=command,
        steps=found.steps,
        operators=found.operators,
        differed=sorted(found.differed, key=lambda place: (place.step, place.process, place.order)),
        left_out=found.left_out,
        failed=found.failed,
        unwritten=found.unwritten,
        notes=[*found.notes, *_notes(found, want), *_failures(found)],
        first=want["first"],
        last=want["last"],
        repeats=want["repeats"],
    )


def _missing(found: ReplayFindings, trial: TrialFile, want: dict[str, int]) -> tuple[str | None, str | None]:
    """Return (why nothing was replayed, what to do); (None, None) if something was replayed."""
    if found.steps or found.failures or found.interruptions:
        return _failed(found)
    if found.why_not:
        return f"{_capital(found.why_not)}.", "samebits env list names other environments; --env NAME runs in one."
    ended = f"the program ended badly ({trial.why})" if trial.why else "the program ended"
    if not found.has_torch:
        what = "No process imported PyTorch, and samebits replays only operators of PyTorch"
        return f"{what}: {ended}." if trial.why else f"{what}.", _WATCHED
    if found.made > want["first"] and found.rested:
        return f"Step {want['first']} ran in a thread that was not being traced.", "Train in the main thread."
    what = "did not end" if found.operators else "never began"
    return f"Step {want['first']} {what}: {ended} after {words.count(found.made, 'step')}.", _steps_advice(found)


def _failed(found: ReplayFindings) -> tuple[str | None, str | None]:
    if not found.failures and not found.interruptions:
        return None, None
    if not found.failures:
        what = f"{_capital(INTERRUPTED)} ({found.interruptions[0]}), so some operators may not have been replayed."
        return what, AFTER_AN_INTERRUPTION
    what = f"The probe itself failed ({found.failures[0]}), so some operators may not have been replayed."
    return what, "Report it, with this command: it is a fault of samebits."


def _failures(found: ReplayFindings) -> list[str]:
    return [
        *(f"the probe failed at {one}" for one in found.failures),
        *(f"{INTERRUPTED}: {one}" for one in found.interruptions),
    ]


def _steps_advice(found: ReplayFindings) -> str:
    if found.made:
        return "--step 0" + (f" to --step {found.made - 1}" if found.made > 1 else "") + " can be replayed."
    return "A step is one call of an optimizer's step; see docs/reference/seen.md."


def _sentence(outcome: Outcome, reason: str | None, found: ReplayFindings, want: dict[str, int]) -> str:
    if outcome == "nothing":
        return reason or ""
    replayed = [operator for operator in found.operators if operator.replayed]
    names = _names(replayed)
    where = _where(found, want)
    if outcome == "same":
        calls = sum(operator.replayed for operator in replayed)
        return (
            f"{words.count(calls, 'call')} of {words.count(len(names), 'operator')} in {where}, "
            f"each run again {words.count(want['repeats'], 'time')}: the same bits."
        )
    guilty = _names([operator for operator in replayed if operator.differed])
    verb = words.agree(len(guilty), "differs", "differ")
    return (
        f"{len(guilty)} of {words.count(len(names), 'operator')} in {where} {verb} when run again on the same inputs."
    )


def _names(operators: list[Operator]) -> set[str]:
    return {operator.operator for operator in operators}


def _where(found: ReplayFindings, want: dict[str, int]) -> str:
    steps = found.steps or [want["first"]]
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"


def _notes(found: ReplayFindings, want: dict[str, int]) -> list[str]:
    notes = []
    if found.steps and found.steps[-1] < want["last"]:
        notes.append(f"steps after {found.steps[-1]} never began: the program made {words.count(found.made, 'step')}")
    if found.steps and found.rested:
        notes.append(f"{words.count(found.rested, 'process')} made steps that were not replayed")
    if found.differed and not found.steps:
        notes.append(f"step {want['first']} did not end: the operators until then were replayed")
    if found.steps and {one.phase for one in found.operators if one.replayed} == {"optimizer"}:
        notes.append(f"{_where(found, want)} has no forward and no backward: a step is one call of an optimizer's step")
    return notes


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


OPS = "ops.json"
REPEATS = 4
MOST_REPEATS = 1000
_TUNABLES = "GLIBC_TUNABLES"


def replay(
    request: Request,
    step: int | tuple[int, int] = 0,
    repeats: int = REPEATS,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> ReplayResult:
    """Run the command once, up to the end of the last step asked for, and replay the operators of these steps.

    `step`: one step, or the first and the last of several. `repeats`: how often each operator runs again. `folder`: the
    record folder (default: that of the request). Before anything runs, it raises the errors of `checks.run`. If
    operators could not be replayed, the result says why.
    """
    first, last = (step, step) if isinstance(step, int) else step
    if not 0 <= first <= last or not 1 <= repeats <= MOST_REPEATS:
        raise UsageError(f"Steps {first} to {last}, {repeats} replays: that is not possible.", "samebits ops --help")
    began = time.monotonic()
    experiment = Experiment.begin(_alone(request, last, folder), progress)
    want = {"first": first, "last": last, "repeats": repeats}
    looked = experiment.run(Limits(steps=last + 1, replay=want), [1])
    plan = experiment.plan
    found = documents.collect(plan.trial_folder(1), plan.directory)
    result = judge(found, looked.files[0], plan.request.command, want)
    processes = experiment.trial(1).processes
    python = next((one.facts["executable"] for one in processes if one.facts.get("executable")), None)
    update = {"seconds": time.monotonic() - began, "record": str(experiment.folder), "python": python}
    result = result.model_copy(update=update)
    experiment.write(OPS, result)
    return result


def _alone(request: Request, last: int, folder: Path | None) -> Request:
    """Return the request for this one run.

    The request switches off glibc's cache of each thread, because this cache hands out memory that was not filled.
    """
    options = request.options.model_copy(update={"trials": 1, "steps": last + 1, "budget": None, "jobs": 1})
    base = {name: value for name, value in {**os.environ, **request.variables}.items() if value is not None}
    tunables = controls.environment(["fill-uninitialized"], 0, base).get(_TUNABLES)
    variables = {**request.variables, _TUNABLES: tunables}
    return replace(request, options=options, variables=variables, out=folder or request.out, against=None)


def read(folder: Path) -> ReplayResult:
    """Return the result of an earlier replay. Raises RecordError if the folder holds none, or a broken one."""
    path = folder / OPS
    if not path.is_file():
        raise RecordError(f"{folder} holds no {OPS}: no operators were replayed.", "samebits ops -- python train.py")
    return read_document(path, ReplayResult, DISTANCES)
