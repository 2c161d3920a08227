"""Measures how far apart two trials are in every tensor of some steps, for the colours of the heat map of a page.

A trace holds only fingerprints. So trials run again, and keep the values from shortly before the divergence on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from samebits import comparison
from samebits.documents import TensorDistance
from samebits.localization.inspection import Looker
from samebits.model import Divergence
from samebits.store import Tensor, TensorLog
from samebits.store.tensor_log import TensorRow
from samebits_probe import wire

BEFORE = 2  # steps before the divergence
MOST_BYTES = 1 << 27  # of values that one process keeps
FULL = "there was no room for all tensors: the heat map ends earlier"
AGAIN = "no heat map by distance: the trials that kept their values did not diverge"
Key = tuple[int, str, str, int]  # step, kind, name, and the number of earlier tensors with these three


def distances(eye: Looker, where: Divergence, count: int) -> tuple[list[TensorDistance], list[str]]:
    """Return (the distances between two trials that diverge, notes). `count`: how many trials run again for them."""
    step = max(where.step, 0)
    wanted = {"first": max(step - BEFORE, 0), "last": step + eye.more, "most": MOST_BYTES, "layers": True}
    pair = eye.keep(wanted, count)
    if pair is None:
        return [], [AGAIN]
    logs = [TensorLog(seen.folder) for seen in pair if seen.folder is not None]
    is_full = any(process.events_named("tensors-full") for seen in pair for process in seen.trial.processes)
    found = list(_series(*logs)) if len(logs) == len(pair) else []
    return found, [FULL] if is_full else []


def _series(a: TensorLog, b: TensorLog) -> Iterator[TensorDistance]:
    """Yield a row for each tensor that both trials kept, in the order of the first trial."""
    mine, theirs = _tensors(a), _tensors(b)
    rows: dict[tuple[str, str], list[tuple[int, float | None]]] = {}
    for key, read in mine.items():
        if key in theirs:
            step, kind, name, _ = key
            rows.setdefault((kind, name), []).append((step, _distance(a.read(read), b.read(theirs[key]))))
    for (kind, name), row in rows.items():
        steps, relative = zip(*row, strict=True)
        yield TensorDistance(kind=kind, name=name.removeprefix(wire.LAYER), steps=list(steps), relative=list(relative))


def _tensors(log: TensorLog) -> dict[Key, TensorRow]:
    count, found = Counter[tuple[int, str, str]](), dict[Key, TensorRow]()
    for row in log.rows:
        place = (row.step, row.kind, row.name)
        found[row.step, row.kind, row.name, count[place]] = row
        count[place] += 1
    return found


def _distance(a: Tensor, b: Tensor) -> float | None:
    """Return the relative distance: 0 for the same bits; None for different bits without such a distance."""
    if a == b:
        return 0.0
    return comparison.relative_distance(a.data, b.data, a.dtype) if (a.dtype, a.shape) == (b.dtype, b.shape) else None
