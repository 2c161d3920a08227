"""Kind by kind: equal, different, not reached or not seen."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.compare.groups import Comparison
from samebits.compare.processes import AlignedTrial
from samebits.model import Divergence
from samebits_probe import wire

EQUAL, DIFFERS, NOT_REACHED, NOT_OBSERVED = "=", "!", ".", "-"


def judged(comparison: Comparison, divergence: Divergence | None) -> dict[str, str]:
    """kind -> mark, in the order of judging; `structure` only where it is what differs."""
    observed = _observed(comparison.aligned)
    marks = {kind: EQUAL if kind in observed else NOT_OBSERVED for kind in wire.KINDS if kind != "structure"}
    if "end" in observed and not all(trial.whole for trial in comparison.aligned):
        marks["end"] = NOT_REACHED
    if any(part.found.rng for pair in comparison.pairs() for part in pair.members):
        marks["rng"] = NOT_REACHED  # differs and is not judged: a warning says so
    if len(comparison.aligned) < 2:
        return {kind: NOT_REACHED if mark == EQUAL else mark for kind, mark in marks.items()}
    return _parted(marks, divergence) if divergence else marks


def _parted(marks: dict[str, str], divergence: Divergence) -> dict[str, str]:
    at = wire.CODE[divergence.kind]
    changed = {kind: NOT_REACHED if wire.CODE[kind] > at and mark == EQUAL else mark for kind, mark in marks.items()}
    changed[divergence.kind] = DIFFERS
    return {kind: changed[kind] for kind in wire.KINDS if kind in changed}


def _observed(aligned: Sequence[AlignedTrial]) -> set[str]:
    """Kinds that were seen in any trial; the end of stopped trials is expected, and not reached."""
    kinds = {point.kind for trial in aligned for member in trial.members for point in member.trace.points}
    expects_end = any(trial.trial.files.files or not trial.whole for trial in aligned)
    return kinds | {"end"} if expects_end else kinds
