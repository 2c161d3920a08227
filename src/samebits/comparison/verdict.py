"""Makes the verdict of a record. It is never `repeated` because something was not seen.

Two records are judged as if they were one: the trials of the second get the numbers after those of the first.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import samebits
from samebits import words
from samebits.comparison import sentences
from samebits.comparison.coverage import named_by_program
from samebits.comparison.divergence import group_points
from samebits.comparison.endings import unwatched, unwatched_processes
from samebits.comparison.groups import Comparison, group_splits
from samebits.comparison.keys import keyed_points
from samebits.comparison.pools import counted_difference
from samebits.comparison.processes import AlignedTrial, normal_argv
from samebits.comparison.reasons import Reason, ReasonInputs, begin_without, why_not_repeated
from samebits.comparison.setup import differing_facts, leak_between, setup, why_no_divergence
from samebits.comparison.threads import trains_elsewhere, with_racing_steps, without_racing_traces
from samebits.comparison.values import agreements, final
from samebits.comparison.warnings import Note, WarningInputs, unseeded, warnings
from samebits.errors import UsageError
from samebits.model import Detection, Divergence, RecordFile, Result, Scope, Trial, TrialFile, Verdict
from samebits.options import MOST_TRIALS
from samebits.store.record import PROBE, SHIMS, Record
from samebits.store.trace import ProcessTrace, TrialTrace
from samebits_probe import wire


def judge(record: RecordFile, trials: Sequence[TrialTrace], *, nodes_asked: bool = False) -> Result:
    """Compare the trials and make the result. Pure; it sets all fields of Result but `seconds` and `record`.

    `nodes_asked`: the question is whether the bits depend on the machine, so a different machine excuses no difference.
    """
    trials = without_racing_traces(trials, record.command)
    looked = ReasonInputs(record, [AlignedTrial(trial, record.command) for trial in trials])
    comparison, found, doubt = counted_difference(Comparison(looked.usable, record.options.ignores))
    divergence = with_racing_steps(found, trials)
    if divergence is not None and doubt is None:
        doubt = why_no_divergence(comparison, record, nodes_asked=nodes_asked)
    verdict, reason = ("inconclusive", doubt) if doubt else _decide(looked, comparison, divergence)
    seen = WarningInputs(record, trials, comparison, divergence, setup(record, looked.trials), reason)
    notes, extent = warnings(seen), scope(comparison.aligned)
    leak = leak_between([aligned.trial for aligned in comparison.aligned], record)
    if verdict == "repeated" and record.options.strict and (reason := _caveat(notes, looked)):
        verdict = "inconclusive"
    return Result(
        samebits=samebits.__version__,
        verdict=verdict,
        sentence=_sentence(reason, comparison, divergence) or sentences.repeated(comparison, extent, leak),
        reason=reason.reason if reason else None,
        advice=reason.advice if reason else None,
        agrees=agreements(comparison.aligned) if divergence else [],
        scope=extent,
        setup=seen.setup,
        trials=[_trial(aligned) for aligned in looked.trials],
        groups=comparison.groups,
        diverges_at=group_points(comparison),
        splits=group_splits(comparison),
        divergence=divergence,
        keyed=keyed_points(comparison),
        detection=detection(len(comparison.aligned)),
        leak=leak if verdict == "repeated" else None,
        across=differing_facts([aligned.trial for aligned in comparison.aligned]) if verdict == "repeated" else [],
        warnings=[note.text for note in notes],
        unseeded=unseeded(seen),
        judged=judged(comparison, divergence),
        at_a_time=max((turn.at_a_time for turn in record.rounds), default=1),
        at_a_time_why=record.at_a_time_why,
    )


def _decide(
    looked: ReasonInputs, comparison: Comparison, divergence: Divergence | None
) -> tuple[Verdict, Reason | None]:
    """Return the verdict, and the reason if it is inconclusive.

    A difference that comes from the program is a divergence. Equal bits are `repeated` only if enough was seen.
    """
    if divergence is not None:
        return "diverged", None
    lacking = why_not_repeated(looked, comparison)
    return ("inconclusive", lacking) if lacking else ("repeated", None)


def _caveat(notes: Sequence[Note], looked: ReasonInputs) -> Reason | None:
    """Return why --strict gives no answer: the first note that limits what equal bits show, and advice. Else None."""
    limits = [note for note in notes if note.is_caveat]
    if not limits:
        return None
    more = f" (and {words.count(len(limits) - 1, 'more warning')})" if len(limits) > 1 else ""
    leaks = [leak for trial in looked.trials for leak in trial.trial.file.leaks]
    of_leak = begin_without(leaks[0], looked.record) if limits[0].is_leak else ""
    remedy = of_leak or f"Remove the cause of {words.agree(len(limits), 'this warning', 'each warning')}."
    return Reason(f"--strict: {limits[0].text}{more}.", f"{remedy} Or run without --strict.")


def _sentence(reason: Reason | None, comparison: Comparison, divergence: Divergence | None) -> str | None:
    if reason is not None:
        return reason.reason
    return sentences.diverged(comparison, divergence) if divergence else None


def _trial(aligned: AlignedTrial) -> Trial:
    file = aligned.trial.file
    return Trial(
        id=file.id,
        status=file.status,
        exit_code=file.exit_code,
        steps=aligned.steps,
        seconds=file.seconds,
        final=final(aligned),
        metrics=file.metrics,
    )


# -- what a number of trials can notice -------------------------------------------------------------------------------


def chance(share: float, trials: int) -> float:
    """Return the probability that n trials show a difference that a share p of all runs shows: 1 - p^n - (1-p)^n."""
    if trials < 2:
        return 0.0
    return 1.0 - float(share**trials) - float((1.0 - share) ** trials)


def detection(trials: int) -> Detection:
    """Return the probabilities for half of all runs and for one run in ten."""
    return Detection(
        seen_if_in_half_of_runs=round(chance(0.5, trials), 4), seen_if_in_one_of_ten=round(chance(0.1, trials), 4)
    )


# -- kind by kind: equal, different, not reached or not seen ----------------------------------------------------------


EQUAL, DIFFERS, NOT_REACHED, NOT_OBSERVED = "=", "!", ".", "-"


def judged(comparison: Comparison, divergence: Divergence | None) -> dict[str, str]:
    """Return kind -> mark, in the order of judging. `structure` is there only if the structure differs."""
    observed = _observed(comparison.aligned)
    marks = {kind: EQUAL if kind in observed else NOT_OBSERVED for kind in wire.KINDS if kind != "structure"}
    if "end" in observed and not all(trial.whole for trial in comparison.aligned):
        marks["end"] = NOT_REACHED
    if any(part.found.rng for pair in comparison.pairs() for part in pair.members):
        marks["rng"] = NOT_REACHED  # it differs but is not judged; a warning says so
    if len(comparison.aligned) < 2:
        return {kind: NOT_REACHED if mark == EQUAL else mark for kind, mark in marks.items()}
    return _parted(marks, divergence) if divergence else marks


def _parted(marks: dict[str, str], divergence: Divergence) -> dict[str, str]:
    at = wire.CODE[divergence.kind]
    changed = {kind: NOT_REACHED if wire.CODE[kind] > at and mark == EQUAL else mark for kind, mark in marks.items()}
    changed[divergence.kind] = DIFFERS
    return {kind: changed[kind] for kind in wire.KINDS if kind in changed}


def _observed(aligned: Sequence[AlignedTrial]) -> set[str]:
    """Return the kinds that any trial showed. An end is expected of stopped trials, too."""
    kinds = {point.kind for trial in aligned for member in trial.members for point in member.trace.points}
    expects_end = any(trial.trial.files.files or not trial.whole for trial in aligned)
    return kinds | {"end"} if expects_end else kinds


# -- what was compared, and what could not be seen --------------------------------------------------------------------


def scope(aligned: Sequence[AlignedTrial]) -> Scope:
    """Return the scope of a comparison of these trials."""
    whole = [trial for trial in aligned if trial.whole]
    return Scope(
        kind="whole" if aligned and len(whole) == len(aligned) else "prefix",
        steps_compared=min((trial.steps for trial in aligned), default=0),
        steps_total=max((trial.steps for trial in whole), default=None),
        files_compared=max((len(trial.trial.files.files) for trial in whole), default=0),
        not_observed=list(dict.fromkeys(_not_observed(aligned))),
        unwatched=list(dict.fromkeys(what for trial in aligned for what in unwatched(trial.trial))),
    )


def _not_observed(aligned: Sequence[AlignedTrial]) -> Iterator[str]:
    for trial in aligned:
        for process in trial.trial.processes:
            if not process.observed and not trains_elsewhere(process):
                continue
            for event in process.events_named("not-observed"):
                yield f"{event.get('point', '?')}: {event.get('why', '')}"
            if named_by_program(process):
                yield "values that the program did not pass to observe()"
        if not trial.members and trial.trial.files.files:
            yield "steps: only the files that were written are compared"
        for hidden in unwatched_processes(trial.trial.file):
            why = f" ({hidden.why})" if hidden.why else ""
            yield f"the process {words.command(hidden.argv)}{why}"


# what two records should have in common, in people's words
SAME_ASKED = ("command", "directory", "python", "environment", "host", "preset", "controls", "seed")
SAME_FOUND = ("packages", "code", "machine", "environment")
SHOWN = 5
_PYTHON = re.compile(r"(python|pypy)[\d.]+")  # python3.12 is the same process as python3


@dataclasses.dataclass(frozen=True)
class RecordSide:
    """One of two records. `trials`: the numbers that its trials have beside those of the other."""

    folder: Path
    file: RecordFile
    trials: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class MergedRecord:
    """Two records as one, with everything that reports need of a record."""

    folder: Path
    file: RecordFile
    trials: list[TrialTrace]
    sides: tuple[RecordSide, RecordSide]


def judged_together(first: Record, second: Record, *, nodes_asked: bool = False) -> tuple[Any, Result]:
    """Return (the two as one, the result). `nodes_asked`: see `judge`. UsageError if they cannot be compared."""
    if first.file.hash != second.file.hash:
        raise UsageError(
            f"the fingerprints of the records come from two hash functions: {first.file.hash} and {second.file.hash}.",
            f"samebits check --against {first.folder} runs the second training with the hash function of the first.",
        )
    joined = join(first, second)
    result = judge(joined.file, joined.trials, nodes_asked=nodes_asked)
    return joined, result.model_copy(update={"seconds": sum(turn.seconds for turn in joined.file.rounds)})


def join(first: Record, second: Record) -> MergedRecord:
    """Return one record of both. The second's trials have the numbers after those of the first."""
    offset = max((trial.id for trial in first.trials), default=0)
    if offset + max((trial.id for trial in second.trials), default=0) > MOST_TRIALS:
        raise UsageError(f"the two records have more than {MOST_TRIALS} trials together.")
    trials = [
        _moved(trial, moved, record.file.command)
        for record, moved in ((first, 0), (second, offset))
        for trial in record.trials
    ]
    options = first.file.options.model_copy(update={"trials": len(trials)})
    changes = {
        "options": options,
        "rounds": [*first.file.rounds, *second.file.rounds],
        "notes": [*first.file.notes, *second.file.notes, *setup_differences(first, second)],
    }
    sides = (_side(first, 0), _side(second, offset))
    return MergedRecord(first.folder, first.file.model_copy(update=changes), trials, sides)


