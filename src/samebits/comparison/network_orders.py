"""Answers whether trials that diverge may train the same independent networks in different orders.

If each trial has trained only its first network, the cause may also be weights that differ by chance. Two facts speak
for different orders: weights that differ by chance are never the same in two trials, and the first network of one trial
comes later in a different trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Literal

from samebits.comparison.networks import labels, networks
from samebits.store.trace import ProcessTrace, TrialTrace

Answer = Literal["no", "perhaps", "surely"]
Content = tuple[frozenset[tuple[str, str, tuple[int, ...]]], frozenset[tuple[str, bytes]]]


def may_differ(trials: Sequence[TrialTrace]) -> Answer:
    """Return whether the networks of these trials come in different orders, by the steps that the trials have made."""
    seen = [trial.observed for trial in trials]
    if any(len(processes) != 1 for processes in seen):
        return "no"
    begun = [_begun(processes[0]) for processes in seen]
    if not all(begun):
        return "no"
    if any(other[0] != one[0] and other[0] in one[1:] for one, other in permutations(begun, 2)):
        return "surely"
    firsts = [some[0] for some in begun]
    are_several = len({structure for structure, _ in firsts}) > 1
    return "perhaps" if are_several or 1 < len(set(firsts)) < len(firsts) else "no"


def _begun(trace: ProcessTrace) -> list[Content]:
    """Return the networks of a trace with their initial values, in their order."""
    if not labels(trace):  # the program names values itself
        return []
    found = [(frozenset(one.structure), frozenset(one.start)) for one in networks(trace).values()]
    return [(structure, start) for structure, start in found if start]
