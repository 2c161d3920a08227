"""Measures how far apart the trainings of two values are.

It measures their ends from both records, and their first difference from tensors of further runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from samebits import comparison
from samebits.comparison.traces.processes import AlignedTrial, Member
from samebits.comparison.verdict.values import curve, weight_names
from samebits.experiment import captures
from samebits.experiment.captures import CapturedTensor
from samebits.experiment.turns import OneByOne
from samebits.model import Divergence, Size
from samebits.store import ProcessTrace, Record, TrialTrace
from samebits.tensor_pairs import WITH_TENSORS
from samebits.vary.result import End, Outcome

MOST_SECONDS = 120.0  # for one more run, up to the point of the tensor


class SecondLooks:
    """Captures tensors in further runs of the base and of a value. Those of the base are kept for the next value."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], CapturedTensor | None] = {}
        self._base = OneByOne()  # all further runs of the base use one folder of its record

    def where_they_diverge(self, base: Record, other: Record, where: Divergence) -> Size | None:
        """Return the size of the first difference; None if it has no size, or if a further run takes too long."""
        if where.kind not in WITH_TENSORS:
            return None
        wanted = captures.tensor_at(where)
        pair = self._both(base, other, wanted, wanted["last"] + 1)
        return pair and comparison.measure(pair[0].data, pair[1].data, pair[0].dtype, pair[0].shape)

    def at_the_end(self, base: Record, other: Record) -> tuple[str, Size, float] | None:
        """Return (name, size, relative distance) of the largest weights at the end; None if it cannot be measured."""
        trial = base.trials[0]
        largest = largest_weight(trial, base.file.command)
        if largest is None or trial.file.status != "complete":
            return None
        process, name = largest
        wanted = captures.wanted_tensor(process, trial.observed[process].steps, "end", name)
        pair = self._both(base, other, wanted, None)
        if pair is None:
            return None
        a, b = pair
        apart = comparison.relative_distance(a.data, b.data, a.dtype)
        return None if apart is None else (name, comparison.measure(a.data, b.data, a.dtype, a.shape), apart)

    def _both(
        self, base: Record, other: Record, wanted: dict[str, Any], steps: int | None
    ) -> tuple[CapturedTensor, CapturedTensor] | None:
        key = tuple(wanted.values())
        with self._base.turn():
            if key not in self._seen:
                self._seen[key] = _look(base, wanted, steps)
        mine, theirs = self._seen[key], _look(other, wanted, steps) if self._seen[key] else None
        if mine is None or theirs is None or (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            return None
        return mine, theirs


def _look(record: Record, wanted: dict[str, Any], steps: int | None) -> CapturedTensor | None:
    if max((trial.file.seconds for trial in record.trials), default=0.0) > MOST_SECONDS:
        return None
    return captures.capture(record, wanted, steps=steps)


# -- from the records -----------------------------------------------------------------------------------------------

_FLOATS = ("float16", "float32", "float64")


def compare_ends(base: TrialTrace, other: TrialTrace, command: list[str]) -> End:
    """Compare the weights, losses and metrics of two trials. Processes are paired in their order."""
    pairs = list(zip(_members(base, command), _members(other, command), strict=False))
    weights = [_weights(a.trace) for a, _ in pairs], [_weights(b.trace) for _, b in pairs]
    names = [(n, name) for n, own in enumerate(weights[0]) for name in own if name in weights[1][n]]
    different = [place for place in names if weights[0][place[0]][place[1]] != weights[1][place[0]][place[1]]]
    outcomes = [outcome for a, b in pairs for outcome in _outcomes(a.trace, b.trace)]
    return End(weights=len(names), different=len(different), outcomes=[*outcomes, *_metrics(base, other)])


def largest_weight(trial: TrialTrace, command: list[str]) -> tuple[int, str] | None:
    """Return (process, name) of the largest weights of floats at the end; None if there are none."""
    sizes = [
        (_size(point.shape), -member.order, point.name)
        for member in _members(trial, command)
        for point in map(member.trace.points.__getitem__, _weight_points(member.trace))
        if point.dtype.rpartition(".")[2] in _FLOATS and point.shape
    ]
    if not sizes:
        return None
    _, order, name = max(sizes)
    return -order, name


def _members(trial: TrialTrace, command: list[str]) -> list[Member]:
    return AlignedTrial(trial, command).members


def _size(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _weights(trace: ProcessTrace) -> dict[str, bytes]:
    """Return the weights and buffers at the end: name -> fingerprint."""
    rows = trace.rows[np.isin(trace.rows["point"], _weight_points(trace))]
    return {trace.points[int(row["point"])].name: row["fingerprint"].tobytes() for row in rows}


def _weight_points(trace: ProcessTrace) -> list[int]:
    """Return the points of weights at the end. They have the names of the initial weights.

    Tensors of an evaluation have different names.
    """
    names = weight_names(trace)
    return [n for n in trace.point_numbers("end") if trace.points[n].name in names]


def _outcomes(a: ProcessTrace, b: ProcessTrace) -> Iterator[Outcome]:
    """Yield the last number of each curve, and the numbers of the end. Norms of tensors are not outcomes."""
    for kind in ("forward", "end"):
        for number in a.point_numbers(kind):
            name = a.points[number].name
            twins = b.point_numbers(kind, name)
            if name.startswith("norm:") or not twins:
                continue
            mine, theirs = curve(a, number)[1], curve(b, twins[0])[1]
            if len(mine) and len(theirs):
                label = f"last {name}" if kind == "forward" else name
                yield Outcome(name=label, base=float(mine[-1]), value=float(theirs[-1]))


def _metrics(base: TrialTrace, other: TrialTrace) -> Iterator[Outcome]:
    """Yield the metrics that --metric found in the output of both programs."""
    for name, value in base.file.metrics.items():
        if name in other.file.metrics:
            yield Outcome(name=name, base=value, value=other.file.metrics[name])
