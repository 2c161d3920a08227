"""How far two tensors are apart, and how far rounding alone may bring them.

The rule (docs/how-to/compare-trainings.md gives it with what was measured): a sum of n terms whose terms are rounded
to a relative u (half of the distance of 1 to the next number: 2^-24 in float32) is off by about u sqrt(n) times the
largest term, and by u n at most (Higham 2002, sections 2.2 and 4.2). So two tensors agree to rounding while the
largest |a - b|, relative to the largest |a|, stays within FACTOR u sqrt(n), where n is the number of values of the
largest tensor of the step. FACTOR stands for the depth of a network: each layer adds its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samebits.comparison.size import FRACTION_BITS
from samebits_parity.train.values import Array

FACTOR = 4.0
CARRIED = 10.0  # times the distance of what a layer or a backward pass is given: how much it may make of it


class Distance(NamedTuple):
    """`relative`: the largest |a - b| over the scale; `allowed`: what rounding may make of it."""

    relative: float
    allowed: float

    @property
    def parts(self) -> bool:
        """Whether they are apart beyond rounding. What is not a number on one side only is."""
        return not self.relative <= self.allowed


def unit(dtypes: set[str]) -> float:
    """u of the coarsest floating point type among these; that of float32 where there is none."""
    bits = [FRACTION_BITS[name] for dtype in dtypes if (name := dtype.rpartition(".")[2]) in FRACTION_BITS]
    return float(2.0 ** -(min(bits, default=23) + 1))


def relative(a: Array, b: Array, scale: float | None = None) -> float:
    """The largest |a - b| over `scale`, else over the largest |a| or |b|. Shapes are equal. Infinite for one NaN."""
    if a.shape != b.shape:
        return math.inf
    if not a.size:
        return 0.0
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    with np.errstate(all="ignore"):
        largest = float(np.abs(np.where(same, 0, a - b)).max())
        scale = max(float(np.abs(a).max()), float(np.abs(b).max())) if scale is None else scale
    return largest / scale if scale and math.isfinite(largest / scale) else math.inf


def allowed(u: float, terms: int, carried: float = 0.0) -> float:
    """What rounding may make of the relative distance. `carried`: the distance of what they are made of."""
    return FACTOR * u * math.sqrt(max(terms, 1)) + CARRIED * carried
