"""Judges a number in a file or a printed line that differs, if the program used an unseeded generator.

The number may come from the generator although no step shows this: a program may draw a split, a bootstrap or an
estimate after its training. So the name of the number does not excuse the difference. The number counts if trials with
a faster clock show that it does not follow the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from samebits import words
from samebits.comparison.files.file_difference import FileDifference
from samebits.comparison.traces.differences import TraceDifference
from samebits.store.trace import ProcessTrace, TrialTrace

Trained = tuple[ProcessTrace, ProcessTrace, TraceDifference]  # one process in two trials


def used_unseeded(a: TrialTrace, b: TrialTrace, trained: Sequence[Trained]) -> list[str]:
    """Return the generators that both trials used, and whose states differ from the start.

    If no process made a step, only the last states are known. Generators that both trials made without a seed are
    returned too: samebits assumes that they were used.
    """
    names = {
        name
        for one, other, difference in trained
        for name, (_, agreed) in difference.rng.items()
        if not agreed and min(len(states(name, one)), len(states(name, other))) > 1
    }
    of_steps = [one for one, _, _ in trained], [other for _, other, _ in trained]
    sides = of_steps if trained else (a.processes, b.processes)
    made, also_made = (drawn_unseeded(side) for side in sides)
    used, also_used = (_told(side, "used") for side in sides)
    return sorted(names | (made & also_made) | (dict(used - also_used).keys() & dict(also_used - used).keys()))


def drawn_unseeded(processes: Iterable[ProcessTrace]) -> set[str]:
    """Return the generators that these processes made without a seed, or drew from before they seeded them."""
    return {name for name, _ in _told(processes, "unseeded")}


def _told(processes: Iterable[ProcessTrace], name: str) -> set[tuple[str, str]]:
    """Return each generator that these processes told in events of this name, with its state."""
    events = (event for process in processes for event in process.events_named(name))
    return {(event["generator"], event.get("state", "")) for event in events}


def states(name: str, trace: ProcessTrace) -> set[bytes]:
    """Return the different states of a generator that a process recorded."""
    return {row.tobytes() for row in trace.rows_of("rng", name=name)["fingerprint"]}


def drawn(difference: FileDifference, generators: Iterable[str]) -> FileDifference:
    """Return the difference as samebits judges it if the program used unseeded generators."""
    is_explained = difference.effect != "unknown" and not difference.by_name
    if not generators or is_explained or difference.is_caveat or not difference.is_number:
        return difference
    names = words.listed(map(words.rng, generators))
    if not difference.is_result:
        return replace(difference, effect="unknown", by_name=False)
    detail = f"{' and '.join(difference.values)}; {names} is unseeded and was used"
    return replace(difference, effect="counts", detail=detail, by_name=False, is_open=False)
