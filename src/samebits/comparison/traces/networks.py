"""The networks of one process, as its trace names them; and whether its variables hold the same ones in both trials.

Models get labels in the order of their first calls, and steps are counted over all models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from samebits.comparison.traces.beside import GLOBALS, is_apart
from samebits.comparison.traces.differences import TraceDifference
from samebits.comparison.traces.differing_rows import Row
from samebits.store.trace import ProcessTrace
from samebits_probe import wire

_MOST_ROWS = 4_000_000
_OF_OPTIMIZER = re.compile(r"\w+#\d+/")
_LOOSE = re.compile(r"param\.\d+")


@dataclass
class Network:
    """A model, or a loose parameter, as one trace shows it."""

    label: str
    paths: set[str] = field(default_factory=set)
    structure: set[tuple[str, str, tuple[int, ...]]] = field(default_factory=set)
    start: set[tuple[str, bytes]] = field(default_factory=set)
    end: set[tuple[str, bytes]] = field(default_factory=set)


def labels(trace: ProcessTrace) -> list[str]:
    """Return the labels at the beginning of names, the longest first; the first model's label is empty."""
    of_models = (event.get("label") for event in trace.events_named("model"))
    loose = (match[0] for point in trace.points if (match := _LOOSE.match(point.name)))
    return sorted({label for label in (*of_models, *loose) if isinstance(label, str)}, key=len, reverse=True)


def split(name: str, prefixes: Iterable[str]) -> tuple[str, str]:
    """Return (label, rest) of a name."""
    name = _OF_OPTIMIZER.sub("", name, count=1) if _OF_OPTIMIZER.match(name) else name
    label = next((label for label in prefixes if label and name.startswith(label)), "")
    return label, name[len(label) :]


def networks(trace: ProcessTrace) -> dict[str, Network]:
    """Return the networks of a trace by label, in the order in which they were seen."""
    prefixes = labels(trace)
    places = [split(point.name, prefixes) for point in trace.points]
    by_label: dict[str, Network] = {}
    for point, (label, rest) in zip(trace.points, places, strict=True):
        if point.kind in ("start", "end") and not point.name.startswith(GLOBALS):
            network = by_label.setdefault(label, Network(label))
            if point.kind == "start":
                network.structure.add((rest, point.dtype, point.shape))
    for row in trace.rows[np.isin(trace.rows["kind"], [wire.CODE["start"], wire.CODE["end"]])]:
        label, rest = places[int(row["point"])]
        if rest.startswith(GLOBALS):
            continue
        kind = by_label[label].start if row["kind"] == wire.CODE["start"] else by_label[label].end
        kind.add((rest, row["fingerprint"].tobytes()))
    for event in trace.events_named("model"):
        paths = event.get("paths")
        if event.get("label") in by_label and isinstance(paths, list):
            by_label[event["label"]].paths.update(path for path in paths if isinstance(path, str))
    return by_label


def with_holders(a: ProcessTrace, b: ProcessTrace, difference: TraceDifference) -> TraceDifference:
    """Return the difference.

    If the traces agree, it says whether keys and attributes of the program's variables hold different networks. If they
    hold the same values in different orders, it is empty if each variable ends with the same network.
    """
    if not (has_several(a) and has_several(b)):
        return difference
    if difference.rows:
        return replace(difference, rows=[], reordered=True) if _are_reordered(a, b) else difference
    holders = {path: other for other in networks(b).values() for path in other.paths}
    for network in networks(a).values():
        for path in sorted(network.paths & holders.keys()):
            if _is_named(path) and (network.structure, network.end) != (holders[path].structure, holders[path].end):
                return replace(difference, rows=_end_rows(a, network.label))
    return difference


def _are_reordered(a: ProcessTrace, b: ProcessTrace) -> bool:
    """Return whether traces hold the same values, and named variables lead to the same networks at the end."""
    mine, theirs = _ends_by_path(a), _ends_by_path(b)
    is_long = is_long_trace(a) or is_long_trace(b)
    return bool(mine) and mine == theirs and set(values_of(a, is_long=is_long)) == set(values_of(b, is_long=is_long))


def _ends_by_path(trace: ProcessTrace) -> dict[str, frozenset[tuple[str, bytes]]]:
    """Return what networks hold at the end, by the keys and attributes that lead to them; none if one has no path."""
    ends = [(network, sorted(filter(_is_named, network.paths))) for network in networks(trace).values() if network.end]
    return {path: frozenset(own.end) for own, paths in ends for path in paths} if all(p for _, p in ends) else {}


def is_long_trace(trace: ProcessTrace) -> bool:
    """Return whether a trace keeps digests of its later steps. These depend on the order of the values."""
    return bool((trace.rows["flag"] == wire.DIGEST).any())


def values_of(trace: ProcessTrace, *, is_long: bool) -> Iterator[bytes]:
    """Yield the values of a process that do not depend on their order; of a long trace, only starts and ends."""
    kinds = ("start", "end") if is_long else tuple(wire.KINDS)
    numbers = [
        number
        for number, point in enumerate(trace.points)
        if point.kind in kinds and point.kind != "rng" and not (is_apart(point) or point.name.startswith(GLOBALS))
    ]
    for row in trace.rows[np.isin(trace.rows["point"], numbers)]:
        yield row["fingerprint"].tobytes()


def _end_rows(trace: ProcessTrace, label: str) -> list[Row]:
    """Return what a network ends with, as differences."""
    prefixes = labels(trace)
    ends = np.flatnonzero(trace.rows["kind"] == wire.CODE["end"])
    names = [trace.points[number].name for number in trace.rows["point"][ends].tolist()]
    rows = [row for row, name in zip(ends.tolist(), names, strict=True) if split(name, prefixes)[0] == label]
    return sorted(map(partial(_row, trace), rows))


def _row(trace: ProcessTrace, number: int) -> Row:
    """Return a row of the trace, as a difference shows it."""
    row, point = trace.rows[number], trace.points[int(trace.rows[number]["point"])]
    step, kind, occurrence = int(row["step"]), int(row["kind"]), int(row["occurrence"])
    return Row(step, kind, number, point.name, occurrence, missing=False, point=point)


def _is_named(path: str) -> bool:
    """Return whether a path goes through a key or an attribute. A plain variable may be left over from a loop."""
    return "['" in path or "." in path


def has_several(trace: ProcessTrace) -> bool:
    """Return whether a trace shows several networks, or several optimizers, that may come in any order."""
    prefixes = {match[0] for point in trace.points if (match := _OF_OPTIMIZER.match(point.name))}
    return len(labels(trace)) + len(prefixes) > 1 and len(trace.rows) <= _MOST_ROWS
