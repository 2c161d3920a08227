"""The statistics of `noise`: plain numbers in, plain numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["FEWEST", "Layers", "layers"]

FEWEST = 5  # values below which an estimate is called rough


class Layers(NamedTuple):
    """Deviations of a metric. `same_seed`: None if no seed has two trainings. `other_seeds`: None for one seed.

    `other_seeds` is what seeds add: the noise that the means of few trainings still hold is taken away.
    """

    same_seed: float | None
    other_seeds: float | None


def layers(groups: Sequence[Sequence[float]]) -> Layers:
    """Separate the spread within seeds from that between them. `groups`: the values of each seed.

    The estimates are those of a one-way analysis of variance with random effects; unequal groups are weighted as in
    Searle, Casella and McCulloch (1992), 3.6.
    """
    sizes = [len(group) for group in groups]
    total, seeds = sum(sizes), len(groups)
    means = [float(np.mean(group)) for group in groups]
    squares = sum(float(np.sum((np.asarray(group) - mean) ** 2)) for group, mean in zip(groups, means, strict=True))
    within = squares / (total - seeds) if total > seeds else None
    if seeds < 2:
        return Layers(None if within is None else math.sqrt(within), None)
    grand = sum(size * mean for size, mean in zip(sizes, means, strict=True)) / total
    between = sum(size * (mean - grand) ** 2 for size, mean in zip(sizes, means, strict=True)) / (seeds - 1)
    effective = (total - sum(size**2 for size in sizes) / total) / (seeds - 1)
    added = max(0.0, between - (within or 0.0)) / effective
    return Layers(None if within is None else math.sqrt(within), math.sqrt(added))