def _side(record: Record, offset: int) -> RecordSide:
    return RecordSide(record.folder, record.file, tuple(trial.id + offset for trial in record.trials))


def _moved(trial: TrialTrace, offset: int, command: list[str]) -> TrialTrace:
    """Return the trial with a new number. Its arguments no longer name the old number."""
    leaks = [leak.model_copy(update={"written_by": leak.written_by + offset}) for leak in trial.file.leaks]
    file = trial.file.model_copy(update={"id": trial.id + offset, "leaks": leaks})
    processes = [_neutral(process, trial, command) for process in trial.processes]
    return dataclasses.replace(trial, file=file, processes=processes)


def _neutral(process: ProcessTrace, trial: TrialTrace, command: list[str]) -> ProcessTrace:
    argv = list(normal_argv(process.facts["argv"], trial, command))
    argv[:1] = [_PYTHON.sub(r"\1", word) for word in argv[:1]]
    return dataclasses.replace(process, facts={**process.facts, "argv": argv})


def setup_differences(first: Record, second: Record) -> list[str]:
    """Return one sentence for each thing that the two setups do not have in common."""
    return [*_asked_differently(first.file, second.file), *_found_differently(first, second)]


def _asked_differently(first: RecordFile, second: RecordFile) -> Iterator[str]:
    for name in SAME_ASKED:
        a, b = getattr(first, name), getattr(second, name)
        if a != b:
            yield f"the records differ in {name}: {_shown(a)} and {_shown(b)}"


