"""The rule for a difference that trains nothing.

If every gradient, every weight after every step and every final weight agree, a value beside them that differs changed
no model. It is understood if it belongs to its own run, if it follows the clock, or if the step that got it did not use
it. A loss, a metric, a number in a setting or in an attribute may be a result: if it is not understood, it is unknown.
If the probe saw no gradient and no updated weight, or if any of them differs, a value beside them counts, because it
may be the cause.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.evidence.judge import NONE, Effect, Judgement, MemoryEvidence
from samebits.comparison.evidence.memory_numbers import differing, kept, listed, place_of, scalars, shown
from samebits.comparison.traces.own_numbers import own_numbers
from samebits.store.trace import Point, ProcessTrace, chunks
from samebits_probe import wire

Role = Literal["trained", "evaluation", "input", "output", "setting", "number", "scratch", "idle"]

NUMBERS = frozenset(("int", "float", "bool", "numbers"))  # types of single numbers
GLOBALS = "globals "  # begins the names of what the program's globals held at the end
EVALUATIONS = ("evaluation/", "prediction/")
_BY_KIND: Mapping[str, Role] = {"batch": "input", "forward": "output"}
_SETTINGS = re.compile(r"(\w+#\d+/)?param_groups\.\d+(/.*)?")
_OF_PYTHON = NUMBERS | {"str", "NoneType", "hyperparameters"}  # types of values in an optimizer that are not tensors
_EXTRA = "_extra_state"  # what a module saves through `get_extra_state`
_OF_OLD_PROBES = re.compile(r"@(time|pid|address)$")
_OLD_FORMS = {"time": "a time", "pid": "a process id", "address": "an address"}
EVALUATION = "an evaluation"
_UNDERSTOOD: Mapping[Role, str] = {
    "evaluation": EVALUATION,
    "input": "an input that no step used",
    "scratch": "a buffer that its model does not save",
    "idle": "a model that took no step and is gone",
}


class Beside(NamedTuple):
    """A value beside the training that differs. `step`: the first step at which it differs."""

    point: Point
    step: int
    meaning: Judgement
    values: tuple[str, str] = ("", "")

    @property
    def place(self) -> str:
        """The name for --ignore."""
        return place_of(self.point)


class PointDifference(NamedTuple):
    """Where a point differs: the steps, the number of rows, and whether only one trace has some of them."""

    point: Point
    role: Role
    steps: NDArray[np.int64]
    rows: int
    missing: bool


def is_apart(point: Point) -> bool:
    """Return whether a point does not belong to a model: it is part of an evaluation, or a number in an attribute."""
    return role(point) in ("evaluation", "number")


def role(point: Point) -> Role:
    """Return the role of a point in a training, as far as its name and its type show it."""
    kind, name = point.kind, point.name
    if kind in ("forward", "end") and name.startswith(EVALUATIONS):
        return "evaluation"
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind == "update" and (_SETTINGS.fullmatch(name) or name == wire.SETTINGS or point.dtype in _OF_PYTHON):
        return "setting"
    is_saved = name.rpartition(".")[2] == _EXTRA or f"{_EXTRA}." in name
    is_number = point.dtype in NUMBERS and not is_saved
    return "number" if kind == "end" and (is_number or _OF_OLD_PROBES.search(name)) else "trained"


def roles(points: Sequence[Point], a: ProcessTrace, b: ProcessTrace) -> list[Role]:
    """Return the role of each point in a pair of traces. A value that the program itself names always counts."""
    named = _program_points(points, a, b)
    scratch = names_in(a, "scratch", "names") & names_in(b, "scratch", "names")
    untrained = (idle(a) & idle(b)) | _same_start(a, b)
    return [
        "trained" if number in named else _role_in_pair(point, scratch, untrained)
        for number, point in enumerate(points)
    ]


def _role_in_pair(point: Point, scratch: set[str], untrained: set[str]) -> Role:
    if point.kind in ("start", "update", "end") and point.name in scratch:
        return "scratch"
    return "idle" if point.kind in ("start", "end") and point.name in untrained else role(point)


def _program_points(points: Sequence[Point], a: ProcessTrace, b: ProcessTrace) -> set[int]:
    """Return the points that the program itself names with `observe`."""
    kinds = _named_kinds(a) | _named_kinds(b)
    keyed = {event.get("point") for trace in (a, b) for event in trace.events_named("keyed")}
    return {number for number, point in enumerate(points) if point.kind in kinds or point.name in keyed}


def _named_kinds(trace: ProcessTrace) -> set[str]:
    events = [event for event in trace.events_named("observed-by") if event.get("how") == "observe"]
    return {str(kind) for event in events for kind in ([event["kind"]] if event.get("kind") else wire.KINDS)}


def names_in(trace: ProcessTrace, event: str, field: str) -> set[str]:
    """Return all names in a field of the events of one kind."""
    lists = (entry.get(field) for entry in trace.events_named(event))
    return {str(name) for names in lists if isinstance(names, list) for name in names}


def idle(trace: ProcessTrace) -> set[str]:
    """Return the tensors of models that were deleted and never trained: they ended as they began."""
    return {name for name, prints in _untrained(trace).items() if len(set(prints)) == 1}


def _same_start(a: ProcessTrace, b: ProcessTrace) -> set[str]:
    """Return the tensors to which the program gave the same values in both traces, before it deleted them."""
    mine, theirs = _untrained(a), _untrained(b)
    return {name for name in mine.keys() & theirs.keys() if mine[name][1:] and mine[name][1:] == theirs[name][1:]}


def _untrained(trace: ProcessTrace) -> dict[str, list[bytes]]:
    """Return the fingerprints of each tensor that was deleted and never trained: at its start, then at its end."""
    deleted = names_in(trace, "gone", "names") - names_in(trace, "held", "names")
    names = deleted - {point.name for point in trace.points if point.kind in ("gradient", "update")}
    prints: dict[str, list[bytes]] = {name: [] for name in names}
    numbers = [n for n, point in enumerate(trace.points) if point.kind in ("start", "end") and point.name in names]
    for row in trace.rows[np.isin(trace.rows["point"], numbers)] if numbers else ():
        prints[trace.points[int(row["point"])].name].append(row["fingerprint"].tobytes())
    return prints


def trained_steps(trace: ProcessTrace, roles_: Mapping[tuple[str, str], Role]) -> NDArray[np.int64]:
    """Return the steps in which a gradient, or a weight after an update, was seen."""
    of_training = [
        number
        for number, point in enumerate(trace.points)
        if point.kind in ("gradient", "update") and roles_.get(point[:2]) == "trained"
    ]
    steps = [np.unique(part["step"][np.isin(part["point"], of_training)]) for part in chunks(trace.rows)]
    return np.unique(np.concatenate(steps)) if steps else np.zeros(0, np.int64)


class PairJudge:
    """Says what the differences beside the training of two traces mean."""

    def __init__(
        self,
        a: ProcessTrace,
        b: ProcessTrace,
        roles_by_name: Mapping[tuple[str, str], Role],
        evidence: MemoryEvidence = NONE,
    ) -> None:
        self._pair, self._roles, self._evidence = (a, b), roles_by_name, evidence
        self._own = [own_numbers(trace, rate) for trace, rate in zip(self._pair, evidence.rates, strict=True)]

    @cached_property
    def _steps(self) -> list[NDArray[np.int64]]:
        return [trained_steps(trace, self._roles) for trace in self._pair]

    def by_value(self, difference: PointDifference) -> Beside | None:
        """Return the difference if its values explain it, even if something else differs."""
        old = _OF_OLD_PROBES.search(difference.point.name) if difference.role == "number" else None
        if old is not None:
            return _beside(difference, Judgement("understood", _OLD_FORMS[old[1]]))
        texts, numbers, point = self._texts(difference), self._numbers(difference), difference.point
        judged = [self._evidence.text(*pair) for pair in texts] or [self._of_number(point, pair) for pair in numbers]
        if not judged or any(judgement.effect != "understood" for judgement in judged):
            return None
        return _beside(difference, max(judged, key=lambda judgement: judgement.by_name), (texts or numbers)[0])

    def _of_number(self, point: Point, pair: tuple[float, float]) -> Judgement:
        is_whole = point.dtype != "float" and all(value.is_integer() for value in pair)
        first, second = (own.kind(value, is_whole=is_whole) for own, value in zip(self._own, pair, strict=True))
        if first is not None and first == second:
            return Judgement("understood", first)
        return self._evidence.number(place_of(point), *pair)

    def of_leaf(self, difference: PointDifference) -> Effect:
        """Return what a single number of a model means if no trained value differs. It may be a time."""
        if self._texts(difference):
            return "unknown"
        pairs = self._numbers(difference)
        is_result = any(min(pair) < 0 or self._of_number(difference.point, pair).is_result for pair in pairs)
        return "unknown" if pairs and not is_result else "counts"

    def counts(self, difference: PointDifference) -> bool:
        """Return whether a difference counts if its values do not explain it and all trained values agree."""
        if difference.role == "trained":
            return self.of_leaf(difference) == "counts"
        if difference.role == "evaluation":
            return False
        has_training = all(len(steps) > 0 for steps in self._steps)
        was_trained = difference.role != "input" or bool(np.isin(difference.steps, self._steps[0]).all())
        return difference.missing or not (has_training and was_trained)

    def meanings(self, left: Collection[PointDifference], explained: Iterable[Beside]) -> list[Beside]:
        """Return what differences mean if all trained values agree. `explained`: those that their values explain."""
        leaves_ = [self._in_agreement(difference) for difference in left if not _is_digest(difference)]
        digests = [self._of_digest(difference, [*explained, *leaves_]) for difference in left if _is_digest(difference)]
        return [*leaves_, *digests]

    def _in_agreement(self, difference: PointDifference) -> Beside:
        is_text = difference.role == "setting" and difference.point.dtype == "str"
        reason = "a setting that no step used" if is_text else _UNDERSTOOD.get(difference.role)
        pairs = self._texts(difference) or self._numbers(difference)
        judgement = Judgement("understood", reason) if reason else Judgement("unknown")
        return _beside(difference, judgement, pairs[0] if pairs else None)

    def _of_digest(self, difference: PointDifference, leaves_: Sequence[Beside]) -> Beside:
        """Return the meaning of a digest of a long trace, from the steps for which the trace keeps each value."""
        if difference.role == "input":
            return self._in_agreement(difference)
        kind = difference.point.kind
        alike = [leaf.meaning for leaf in leaves_ if leaf.point.kind == kind]
        if alike and all(judgement.effect == "understood" for judgement in alike) and self._numbers_are_known(kind):
            return _beside(difference, max(alike, key=lambda judgement: judgement.by_name))
        return _beside(difference, Judgement("unknown"))

    def _numbers_are_known(self, kind: str) -> bool:
        """Return whether all numbers of a kind agree or are understood. Long traces keep the number of each step."""
        for point in self._pair[0].points:
            if point.kind == kind and not point.name.startswith(EVALUATIONS):
                first, second = (scalars(trace, point)["value"] for trace in self._pair)
                if len(first) != len(second) or any(
                    self._of_number(point, pair).effect != "understood" for pair in differing(first, second)
                ):
                    return False
        return True

    def _numbers(self, difference: PointDifference) -> list[tuple[float, float]]:
        """Return the numbers of both traces that differ; none if they do not explain each row that differs."""
        if difference.missing:
            return []
        mine, theirs = (listed(trace, difference.point) for trace in self._pair)
        if mine and len(mine) == len(theirs):
            return differing(np.array(mine, float), np.array(theirs, float))
        first, second = (scalars(trace, difference.point) for trace in self._pair)
        if len(first) != len(second) or (first[["step", "occurrence"]] != second[["step", "occurrence"]]).any():
            return []
        pairs = differing(first["value"], second["value"])
        return pairs if len(pairs) >= difference.rows or difference.role == "setting" else []

    def _texts(self, difference: PointDifference) -> list[tuple[str, str]]:
        first, second = (shown(trace, difference.point) for trace in self._pair)
        return [(first, second)] if first and second and difference.rows == 1 else []


def _beside(difference: PointDifference, judgement: Judgement, values: tuple[object, object] | None = None) -> Beside:
    shown_ = (str(values[0]), str(values[1])) if values is not None else ("", "")
    return Beside(difference.point, int(difference.steps.min()), judgement, shown_)


def is_place(path: str) -> bool:
    """Return whether a path is the place of a value in memory, not a file."""
    return path.startswith((GLOBALS, *(f"{kind} " for kind in wire.KINDS)))


def _is_digest(difference: PointDifference) -> bool:
    return difference.point.name in ("", wire.SETTINGS)


def leaves(points: Sequence[Point], roles_: Sequence[Role], a: ProcessTrace, b: ProcessTrace) -> set[int]:
    """Return the points of models for which both traces kept a single number. The number may be a time.

    A value that the program itself names is none of them: it counts, whatever it is.
    """
    kept_points = [kept(trace) for trace in (a, b)]
    return {
        number
        for number, point in enumerate(points)
        if _is_leaf(point, roles_[number]) and point[:2] in kept_points[0] & kept_points[1]
    } - _program_points(points, a, b)


def _is_leaf(point: Point, role_: Role) -> bool:
    is_single = len(point.shape) == 1 or point.dtype in ("content", *_OF_PYTHON)
    return role_ == "trained" and point.kind in ("update", "end") and is_single
