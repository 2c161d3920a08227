"""What single points hold: fingerprints and exact numbers, looked up in the traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samebits.compare.differences import Row
from samebits.compare.processes import AlignedTrial, Member
from samebits.store.trace import ProcessTrace, chunks
from samebits_probe import wire


@dataclass
class PointValues:
    """Of one point: the trials' fingerprints, and exact number, as text -> trials that hold it."""

    fingerprints: dict[int, bytes] = field(default_factory=dict)
    scalars: dict[str, list[int]] = field(default_factory=dict)


def values_at(row: Row, member: Member, aligned: Sequence[AlignedTrial]) -> PointValues:
    """What each trial holds at the point; trials that do not have it are left out."""
    values = PointValues()
    for trial in aligned:
        twin = next((other for other in trial.members if other.key == member.key), None)
        if twin is None:
            continue
        fingerprint = _fingerprint(twin.trace, row)
        if fingerprint is not None:
            values.fingerprints[trial.id] = fingerprint
        scalar = _scalar(twin.trace, row)
        if scalar is not None:
            values.scalars.setdefault(repr(scalar), []).append(trial.id)
    return values


def point_numbers(trace: ProcessTrace, kind: str, name: str | None = None) -> list[int]:
    """The ids of a kind's points (of one name)."""
    return [number for number, point in enumerate(trace.points) if point.kind == kind and name in (None, point.name)]


def start_of_value(trace: ProcessTrace, value: bytes, like: Row) -> str | None:
    """The name under which a trace holds a first value of the row's type and shape, where that is another one."""
    point = like.point
    twins = [
        number
        for number in point_numbers(trace, "start")
        if trace.points[number].name != like.name
        and (trace.points[number].dtype, trace.points[number].shape) == (point.dtype, point.shape)
    ]
    for part in chunks(trace.records) if twins else []:
        for row in part[np.isin(part["point"], twins)]:
            if row["fingerprint"].tobytes() == value:
                return trace.points[int(row["point"])].name
    return None


def _fingerprint(trace: ProcessTrace, row: Row) -> bytes | None:
    numbers = point_numbers(trace, wire.KINDS[row.kind], row.name)
    for part in chunks(trace.records) if numbers else []:
        here = (part["point"] == numbers[0]) & (part["step"] == row.step) & (part["occurrence"] == row.occurrence)
        if here.any():
            return bytes(part["fingerprint"][here.argmax()].tobytes())
    return None


def _scalar(trace: ProcessTrace, row: Row) -> float | None:
    numbers = point_numbers(trace, wire.KINDS[row.kind], row.name)
    if not numbers:
        return None
    rows = trace.scalars
    here = (rows["point"] == numbers[0]) & (rows["step"] == row.step) & (rows["occurrence"] == row.occurrence)
    return float(rows["value"][here][0]) if here.any() else None


def curve(trace: ProcessTrace, number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(steps, values) of a scalar point, in the order in which they were kept."""
    rows = trace.scalars[trace.scalars["point"] == number]
    return np.asarray(rows["step"]), np.asarray(rows["value"])
