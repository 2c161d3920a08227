"""Compares what programs observe under keys (a round, a sample): key by key, whatever the step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from samebits.comparison.groups import Comparison
from samebits.comparison.processes import Member
from samebits.model import KeyedPoint
from samebits.store.trace import ProcessTrace

Values = dict[str, bytes]  # key -> fingerprints, in the order in which they were observed


def keyed_points(comparison: Comparison) -> list[KeyedPoint]:
    """Return each name that is observed under keys, with the first key at which a trial differs from the reference."""
    if not comparison.aligned:
        return []
    return [point for member in comparison.reference.members for point in _of_member(comparison, member)]


def _of_member(comparison: Comparison, member: Member) -> Iterator[KeyedPoint]:
    own = _values(member.trace)
    if not own:
        return
    twins = _twins(comparison, member)
    for name, values in own.items():
        apart = {trial: _differing(values, twin.get(name, {})) for trial, twin in twins.items()}
        first = next((key for key in values if any(key in keys for keys in apart.values())), None)
        trials = sorted(trial for trial, keys in apart.items() if first in keys)
        yield KeyedPoint(name=name, keys=len(values), key=first, trials=trials)


def _twins(comparison: Comparison, member: Member) -> dict[int, dict[str, Values]]:
    """Return the keyed values of the same process in each other trial."""
    found = {}
    for trial, pair in comparison.against_reference().items():
        twin = next((part.other for part in pair.members if part.member.key == member.key and part.other), None)
        if twin is not None:
            found[trial] = _values(twin.trace)
    return found


def _differing(mine: Values, theirs: Values) -> list[str]:
    """Return the keys whose values differ.

    A key that only one trial has counts too, unless that trial only got further.
    """
    both = [key for key in mine if key in theirs and mine[key] != theirs[key]]
    last = max((place for place, key in enumerate(mine) if key in theirs), default=-1)
    return both + [key for place, key in enumerate(mine) if key not in theirs and place < last]


def _values(trace: ProcessTrace) -> dict[str, Values]:
    """Reads each point and each row once: there may be a key for each sample."""
    events = {str(event.get("point")): event for event in trace.events_named("keyed")}
    if not events:
        return {}
    numbers = {place: number for number, place in enumerate(events)}
    place_of_point = np.array([_number_of(point.name, numbers) for point in trace.points], np.int64)
    places = place_of_point[trace.rows["point"]]
    order = np.argsort(places, kind="stable")
    ends = np.searchsorted(places[order], np.arange(len(events) + 1))
    fingerprints = trace.rows["fingerprint"][order]
    found: dict[str, Values] = {}
    for number, event in enumerate(events.values()):
        rows = fingerprints[ends[number] : ends[number + 1]]
        found.setdefault(str(event.get("name")), {})[str(event.get("key"))] = rows.tobytes()
    return found


def _number_of(name: str, numbers: dict[str, int]) -> int:
    """Return the number of the place at the beginning of a point's name (PLACE or PLACE.PART); -1 if there is none."""
    ends = [at for at, letter in enumerate(name) if letter == "."]
    return next((numbers[name[:end]] for end in (len(name), *ends) if name[:end] in numbers), -1)
