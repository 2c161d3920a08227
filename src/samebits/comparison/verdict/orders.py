"""Says which difference counts if trials observe the same values in different orders.

A pool gives its workers different tasks in each trial. A program that walks over a set trains its networks in a
different order. Such trials may leave the same results, so equal values are not a divergence, and not a repetition
either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from samebits.comparison.traces.coverage import has_named_file
from samebits.comparison.traces.networks import has_several, is_long_trace, values_of
from samebits.comparison.traces.processes import AlignedTrial, is_pooled
from samebits.comparison.verdict.divergence import find_divergence
from samebits.comparison.verdict.groups import Comparison
from samebits.comparison.verdict.reasons import Reason
from samebits.model import Divergence
from samebits.store.trace import ProcessTrace

_ONLY_TASKS = Reason(
    "the workers of a pool together observed the same values, but each may be given different tasks in each trial.",
    "Give the pool one worker for the check, or compare what the program saves: --artifact GLOB.",
    code="tasks",
)
_ONLY_ORDER = Reason(
    "all trials observed the same values, but in different orders: independent networks may be trained in the order of "
    "a set, for example.",
    "Give the networks a fixed order: sorted(...). Or compare what the program saves: --artifact GLOB.",
    code="order-of-networks",
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

    If some processes differ only in the order of their values, this does not count if anything else differs. If
    nothing else differs, and each trial wrote files that --artifact names, these are compared instead.
    """
    divergence = find_divergence(whole)
    if divergence is None:
        return CountedDifference(whole, None)
    differing = _differing_processes(whole)
    if not any(map(has_orders, differing)) or len(set(map(_values, whole.aligned))) > 1:
        return CountedDifference(whole, divergence)
    rest = _without_orders(whole)
    remaining = find_divergence(rest)
    if remaining is not None:
        return CountedDifference(rest, remaining)
    if not all(map(has_orders, differing)):
        return CountedDifference(whole, divergence)
    if all(has_named_file(aligned.trial) for aligned in whole.aligned):
        return CountedDifference(rest, None)
    doubt = _ONLY_TASKS if any(map(is_pooled, differing)) else _ONLY_ORDER
    return CountedDifference(whole, divergence, doubt)


def _differing_processes(comparison: Comparison) -> list[ProcessTrace]:
    """Return the processes that differ from their counterparts."""
    parts = [part for pair in comparison.against_reference().values() for part in pair.members]
    return [part.member.trace for part in parts if part.alone or not part.difference.equal]


def has_orders(process: ProcessTrace) -> bool:
    """Return whether a process may observe the same values in a different order."""
    return is_pooled(process) or has_several(process)


def _without_orders(comparison: Comparison) -> Comparison:
    """Return the comparison of all else: files, printed lines, and the other processes."""
    apart = [
        replace(aligned.trial, processes=[process for process in aligned.trial.processes if not has_orders(process)])
        for aligned in comparison.aligned
    ]
    commands = [aligned.command for aligned in comparison.aligned]
    return Comparison(list(map(AlignedTrial, apart, commands)), comparison.ignores, comparison.known)


def _values(aligned: AlignedTrial) -> frozenset[bytes]:
    """Return all values that such processes of a trial observed.

    A long trace keeps digests of its later steps. These depend on the order, so then only starts and ends are compared.
    """
    processes = [process for process in aligned.trial.processes if has_orders(process)]
    is_long = any(map(is_long_trace, processes))
    return frozenset(value for process in processes for value in values_of(process, is_long=is_long))
