"""Answers whether trials that diverge may train the same independent networks in different orders.

If each trial has trained only its first network, the cause may also be weights that differ by chance. Three facts
suggest different orders. The first networks of two trials have the same weights: weights that differ by chance are
never the same. The first network of one trial comes later in a different trial. The generator from which PyTorch draws
weights has the same state in all trials.

If a trial has ended, and has trained one network only, there is no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Literal

from samebits.comparison.traces.networks import labels, networks
from samebits.comparison.verdict.used_generators import drawn_unseeded
from samebits.store.trace import ProcessTrace, TrialTrace

Answer = Literal["no", "perhaps", "surely"]
Content = tuple[frozenset[tuple[str, str, tuple[int, ...]]], frozenset[tuple[str, bytes]]]


def may_differ(trials: Sequence[TrialTrace]) -> Answer:
    """Return whether the networks of these trials come in different orders, by the steps that the trials have made."""
    by_trial = [trial.observed for trial in trials]
    if any(len(processes) != 1 for processes in by_trial):
        return "no"
    begun = [_begun(processes[0]) for processes in by_trial]
    if not all(begun):
        return "no"
    if any(second[0] != first[0] and second[0] in first[1:] for first, second in permutations(begun, 2)):
        return "surely"
    if any(len(some) == 1 and processes[0].end is not None for some, processes in zip(begun, by_trial, strict=True)):
        return "no"
    firsts = [some[0] for some in begun]
    are_several = len({structure for structure, _ in firsts}) > 1
    is_open = are_several or 1 < len(set(firsts)) < len(firsts) or _are_seeded([processes[0] for processes in by_trial])
    return "perhaps" if is_open and len(set(firsts)) > 1 else "no"


def _are_seeded(traces: Sequence[ProcessTrace]) -> bool:
    """Return whether PyTorch's generator had the same state in all traces when it was first seen, and a seed before."""
    states = {trace.rows_of("rng", name="torch")["fingerprint"][:1].tobytes() for trace in traces}
    return len(states) == 1 and b"" not in states and "torch" not in drawn_unseeded(traces)


def _begun(trace: ProcessTrace) -> list[Content]:
    """Return the networks of a trace with their initial values, in their order."""
    if not labels(trace):  # the program names values itself
        return []
    contents = [(frozenset(network.structure), frozenset(network.start)) for network in networks(trace).values()]
    return [(structure, start) for structure, start in contents if start]
