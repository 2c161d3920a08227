"""What was measured of one weight, against what is documented: the line of `samebits parity init --json`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import RootModel

from samebits.document import Document
from samebits_parity.init import formulas
from samebits_parity.init.distributions import KURTOSIS, RANDOM, Distribution, Family
from samebits_parity.init.estimate import CHANCE, Estimate, deviations, distance


class DocumentedAs(Document):
    """`limit`, `deviation`: what the formula gives for this shape, null where it has none; `source`: where it stands;
    `read`: whether the installed library says so itself."""

    formula: str
    limit: float | None
    deviation: float | None
    family: Family
    source: str
    read: bool


class WeightFacts(Document):
    """`limit`: of magnitudes, null where there is none; `exact`: to the last bit of float32, else the largest value
    drawn. `deviation`: of the values drawn. `depends_on`: what the scale of this initializer goes with over all its
    shapes. `equation`: of the paper, for Glorot's uniform distribution. `instead`: what fits where `agrees` is false.
    """

    library: str
    version: str
    initializer: str
    shape: list[int]
    layout: str
    family: Family
    detail: str
    limit: float | None
    exact: bool
    deviation: float | None
    mean: float
    values: int
    documented: DocumentedAs
    agrees: bool
    instead: str | None
    depends_on: str | None
    equation: int | None


class InitDocument(RootModel[list[WeightFacts]]):
    """A list of lines."""


# Whether values can be draws from a distribution: the rule, each part of which refuses the right one with CHANCE.
#
# 1. No value lies outside the distribution's limits in float32. 2. The largest of n values is not too small: that all
# n stay below it has the probability F(largest)^n, which is itself uniform. So a limit is decided to within ln(1 /
# CHANCE) / n for a uniform distribution: 0.02 % for 131,072 values. 3. Where the values have told their limit exactly
# (see `lattice`), it is the distribution's, up to 4 steps of float32. 4. Mean and deviation are the distribution's
# within 6.5 of their own deviations. 5. The distribution functions lie as close as the Dvoretzky-Kiefer-Wolfowitz
# inequality says.

FAR = deviations(CHANCE)
CLOSE = 1e-4  # relative, for lengths of rows and for constants


def can_be(values: NDArray[Any], found: Estimate, asked: Distribution) -> bool:
    """Whether values, of which `found` was estimated, can be draws from the distribution that is asked about."""
    seen = found.distribution
    if seen.family != asked.family:
        return False
    if asked.family == "constant":
        return math.isclose(seen.mean, asked.mean, rel_tol=CLOSE, abs_tol=1e-12)
    if asked.family == "orthogonal":
        return math.isclose(seen.gain or 0, asked.gain or 0, rel_tol=CLOSE)
    if asked.family not in RANDOM:
        return seen.detail == asked.detail
    if not (_inside(found, asked) and _far_enough(found, asked) and _same_limit(found, asked)):
        return False
    return _same_moments(found, asked) and _same_shape(values, asked)


def _inside(found: Estimate, asked: Distribution) -> bool:
    if asked.low is None or asked.high is None:
        return True
    room = formulas.STEPS * float(np.spacing(np.float32(asked.limit or 0)))
    return found.smallest >= asked.low - room and found.largest <= asked.high + room


def _far_enough(found: Estimate, asked: Distribution) -> bool:
    """Both ends: neither too far in, nor, where there is no limit, too far out."""
    ends = (asked.below(found.largest), 1 - asked.below(found.smallest))
    for share in ends:
        if share <= 0 or found.count * math.log(share) < math.log(CHANCE):
            return False
        if asked.high is None and found.count * (1 - share) < CHANCE:
            return False
    return True


def _same_limit(found: Estimate, asked: Distribution) -> bool:
    if not found.exact or asked.limit is None:
        return True
    return formulas.is_limit(asked.limit, found.distribution.limit or 0)


def _same_moments(found: Estimate, asked: Distribution) -> bool:
    assert asked.deviation
    mean = abs(found.distribution.mean - asked.mean) / asked.deviation * math.sqrt(found.count)
    variance = ((found.distribution.deviation or 0) / asked.deviation) ** 2 - 1
    spread = abs(variance) / math.sqrt((KURTOSIS[asked.family] - 1) / found.count)
    return mean < FAR and spread < FAR


def _same_shape(values: NDArray[Any], asked: Distribution) -> bool:
    return distance(values, asked) < math.sqrt(math.log(2 / CHANCE) / (2 * values.size))
