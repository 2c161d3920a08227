"""Finds the default that explains a difference: formulas that give the values of both sides, and the setting in which
they differ.

An explanation is given only if it reproduces the values of both sides. For the output of a layer there is none: the
settings in which the two layers differ are named. `reasons` is the table of contents.
"""

from __future__ import annotations

import numpy as np

from samebits_parity.train.explanation import gradients, inputs, layers, losses, optimizers, settings
from samebits_parity.train.verdict import LOSS, Account, PointComparison, TrainVerdict

__all__ = ["reasons"]


def reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """Return what explains the differences in the step and phase of the first divergence.

    The result is empty if nothing known does.
    """
    with np.errstate(all="ignore"):  # the values may hold infinity and NaN
        return _reasons(judged, first)


def _reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    parted = [point for point in judged.of(first.kind, first.step) if point.distance.parts]
    if first.kind == "start":
        return inputs.start_reasons(judged, parted)
    if first.kind == "batch":
        return inputs.batch_reasons(judged, parted)
    if first.kind == "forward":
        return losses.reasons(judged, first) if first.name == LOSS else settings.likely(judged, first)
    if first.kind == "gradient":
        known = gradients.gradient_reasons(judged, first.step) or losses.reasons(judged, first)
        return known or gradients.flip_reasons(judged, first.step)
    trained = {pair.a for pair in judged.pairs if pair.trains}
    moved = [point.name for point in parted if point.name in trained]
    found = layers.bias_reasons(judged, first.step, moved) or optimizers.reasons(judged, first.step, moved)
    learns = {name for (_, kind), named in judged.a.tensors.items() if kind == "gradient" for name in named}
    averages = [point.name for point in parted if point.name not in trained | learns]
    return found + layers.buffer_reasons(judged, first.step, averages)
