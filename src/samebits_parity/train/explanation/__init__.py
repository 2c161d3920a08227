"""Which default accounts for a difference: formulas that give both sides' values, and the setting in which they differ.

An explanation is given only where it reproduces the values of both sides. `reasons` is the table of contents.
"""

from __future__ import annotations

import numpy as np

from samebits_parity.train.explanation import (
    batch,
    buffers,
    flips,
    gradients,
    losses,
    normal,
    optimizers,
    outputs,
    start,
)
from samebits_parity.train.explanation.reason import Account
from samebits_parity.train.verdict import LOSS, PointComparison, TrainVerdict


def reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """What accounts for what parts in the step and phase in which the first point does; empty where nothing known."""
    with np.errstate(all="ignore"):  # what is compared may hold infinity and NaN
        return _reasons(judged, first)


def _reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    parted = [point for point in judged.of(first.kind, first.step) if point.distance.parts]
    if first.kind == "start":
        return start.reasons(judged, parted)
    if first.kind == "batch":
        return batch.reasons(judged, parted)
    if first.kind == "forward":
        return losses.reasons(judged, first) if first.name == LOSS else _of_layer(judged, first)
    if first.kind == "gradient":
        known = gradients.reasons(judged, first.step) or losses.reasons(judged, first)
        return known or flips.reasons(judged, first.step)
    trained = {pair.a for pair in judged.pairs if pair.trains}
    found = optimizers.reasons(judged, first.step, [point.name for point in parted if point.name in trained])
    learns = {name for (_, kind), named in judged.a.tensors.items() if kind == "gradient" for name in named}
    averages = [point.name for point in parted if point.name not in trained | learns]
    return found + buffers.reasons(judged, first.step, averages)


def _of_layer(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    return normal.reasons(judged, first) or outputs.reasons(judged, first)
