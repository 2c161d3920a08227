"""Turns the trace of a process into a table with one line for each step, as a golden file holds it.

Each fingerprint depends on all values before it. So if two tables differ in one value, all their later lines differ
too. If their last lines are equal, all lines are equal. Names of tensors do not count: the tables of a training stay
equal if a layer gets a new name.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.evidence.memory_numbers import place_of
from samebits.comparison.traces.beside import GLOBALS, Role, roles
from samebits.names import matches_any
from samebits.store.trace import Point, ProcessTrace
from samebits_probe import wire

__all__ = ["COLUMNS", "NOTHING", "ProcessTable", "StepLine", "process_table"]

COLUMNS = ("start", "batch", "forward", "gradient", "update")
NOTHING = "-"
_COUNTED: frozenset[Role] = frozenset(("trained", "input", "output"))
_DIGITS = 8


class StepLine(NamedTuple):
    """The fingerprints of one step, a text of eight hex digits for each of COLUMNS, and the exact loss."""

    step: int
    prints: tuple[str, ...]
    loss: float | None

    @property
    def text(self) -> str:
        """The line as a golden file holds it."""
        loss = NOTHING if self.loss is None else self.loss.hex()
        return " ".join([str(self.step), *self.prints, loss])


class ProcessTable(NamedTuple):
    """All steps of one process. `last`: the fingerprint of all lines. `end`: that of the final values, or ""."""

    lines: list[StepLine]
    last: str
    end: str


def process_table(trace: ProcessTrace, ignores: Sequence[str], *, is_whole: bool) -> ProcessTable:
    """Return the table of a process. `ignores`: patterns of places that do not count. `is_whole`: its trial ended."""
    lines, chain, losses = list[StepLine](), hashlib.blake2b(digest_size=16), _losses(trace)
    counted = _counted_points(trace, ignores)
    descriptions = [f"{point.kind} {point.dtype} {point.shape}".encode() for point in trace.points]
    for step, rows in _rows_of_steps(trace, counted):
        prints = []
        for kind in COLUMNS:
            own = rows[rows["kind"] == wire.CODE[kind]]
            for row in own:
                chain.update(descriptions[int(row["point"])] + row["fingerprint"].tobytes())
            prints.append(chain.hexdigest()[:_DIGITS] if len(own) else NOTHING)
        if any(text != NOTHING for text in prints):
            lines.append(StepLine(step, tuple(prints), losses.get(step)))
    return ProcessTable(lines, chain.hexdigest(), _end(trace, counted) if is_whole else "")


def _counted_points(trace: ProcessTrace, ignores: Sequence[str]) -> NDArray[np.bool_]:
    """Return for each point whether it counts: it belongs to the training, and --ignore does not name it."""
    pairs = zip(trace.points, roles(trace.points, trace, trace), strict=True)
    return np.array([role in _COUNTED and not _is_ignored(point, ignores) for point, role in pairs], bool)


def _is_ignored(point: Point, ignores: Sequence[str]) -> bool:
    name = point.name if point.name.startswith(GLOBALS) else place_of(point)
    return matches_any(name, ignores)


def _rows_of_steps(trace: ProcessTrace, counted: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield each step that is whole, with its rows in the order in which they were observed."""
    limit = trace.limit
    rows = trace.rows[counted[trace.rows["point"]]] if len(trace.points) else trace.rows
    rows = rows if limit is None else rows[rows["step"] < limit]
    rows = rows[np.argsort(rows["step"], kind="stable")]
    steps, begins = np.unique(rows["step"], return_index=True)
    for step, (begin, end) in zip(steps, itertools.pairwise([*begins, len(rows)]), strict=True):
        yield int(step), rows[begin:end]


def _end(trace: ProcessTrace, counted: NDArray[np.bool_]) -> str:
    """Return the fingerprint of the final values of the models; "" if none was seen."""
    rows = trace.rows[counted[trace.rows["point"]] & (trace.rows["kind"] == wire.CODE["end"])] if len(counted) else ()
    digest = hashlib.blake2b(digest_size=16)
    for row in rows:
        digest.update(row["fingerprint"].tobytes())
    return digest.hexdigest() if len(rows) else ""


def _losses(trace: ProcessTrace) -> dict[int, float]:
    """Return step -> the last value of the loss in that step: the number called loss, or else the first number."""
    numbers = [number for number, point in enumerate(trace.points) if point.kind == "forward"]
    rows = trace.scalars[np.isin(trace.scalars["point"], numbers)]
    ordered = sorted({int(number) for number in rows["point"]}, key=lambda n: (trace.points[n].name != "loss", n))
    own = rows[rows["point"] == ordered[0]] if ordered else rows
    return {int(row["step"]): float(row["value"]) for row in own}
