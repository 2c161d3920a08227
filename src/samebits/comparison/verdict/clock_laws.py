"""Decides whether trials with a faster clock could explain differences, and keeps their findings. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.comparison.evidence.laws import Finding
from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import Comparison
from samebits.model import ClockLaw, RecordFile
from samebits.store.trace import TrialTrace


def known_laws(record: RecordFile) -> dict[str, Finding]:
    """Return the laws that a record holds, by the names of their places."""
    return {value.place: Finding(value.law, value.ratio) for value in record.settled}


def settled(comparison: Comparison) -> list[ClockLaw]:
    """Return the laws by which this comparison understood differences."""
    findings = comparison.judge.settled.items()
    return [ClockLaw(place=place, law=finding.law, ratio=finding.ratio) for place, finding in findings]


def is_open(record: RecordFile, trials: Sequence[TrialTrace]) -> bool:
    """Return whether these trials agree at every step, and differ in something that the experiment could explain."""
    comparison = Comparison(
        [AlignedTrial(t, record.command) for t in trials], record.options.ignores, known_laws(record)
    )
    pairs = [pair for _, pair in comparison.known_pairs()]
    agree = all(part.difference.equal and not part.alone for pair in pairs for part in pair.members)
    return agree and any(difference.is_open for pair in pairs for difference in pair.left)
