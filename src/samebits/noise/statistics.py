"""Computes the statistics of `noise`. All functions take and return plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["FEWEST", "Layers", "layers", "mean_of", "scale_of"]

_HUGE, _TINY = 1e100, 1e-100  # beyond these, the square of a value or of a difference may overflow or underflow
FEWEST = 5  # with fewer values, an estimate is called rough


class Layers(NamedTuple):
    """Standard deviations of a metric. `same_seed`: None if no seed has two trainings. `other_seeds`: None for 1 seed.

    `other_seeds` is the spread that seeds add: the noise that remains in means of few trainings is subtracted.
    """

    same_seed: float | None
    other_seeds: float | None


def scale_of(*values: Sequence[float]) -> float:
    """Return a power of two: the values divided by it have finite squares. It is 1 unless values are huge or tiny.

    A division by a power of two changes no digit.
    """
    largest = max((abs(float(value)) for row in values for value in row), default=0.0)
    return 1.0 if largest == 0 or _TINY < largest < _HUGE else 2.0 ** (math.frexp(largest)[1] - 1)


def mean_of(values: Sequence[float]) -> float:
    """Return the mean. The mean of equal values is this value, bit for bit, so that their deviation is zero."""
    return float(values[0] + np.mean(np.asarray(values) - values[0]))


def layers(groups: Sequence[Sequence[float]]) -> Layers:
    """Separate the spread within seeds from the spread between seeds. `groups`: the values of each seed.

    The estimates are those of a one-way analysis of variance with random effects. Groups of unequal size are weighted
    as in Searle, Casella and McCulloch (1992), 3.6.
    """
    scale = scale_of(*groups)
    found = _layers([[value / scale for value in group] for group in groups])
    return Layers(*(None if one is None else one * scale for one in found))


def _layers(groups: Sequence[Sequence[float]]) -> Layers:
    sizes = [len(group) for group in groups]
    total, seeds = sum(sizes), len(groups)
    means = [mean_of(group) for group in groups]
    squares = sum(float(np.sum((np.asarray(group) - mean) ** 2)) for group, mean in zip(groups, means, strict=True))
    within = squares / (total - seeds) if total > seeds else None
    if seeds < 2:
        return Layers(None if within is None else math.sqrt(within), None)
    grand = mean_of([mean for size, mean in zip(sizes, means, strict=True) for _ in range(size)])
    between = sum(size * (mean - grand) ** 2 for size, mean in zip(sizes, means, strict=True)) / (seeds - 1)
    effective = (total - sum(size**2 for size in sizes) / total) / (seeds - 1)
    added = max(0.0, between - (within or 0.0)) / effective
    return Layers(None if within is None else math.sqrt(within), math.sqrt(added))
