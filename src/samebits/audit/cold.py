"""The cold run: a fresh run with the weights of a checkpoint and nothing else. It shows what the rest is good for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from samebits.audit import alignment
from samebits.audit.alignment import Run
from samebits.audit.result import Moment
from samebits.store import TensorLog
from samebits_probe import wire
from samebits_probe.tensor_log import row

__all__ = ["MOST_BYTES", "judged", "write_weights"]

MOST_BYTES = 1 << 30
BLIND = "Nothing that the checkpoint holds besides the weights mattered in these steps."


def write_weights(folder: Path, process: Path, step: int, names: Collection[str]) -> bool:
    """Write the weights that a process had after a step, as initial ones. Return whether any were there."""
    folder.mkdir()
    rows = [one for one in TensorLog(process).rows if one.step == step and one.name in names]
    lines = [row((-1, "weight", one.name), one.dtype, one.shape, one.offset, one.size) for one in rows]
    (folder / wire.TENSOR_ROWS).write_bytes(b"".join(lines))
    (folder / wire.TENSORS).symlink_to((process / wire.TENSORS).absolute())
    return bool(rows)


def judged(moment: Moment, whole: Sequence[Run], resumed: Sequence[Run], cold: Sequence[Run]) -> Moment:
    """Return the moment with what the cold run shows. `cold` counts only if it really began with the weights."""
    step, steps = moment.checkpoint.step, moment.steps
    wanted = whole[0].of(step - 1, "update").keys() & whole[0].start.keys()
    if len(cold) != len(whole) or not wanted <= {event["name"] for event in cold[0].trace.events_named("fed")}:
        return moment
    pairs = list(zip(whole, resumed, cold, strict=True))
    if all(alignment.compare(one, other, step, steps).first is None for one, _, other in pairs):
        if moment.verdict == "diverged":
            return moment.model_copy(update={"cold": "equals uninterrupted"})
        update = {"cold": "equals uninterrupted", "verdict": "inconclusive", "sentence": BLIND}
        return moment.model_copy(update={**update, "advice": "try a later checkpoint with --at, or a longer --length."})
    if all(alignment.compare(one, other, 0, steps).first is None for _, one, other in pairs):
        said = "It has the bits of a fresh run with these weights: the restore did nothing else."
        return moment.model_copy(update={"cold": "equals resumed", "named": [said, *moment.named]})
    return moment.model_copy(update={"cold": "differs"})
