"""Says which difference counts if a pool gives its workers different tasks in each trial."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from samebits.comparison.divergence import find_divergence
from samebits.comparison.groups import Comparison
from samebits.comparison.processes import AlignedTrial, is_pooled
from samebits.comparison.reasons import Reason
from samebits.model import Divergence
from samebits.store.trace import TrialTrace
from samebits_probe import wire

_ONLY_TASKS = Reason(
    "the workers of a pool together observed the same values, but each may be given different tasks in each trial.",
    "Give the pool one worker for the check, or compare what the program saves: --artifact GLOB.",
)


class CountedDifference(NamedTuple):
    """The comparison that counts, and its divergence.

    `doubt`: why it may be no divergence; None without such a doubt.
    """

    comparison: Comparison
    divergence: Divergence | None
    doubt: Reason | None = None


def counted_difference(whole: Comparison) -> CountedDifference:
    """Return the difference that counts.

    If the workers of a pool differ only in their tasks, and anything else differs, too, only the rest counts.
    """
    divergence = find_divergence(whole)
    if divergence is None:
        return CountedDifference(whole, None)
    pooled = _differing_workers(whole)
    if not any(pooled) or not _have_the_same_values(whole):
        return CountedDifference(whole, divergence)
    rest = _without_pools(whole)
    found = find_divergence(rest)
    if found is not None:
        return CountedDifference(rest, found)
    return CountedDifference(whole, divergence, _ONLY_TASKS if all(pooled) else None)


def _differing_workers(comparison: Comparison) -> list[bool]:
    """Return, for each process that differs from its counterpart, whether a pool gives it its tasks."""
    parts = [part for pair in comparison.against_reference().values() for part in pair.members]
    return [is_pooled(part.member.trace) for part in parts if part.alone or not part.found.equal]


def _have_the_same_values(comparison: Comparison) -> bool:
    """Return whether all workers of a pool together observed the same values in each trial."""
    return len({_pooled_values(aligned.trial) for aligned in comparison.aligned}) == 1


def _without_pools(comparison: Comparison) -> Comparison:
    """Return the comparison of all else: files, printed lines, and the processes that a pool gives no tasks."""
    apart = [
        replace(aligned.trial, processes=[process for process in aligned.trial.processes if not is_pooled(process)])
        for aligned in comparison.aligned
    ]
    commands = [aligned.command for aligned in comparison.aligned]
    return Comparison(list(map(AlignedTrial, apart, commands)), comparison.ignores, comparison.known)


def _pooled_values(trial: TrialTrace) -> bytes:
    """Return a digest over the values that all pooled workers observed, random states left out."""
    digest = hashlib.blake2b(digest_size=16)
    traces = [process.rows for process in trial.processes if is_pooled(process)]
    prints = [rows["fingerprint"][rows["kind"] != wire.CODE["rng"]] for rows in traces]
    for value in sorted(bytes(one) for some in prints for one in some):
        digest.update(value)
    return digest.digest()
