"""The operator that differs, where replaying the operators of the diverging step finds one."""

from __future__ import annotations

from dataclasses import replace

from samebits import ops
from samebits.explain.searching import Found
from samebits.explain.trying import FOLDER, Trying
from samebits.model import Result

KINDS = ("forward", "gradient", "update")
# controls that change how operators compute; where another one is the cause, no operator is to blame
OF_OPERATORS = {
    "torch-deterministic", "fill-uninitialized", "threads", "cudnn-deterministic", "cudnn-benchmark-off", "tf32-off",
}  # fmt: skip


def operator(trying: Trying, result: Result, found: Found) -> str | None:
    """The schema name of the first operator of the step that gives other bits for the same inputs, None without one.

    Replay works in PyTorch. It is asked where the divergence is one that an operator can make, and what pins it (if
    anything does) changes how operators compute.
    """
    where = result.divergence
    if where is None or where.kind not in KINDS or "torch" not in result.setup.packages:
        return None
    if found.cause and OF_OPERATORS.isdisjoint(found.cause):
        return None
    request = replace(trying.all[0].plan.request, controls=sorted(trying.base), preset=None)
    folder = trying.all[0].plan.record / FOLDER / "operators"
    replayed = ops.replay(request, max(where.step, 0), folder=folder, progress=trying.progress)
    return next((differed.operator for differed in replayed.differed), None)
