"""How far trainings of two values are apart, from a second look at the tensors: where they part, and at their ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits import compare, store
from samebits.launch import captures, recorded
from samebits.launch.captures import Captured
from samebits.launch.plan import Plan
from samebits.model import Divergence, Size
from samebits.vary.ends import largest_weight

MOST_SECONDS = 120.0  # for one look: it is one training more, to the point


class Looks:
    """Second looks at the base and at other values; what was seen of the base is kept for the next value."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._seen: dict[tuple[object, ...], Captured | None] = {}

    def where_they_part(self, other: Path, where: Divergence) -> Size | None:
        """The size of the first difference; None where it has none, or takes too long to look at."""
        if where.kind not in captures.KINDS:
            return None
        wanted = captures.tensor_at(where)
        found = self._both(other, wanted, wanted["step"] + 1)
        return found and compare.measure(found[0].data, found[1].data, found[0].dtype, found[0].shape)

    def at_the_end(self, other: Path) -> tuple[str, Size, float] | None:
        """(name, size, relative distance) of the largest tensor of weights at the end; None as above."""
        record = store.open_record(self._base)
        trial = record.trials[0]
        largest = largest_weight(trial, record.file.command)
        if largest is None or trial.file.status != "complete":
            return None
        process, name = largest
        wanted = {"process": process, "step": trial.observed[process].steps, "kind": "end", "name": name}
        found = self._both(other, wanted, None)
        if found is None:
            return None
        a, b = found
        apart = compare.relative_distance(a.data, b.data, a.dtype)
        return None if apart is None else (name, compare.measure(a.data, b.data, a.dtype, a.shape), apart)

    def _both(self, other: Path, wanted: dict[str, Any], steps: int | None) -> tuple[Captured, Captured] | None:
        key = tuple(wanted.values())
        if key not in self._seen:
            self._seen[key] = _look(self._base, wanted, steps)
        mine, theirs = self._seen[key], _look(other, wanted, steps) if self._seen[key] else None
        if mine is None or theirs is None or (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            return None
        return mine, theirs


def _look(folder: Path, wanted: dict[str, Any], steps: int | None) -> Captured | None:
    record = store.open_record(folder)
    if max((trial.file.seconds for trial in record.trials), default=0.0) > MOST_SECONDS:
        return None
    plan: Plan = recorded.reopen(record)
    try:
        return captures.run_for(plan, wanted, 1, steps=steps)
    finally:
        captures.forget(plan)
