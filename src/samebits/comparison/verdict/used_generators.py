"""Judges a number in a file or a printed line that differs, if the program used an unseeded generator.

The number may come from the generator although no step shows this: a program may draw a split, a bootstrap or an
estimate after its training. So the name of the number does not excuse the difference. The number counts if trials with
a faster clock show that it does not follow the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from samebits import words
from samebits.comparison.files.file_difference import FileDifference
from samebits.comparison.traces.differences import TraceDifference
from samebits.store.trace import ProcessTrace


def used_unseeded(a: ProcessTrace, b: ProcessTrace, difference: TraceDifference) -> list[str]:
    """Return the generators whose states differ from the start, and that both processes used: the states changed.

    Those that both processes made without a seed come next: samebits assumes that they were used.
    """
    names = [name for name, (_, agreed) in difference.rng.items() if not agreed]
    made, also_made = ({event["generator"] for event in trace.events_named("unseeded")} for trace in (a, b))
    return [name for name in names if all(len(states(name, trace)) > 1 for trace in (a, b))] + sorted(made & also_made)


def states(name: str, trace: ProcessTrace) -> set[bytes]:
    """Return the different states of a generator that a process recorded."""
    return {row.tobytes() for row in trace.rows_of("rng", name=name)["fingerprint"]}


def drawn(difference: FileDifference, generators: Sequence[str]) -> FileDifference:
    """Return the difference as samebits judges it if the program used unseeded generators."""
    is_explained = difference.effect != "unknown" and not difference.by_name
    if not generators or is_explained or difference.is_caveat or not difference.is_number:
        return difference
    names = words.listed(map(words.rng, generators))
    if not difference.is_result:
        return replace(difference, effect="unknown", by_name=False)
    detail = f"{' and '.join(difference.values)}; {names} is unseeded and was used"
    return replace(difference, effect="counts", detail=detail, by_name=False, is_open=False)
