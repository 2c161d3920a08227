"""Networks of one process that are trained in a different order in each trial, each compared with itself.

Models get labels in the order of their first calls, and steps are counted over all models. If a program steps
independent networks in the order of a set, labels and steps change although no bit does. So this module finds each
network of one trial in the other trial, by its content and by the variables that hold it, and compares its observations
as one history. An order that changes a bit is still found, because it changes a value in some history, or the length of
one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.beside import Beside, role, role_alone
from samebits.comparison.classification import GLOBALS
from samebits.comparison.differences import TraceDifference
from samebits.comparison.differing_rows import Row
from samebits.store.trace import Point, ProcessTrace
from samebits_probe import wire

MOST_ROWS = 4_000_000
_OF_OPTIMIZER = re.compile(r"\w+#\d+/")
_LOOSE = re.compile(r"param\.\d+")
_SHARED = re.compile(r"(loss|root|labels|prediction|param_groups)\b")  # names that do not begin with a model's label
_NO_LABEL = "(none)"

History = list[tuple[bytes, int]]  # (fingerprint, number of the row)


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
    told = (event.get("label") for event in trace.events_named("model"))
    loose = (match[0] for point in trace.points if (match := _LOOSE.match(point.name)))
    return sorted({label for label in (*told, *loose) if isinstance(label, str)}, key=len, reverse=True)


def split(name: str, known: Iterable[str]) -> tuple[str, str]:
    """Return (label, rest) of a name."""
    name = _OF_OPTIMIZER.sub("", name, count=1) if _OF_OPTIMIZER.match(name) else name
    label = next((label for label in known if label and name.startswith(label)), "")
    return label, name[len(label) :]


def networks(trace: ProcessTrace) -> dict[str, Network]:
    """Return the networks of a trace by label, in the order in which they were seen."""
    known = labels(trace)
    places = [split(point.name, known) for point in trace.points]
    found: dict[str, Network] = {}
    for point, (label, rest) in zip(trace.points, places, strict=True):
        if point.kind in ("start", "end") and not point.name.startswith(GLOBALS):
            network = found.setdefault(label, Network(label))
            if point.kind == "start":
                network.structure.add((rest, point.dtype, point.shape))
    for row in trace.rows[np.isin(trace.rows["kind"], [wire.CODE["start"], wire.CODE["end"]])]:
        label, rest = places[int(row["point"])]
        if rest.startswith(GLOBALS):
            continue
        kind = found[label].start if row["kind"] == wire.CODE["start"] else found[label].end
        kind.add((rest, row["fingerprint"].tobytes()))
    for event in trace.events_named("model"):
        paths = event.get("paths")
        if event.get("label") in found and isinstance(paths, list):
            found[event["label"]].paths.update(path for path in paths if isinstance(path, str))
    return found


def paired(mine: dict[str, Network], theirs: dict[str, Network]) -> dict[str, str] | None:
    """Return {label: the other trace's label} of the same network; None if the program's variables say otherwise."""
    left, pairs = list(theirs.values()), dict[str, str]()
    for criterion in (_whole, _at_start, _at_end, _structure):
        for network in [one for one in mine.values() if one.label not in pairs]:
            alike = [other for other in left if criterion(other) == criterion(network)]
            twin = next((other for other in alike if other.paths & network.paths), alike[0] if alike else None)
            if twin is not None:
                left.remove(twin)
                pairs[network.label] = twin.label
    return None if _contradicted(pairs, mine, theirs) else pairs


def _whole(network: Network) -> Any:
    return network.structure, network.start, network.end


def _at_start(network: Network) -> Any:
    return network.structure, network.start


def _at_end(network: Network) -> Any:
    return network.structure, network.end


def _structure(network: Network) -> Any:
    return network.structure


def _contradicted(pairs: dict[str, str], mine: dict[str, Network], theirs: dict[str, Network]) -> bool:
    """Return whether the variables that hold the networks pair them differently.

    A key or an attribute says so, or most of the other variables do. A single plain variable may be left over from
    a loop.
    """
    holders = {path: other.label for other in theirs.values() for path in other.paths}
    shared = [(path, network.label) for network in mine.values() for path in network.paths if path in holders]
    against = [path for path, label in shared if pairs.get(label) != holders[path]]
    return any(map(_is_named, against)) or (len(against) > 1 and 2 * len(against) > len(shared))


class Histories:
    """What was seen of each network of a trace, in the order of its own steps."""

    def __init__(self, trace: ProcessTrace, names: dict[str, str], before: int, known: Collection[str]) -> None:
        """`names`: {label: the network's name in both traces}. `before`: steps below this number are read, and the end.

        `known`: names of values that differ between any two runs; they are left out, as evaluations are.
        """
        labels_ = labels(trace)
        places = [split(point.name, labels_) for point in trace.points]
        self._places = [(_network(rest, label, names), rest) for label, rest in places]
        self._points, self.found = trace.points, dict[tuple[str, ...], History]()
        self.order: list[list[str]] = []  # the networks that each step trained
        records = trace.rows
        # what the program's globals hold belongs to no network: `differences` compares it
        left_out = [
            number
            for number, point in enumerate(trace.points)
            if role(point) == "evaluation" or point.name in known or point.name.startswith(GLOBALS)
        ]
        kept = (records["kind"] != wire.CODE["rng"]) & ~np.isin(records["point"], left_out)
        kept &= (records["step"] < before) | (records["kind"] == wire.CODE["end"])
        rows = np.flatnonzero(kept)
        rows = rows[np.argsort(records["step"][rows], kind="stable")]
        for part in np.split(rows, np.flatnonzero(np.diff(records["step"][rows])) + 1):
            self._add(records, part)

    def _add(self, records: NDArray[Any], rows: NDArray[np.int64]) -> None:
        """The rows of one step."""
        numbers, prints = records["point"][rows].tolist(), records["fingerprint"][rows]
        trained = {number for number in numbers if self._points[number].kind == "gradient"}
        weights = {self._places[number] for number in trained}
        step = sorted({network for network, _ in weights})
        self.order.append(step)
        for row, number, value in zip(rows.tolist(), numbers, prints, strict=True):
            key, is_background = self._key(self._points[number], self._places[number], step, weights)
            history = self.found.setdefault(key, [])
            if not (is_background and history and history[-1][0] == value.tobytes()):
                history.append((value.tobytes(), row))

    @staticmethod
    def _key(
        point: Point, place: tuple[str, str], step: list[str], weights: set[tuple[str, str]]
    ) -> tuple[tuple[str, ...], bool]:
        """Return (the history that a row belongs to, whether this step only evaluates that network)."""
        network, rest = place
        if point.kind in ("start", "end"):
            return (point.kind, network, rest), False
        if rest.startswith("param_groups."):
            return (point.kind, rest, *(name for weight in sorted(weights) for name in weight)), False
        is_own = place in weights or "/" in rest or network == _NO_LABEL
        if point.kind == "update" and not is_own:
            return (point.kind, network, rest), True
        shown = _NO_LABEL if step == [network] else network
        return (point.kind, *step, "", shown, rest), False


def _row(number: int, trace: ProcessTrace, *, missing: bool) -> Row:
    """Return a row of the trace, as a difference shows it."""
    row, point = trace.rows[number], trace.points[int(trace.rows[number]["point"])]
    step, kind, occurrence = int(row["step"]), int(row["kind"]), int(row["occurrence"])
    return Row(step, kind, number, point.name, occurrence, missing, point)


def _network(rest: str, label: str, names: dict[str, str]) -> str:
    return _NO_LABEL if not label and _SHARED.match(rest) else names.get(label, f"{label} (alone)")


def in_own_order(a: ProcessTrace, b: ProcessTrace, found: TraceDifference) -> TraceDifference:
    """Return what differs if each network is compared with itself; `found` if this shows no later difference."""
    if not (has_several(a) and has_several(b)):
        return found
    networks_a, networks_b = networks(a), networks(b)
    if not found.rows:
        return _compare_holders(a, networks_a, networks_b, found)
    before, whole = _comparable(a, b)
    by_value = [one for one in found.beside if one.meaning.effect == "understood"]
    histories = _histories(a, b, paired(networks_a, networks_b), before, {one.point.name for one in by_value})
    if histories is None:
        return found
    different = list(_differing_rows(*histories, whole=whole))
    uncompared = found.uncompared + (0 if whole else max(a.steps - before, b.steps - before, 0))
    rows = sorted(_row(number, a, missing=missing) for number, missing in different if number is not None)
    if all(number is not None and not missing for number, missing in different) and not any(map(_is_trained, rows)):
        beside = [*by_value, *(Beside(row.point, row.step, role_alone(row.point)) for row in rows)]
        return replace(found, rows=[], uncompared=uncompared, reordered=True, beside=beside)
    rows = [row for row in rows if row.step == rows[0].step]
    if not rows or rows[0].step <= found.rows[0].step:
        return found
    shown = [row for row in rows if not row.missing] or rows
    return replace(found, rows=shown, uncompared=uncompared, reordered=True)


def _is_trained(row: Row) -> bool:
    return role(row.point) == "trained"


def _histories(
    a: ProcessTrace, b: ProcessTrace, pairs: dict[str, str] | None, before: int, known: Collection[str]
) -> tuple[Histories, Histories] | None:
    """Return the histories of both traces, if their networks can be paired and are trained in different orders."""
    if pairs is None:
        return None
    common = {label: f"network {number}" for number, label in enumerate(pairs)}
    mine = Histories(a, common, before, known)
    theirs = Histories(b, {pairs[label]: name for label, name in common.items()}, before, known)
    orders = zip(mine.order, theirs.order, strict=False)
    is_one_order = all(label == twin for label, twin in pairs.items()) and all(one == two for one, two in orders)
    return None if is_one_order else (mine, theirs)


def _compare_holders(
    a: ProcessTrace, mine: dict[str, Network], theirs: dict[str, Network], found: TraceDifference
) -> TraceDifference:
    """If the traces agree: whether keys and attributes of the program's variables hold the same networks."""
    holders = {path: other for other in theirs.values() for path in other.paths}
    for network in mine.values():
        for path in sorted(network.paths & holders.keys()):
            if _is_named(path) and (network.structure, network.end) != (holders[path].structure, holders[path].end):
                return replace(found, rows=_end_rows(a, network.label))
    return found


def _end_rows(trace: ProcessTrace, label: str) -> list[Row]:
    """Return what a network ends with, as differences."""
    known = labels(trace)
    ends = np.flatnonzero(trace.rows["kind"] == wire.CODE["end"])
    names = [trace.points[number].name for number in trace.rows["point"][ends].tolist()]
    rows = [int(row) for row, name in zip(ends, names, strict=True) if split(name, known)[0] == label]
    return sorted(_row(number, trace, missing=False) for number in rows)


def _is_named(path: str) -> bool:
    """Return whether a path goes through a key or an attribute. A plain variable may be left over from a loop."""
    return "['" in path or "." in path


def has_several(trace: ProcessTrace) -> bool:
    """Return whether a trace shows several networks, or several optimizers, that may come in any order."""
    prefixes = {found[0] for point in trace.points if (found := _OF_OPTIMIZER.match(point.name))}
    return len(labels(trace)) + len(prefixes) > 1 and len(trace.rows) <= MOST_ROWS


def has_initial_values_of_its_own(trace: ProcessTrace, whole: ProcessTrace) -> bool:
    """Return whether a network of `trace` began with a value with which no network of `whole` began.

    No order of the networks explains that. Returns False if `whole` does not reach the end of its process.
    """
    if whole.end is None:
        return False
    own, others = (_initial_values(one) for one in (trace, whole))
    return not own <= others


def _initial_values(trace: ProcessTrace) -> set[bytes]:
    rows = trace.rows[trace.rows["kind"] == wire.CODE["start"]]
    return {value.tobytes() for value in rows["fingerprint"]}


def _comparable(a: ProcessTrace, b: ProcessTrace) -> tuple[int, bool]:
    """Return (the step below which values were kept one by one, whether that is all of both traces)."""
    ends = [trace.limit for trace in (a, b) if trace.limit is not None]
    for trace in (a, b):
        digests = trace.rows["step"][trace.rows["flag"] == wire.DIGEST]
        ends += [int(digests.min())] if len(digests) else []
    return (min(ends), False) if ends else (max(a.last_step, b.last_step) + 1, True)


def _differing_rows(mine: Histories, theirs: Histories, *, whole: bool) -> Iterator[tuple[int | None, bool]]:
    """Yield (number of mine's row, whether it is missing in the other) of the first difference of each history.

    The result is None for a row that only the other has. `whole`: histories of different lengths differ.
    """
    for key, history in mine.found.items():
        other = theirs.found.get(key, [])
        pairs = zip(history, other, strict=False)
        first = next((row for (value, row), (twin, _) in pairs if value != twin), None)
        if first is not None:
            yield first, False
        elif whole and len(history) > len(other):
            yield history[len(other)][1], True
        elif whole and len(history) < len(other):
            yield None, True
    if whole and theirs.found.keys() - mine.found.keys():
        yield None, True
