"""Finds the default that explains a difference: formulas that give the values of both sides, and the setting in which
they differ.

There are formulas for losses and for the steps of optimizers. An explanation is given only if it reproduces the values
of both sides. For layers there is none: the settings in which the two layers differ are named. `reasons` is the table
of contents.
"""

from __future__ import annotations

import numpy as np

from samebits_parity.train.explanation import losses, optimizers, settings
from samebits_parity.train.verdict import LOSS, Account, PointComparison, TrainVerdict

__all__ = ["reasons"]


@np.errstate(all="ignore")  # the values may hold infinity and NaN
def reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """Return what explains the differences in the step and phase of the first divergence.

    The result is empty if nothing known does.
    """
    if first.kind == "forward" and first.name != LOSS:
        return settings.likely(judged, first)
    if first.kind == "forward":
        return losses.reasons(judged, first)
    if first.kind != "update":
        return []
    moved = {point.name for point in judged.of("update", first.step) if point.distance.parts}
    found = [pair for pair in judged.pairs if pair.a in moved]
    trained = [pair.a for pair in found if pair.trains]
    return optimizers.reasons(judged, first.step, trained) + settings.averages(judged, found)
