"""What follows from the replays: an outcome, and a sentence. Pure functions of what was found."""

from __future__ import annotations

from samebits import __version__, words
from samebits.comparison.reasons import AFTER_AN_INTERRUPTION, INTERRUPTED
from samebits.model import TrialFile
from samebits.ops.documents import Operator, Outcome, ReplayResult
from samebits.ops.findings import ReplayFindings

_WATCHED = "samebits ops -- python train.py runs a training with PyTorch"


def judge(found: ReplayFindings, trial: TrialFile, command: list[str], want: dict[str, int]) -> ReplayResult:
    """The document, still without its times. `want`: the first and the last step, and the number of replays."""
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
    """Why it is not known whether the replays differ, and what to do; (None, None) where something was replayed."""
    if found.steps or found.failures or found.interruptions:
        return _failed(found)
    if found.why_not:
        return f"{_capital(found.why_not)}.", "samebits env list names other environments; --env NAME runs in one."
    ended = f"the program ended badly ({trial.why})" if trial.why else "the program ended"
    if not found.has_torch:
        what = "No process imported PyTorch, whose operators are replayed"
        return f"{what}: {ended}." if trial.why else f"{what}.", _WATCHED
    if found.made > want["first"] and found.rested:
        return f"Step {want['first']} ran in a thread that was not being traced.", "Train in the main thread."
    what = "had no end" if found.operators else "never came"
    return f"Step {want['first']} {what}: {ended} after {words.count(found.made, 'step')}.", _steps_advice(found)


def _failed(found: ReplayFindings) -> tuple[str | None, str | None]:
    if not found.failures and not found.interruptions:
        return None, None
    if not found.failures:
        what = f"{_capital(INTERRUPTED)} ({found.interruptions[0]}), so not all may have been replayed."
        return what, AFTER_AN_INTERRUPTION
    what = f"The probe itself failed ({found.failures[0]}), so not all may have been replayed."
    return what, "Report it, with this command: it is a fault of samebits."


def _failures(found: ReplayFindings) -> list[str]:
    return [
        *(f"the probe failed at {one}" for one in found.failures),
        *(f"{INTERRUPTED}: {one}" for one in found.interruptions),
    ]


def _steps_advice(found: ReplayFindings) -> str:
    if found.made:
        return f"--step 0 to --step {found.made - 1} are there."
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
            f"each run {words.count(want['repeats'], 'time')} more: the same bits."
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
        notes.append(f"steps after {found.steps[-1]} never came: the program made {words.count(found.made, 'step')}")
    if found.steps and found.rested:
        notes.append(f"{words.count(found.rested, 'process')} made steps that were not replayed")
    if found.differed and not found.steps:
        notes.append(f"step {want['first']} had no end: what ran until then was replayed")
    if found.steps and {one.phase for one in found.operators if one.replayed} == {"optimizer"}:
        notes.append(f"{_where(found, want)} has no forward and no backward: each call of an optimizer's step is one")
    return notes


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