def _found_differently(first: Record, second: Record) -> Iterator[str]:
    if not first.trials or not second.trials:
        return
    for name in SAME_FOUND:
        a, b = _facts_of(first.trials[0].file, name), _facts_of(second.trials[0].file, name)
        keys = sorted(key for key in {*a, *b} if a.get(key) != b.get(key))
        if keys and (name != "packages" or (a and b)):  # a process that observed nothing does not list its packages
            said = "; ".join(f"{key} {_shown(a.get(key))} and {_shown(b.get(key))}" for key in keys[:SHOWN])
            more = f"; and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
            yield f"the records differ in {name}: {said}{more}"


def _facts_of(trial: TrialFile, name: str) -> dict[str, Any]:
    """Return the facts of a trial, without the search paths that samebits itself adds. Each record has its own."""
    facts: dict[str, Any] = getattr(trial, name)
    if name != "environment" or "PYTHONPATH" not in facts:
        return facts
    probe = Path(str(facts["PYTHONPATH"]).split(os.pathsep)[0])
    own = (str(probe), str(probe.parent / SHIMS)) if probe.name == PROBE else ()
    paths = {
        variable: str(facts[variable]).split(os.pathsep) for variable in ("PYTHONPATH", "PATH") if variable in facts
    }
    return {
        **facts,
        **{variable: os.pathsep.join(x for x in folders if x not in own) for variable, folders in paths.items()},
    }


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, dict):  # the files of the code, each with its fingerprint
        text = ", ".join(f"{name} {str(found)[:8]}" for name, found in value.items())
    else:
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
