"""From a record to its verdict. `repeated` is never said of what was not seen."""

from __future__ import annotations

from collections.abc import Sequence

import samebits
from samebits import words
from samebits.compare import sentences
from samebits.compare.detection import detection
from samebits.compare.divergence import find_divergence, group_points
from samebits.compare.doubts import leak_between, why_no_divergence
from samebits.compare.finals import final
from samebits.compare.groups import Comparison
from samebits.compare.marks import judged
from samebits.compare.precision import agreements
from samebits.compare.processes import AlignedTrial
from samebits.compare.reasons import Reason, ReasonInputs, why_not_repeated
from samebits.compare.scope import scope
from samebits.compare.setup import setup
from samebits.compare.splits import group_splits
from samebits.compare.threads import told, without_racing_traces
from samebits.compare.warnings import Note, WarningInputs, unseeded, warnings
from samebits.model import Divergence, RecordFile, Result, Trial, Verdict
from samebits.store.trace import TrialTrace


def judge(record: RecordFile, trials: Sequence[TrialTrace]) -> Result:
    """Compare the trials and say what that shows. Pure; sets all of Result but `seconds` and `record`."""
    trials = without_racing_traces(trials, record.command)
    looked = ReasonInputs(record, [AlignedTrial(trial, record.command) for trial in trials])
    comparison = Comparison(looked.usable, record.options.ignores)
    divergence = told(find_divergence(comparison), trials)
    verdict, reason = _decide(looked, comparison, divergence)
    seen = WarningInputs(record, trials, comparison, divergence, setup(record, looked.trials), reason)
    notes, extent = warnings(seen), scope(comparison.aligned)
    leak = leak_between([aligned.trial for aligned in comparison.aligned], record)
    if verdict == "repeated" and record.options.strict and (reason := _caveat(notes)):
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
        detection=detection(len(comparison.aligned)),
        leak=leak if verdict == "repeated" else None,
        warnings=[note.text for note in notes],
        unseeded=unseeded(seen),
        judged=judged(comparison, divergence),
    )


def _decide(
    looked: ReasonInputs, comparison: Comparison, divergence: Divergence | None
) -> tuple[Verdict, Reason | None]:
    """A difference that is the program's own is a divergence; equal bits repeat only where enough was seen."""
    if divergence is not None:
        doubt = why_no_divergence(comparison, looked.record)
        return ("inconclusive", doubt) if doubt else ("diverged", None)
    lacking = why_not_repeated(looked, comparison)
    return ("inconclusive", lacking) if lacking else ("repeated", None)


def _caveat(notes: Sequence[Note]) -> Reason | None:
    """The first of the notes that limit what equal bits show, as the reason of --strict."""
    limits = [note.text for note in notes if note.is_caveat]
    if not limits:
        return None
    more = f" (and {words.count(len(limits) - 1, 'more warning')})" if len(limits) > 1 else ""
    return Reason(f"--strict: {limits[0]}{more}.", "Remove the cause of each warning, or run without --strict.")


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
