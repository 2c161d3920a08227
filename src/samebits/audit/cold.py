"""The cold run: a fresh run with the weights of a checkpoint and nothing else. It shows what the rest is good for."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.audit import alignment
from samebits.audit.alignment import Run
from samebits.audit.result import Moment

__all__ = ["MOST_BYTES", "judged"]

MOST_BYTES = 1 << 30
BLIND = "Nothing that the checkpoint holds besides the weights mattered in these steps."


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
