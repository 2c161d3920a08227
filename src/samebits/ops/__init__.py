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
from samebits.comparison.verdict.reasons import AFTER_AN_INTERRUPTION, INTERRUPTED
from samebits.errors import RecordError, UsageError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.model import TrialFile
from samebits.ops import documents
from samebits.ops.documents import DifferingPlace, Operator, Outcome, ReplayFindings, ReplayResult
from samebits.store.record_files import DISTANCES, read_document

__all__ = ["DifferingPlace", "Operator", "ReplayResult", "judge", "read", "replay"]

_WATCHED = "samebits ops -- python train.py   (a training with PyTorch)"


def judge(findings: ReplayFindings, trial: TrialFile, command: list[str], want: dict[str, int]) -> ReplayResult:
    """Make the result, without its times. `want`: the first and the last step, and the number of replays."""
    reason, advice = _missing(findings, trial, want)
    outcome: Outcome = "differed" if findings.differed else "nothing" if reason else "same"
    return ReplayResult(
        samebits=__version__,
        outcome=outcome,
        sentence=_sentence(outcome, reason, findings, want),
        reason=reason,
        advice=advice,
        command=command,
        steps=findings.steps,
        operators=findings.operators,
        differed=sorted(findings.differed, key=lambda place: (place.step, place.process, place.order)),
        left_out=findings.left_out,
        failed=findings.failed,
        unwritten=findings.unwritten,
        notes=[*findings.notes, *_notes(findings, want), *_failures(findings)],
        first=want["first"],
        last=want["last"],
        repeats=want["repeats"],
    )


def _missing(findings: ReplayFindings, trial: TrialFile, want: dict[str, int]) -> tuple[str | None, str | None]:
    """Return (why nothing was replayed, what to do); (None, None) if something was replayed."""
    if findings.steps or findings.failures or findings.interruptions:
        return _failed(findings)
    if findings.why_not:
        return f"{_capital(findings.why_not)}.", "samebits env list names other environments; --env NAME runs in one."
    ended = f"the program ended badly ({trial.why})" if trial.why else "the program ended"
    if not findings.has_torch:
        what = "No process imported PyTorch, and samebits replays only operators of PyTorch"
        return f"{what}: {ended}." if trial.why else f"{what}.", _WATCHED
    if findings.made > want["first"] and findings.rested:
        return f"Step {want['first']} ran in a thread that was not being traced.", "Train in the main thread."
    what = "did not end" if findings.operators else "never began"
    return f"Step {want['first']} {what}: {ended} after {words.count(findings.made, 'step')}.", _steps_advice(findings)


def _failed(findings: ReplayFindings) -> tuple[str | None, str | None]:
    if not findings.failures and not findings.interruptions:
        return None, None
    if not findings.failures:
        what = f"{_capital(INTERRUPTED)} ({findings.interruptions[0]}), so some operators may not have been replayed."
        return what, AFTER_AN_INTERRUPTION
    what = f"The probe itself failed ({findings.failures[0]}), so some operators may not have been replayed."
    return what, "Report it, with this command: it is a fault of samebits."


def _failures(findings: ReplayFindings) -> list[str]:
    return [
        *(f"the probe failed at {failure}" for failure in findings.failures),
        *(f"{INTERRUPTED}: {interruption}" for interruption in findings.interruptions),
    ]


def _steps_advice(findings: ReplayFindings) -> str:
    if findings.made:
        return "--step 0" + (f" to --step {findings.made - 1}" if findings.made > 1 else "") + " can be replayed."
    return "A step is one call of an optimizer's step; see docs/reference/seen.md."


def _sentence(outcome: Outcome, reason: str | None, findings: ReplayFindings, want: dict[str, int]) -> str:
    if outcome == "nothing":
        return reason or ""
    replayed = [operator for operator in findings.operators if operator.replayed]
    names = _names(replayed)
    where = _where(findings, want)
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


def _where(findings: ReplayFindings, want: dict[str, int]) -> str:
    steps = findings.steps or [want["first"]]
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"


def _notes(findings: ReplayFindings, want: dict[str, int]) -> list[str]:
    notes, steps, where = list[str](), findings.steps, _where(findings, want)
    if steps and steps[-1] < want["last"]:
        notes.append(f"steps after {steps[-1]} never began: the program made {words.count(findings.made, 'step')}")
    if steps and findings.rested:
        notes.append(f"{words.count(findings.rested, 'process')} made steps that were not replayed")
    if findings.differed and not steps:
        notes.append(f"step {want['first']} did not end: the operators until then were replayed")
    if steps and {operator.phase for operator in findings.operators if operator.replayed} == {"optimizer"}:
        notes.append(f"{where} has no forward and no backward: a step is one call of an optimizer's step")
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
    finished = experiment.run(Limits(steps=last + 1, replay=want), [1])
    plan = experiment.plan
    findings = documents.collect(plan.trial_folder(1), plan.directory)
    result = judge(findings, finished.files[0], plan.request.command, want)
    processes = experiment.trial(1).processes
    python = next((process.facts["executable"] for process in processes if process.facts.get("executable")), None)
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
