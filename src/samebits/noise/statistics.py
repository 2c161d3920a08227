"""Computes the statistics of `noise` and of `versus`: spreads within seeds and between them; an interval for B minus A,
P(B better), the trainings needed.

All functions take and return plain numbers. No other file needs SciPy. `benchmarks/interval_coverage.py` simulates how
often each interval contains the true value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from samebits.errors import UsageError

__all__ = [
    "CONFIDENCE",
    "FEWEST",
    "MANY",
    "MEANINGFUL",
    "Interval",
    "Layers",
    "better_interval",
    "better_probability",
    "interval",
    "is_constant",
    "layers",
    "mean_of",
    "needs_scipy",
    "scale_of",
    "trainings_needed",
]

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


# -- B beside A -------------------------------------------------------------------------------------------------------


CONFIDENCE = 0.95
MANY = 20  # with at least so many values on each side, the bootstrap replaces the t distribution
POWER = 0.8  # how probable it is that a comparison finds the smallest difference that an answer names
MEANINGFUL = 0.75  # the probability that Bouthillier et al. (2021) require: https://arxiv.org/abs/2103.03098
RESAMPLES = 4999
RANDOM = 2019  # a fixed seed: the bootstrap of equal values gives equal intervals


class Interval(NamedTuple):
    """A 95 % interval, the method behind it, and the smallest true difference that so many values find with `POWER`."""

    low: float
    high: float
    method: str
    findable: float


def needs_scipy() -> None:
    """Raise UsageError if SciPy is missing. Call it before hours of training."""
    try:
        import scipy.stats  # noqa: F401
    except ImportError:
        advice = "pip install 'samebits[versus]', or pip install scipy"
        raise UsageError("samebits versus needs SciPy.", advice) from None


def is_constant(values: Any) -> bool:
    """Return whether all values are the same, up to rounding."""
    return float(np.ptp(values)) <= 1e-12 * float(np.abs(values).max())


def interval(*sides: Sequence[float]) -> Interval | None:
    """Return the interval of the mean of paired differences (one side), or of mean B minus mean A (A and B: Welch).

    None if there are too few values, or if no side varies.
    """
    scale = scale_of(*sides)
    found = _interval([np.asarray(side, dtype=float) / scale for side in sides])
    return found and Interval(found.low * scale, found.high * scale, found.method, found.findable * scale)


def _interval(sides: Sequence[Any]) -> Interval | None:
    constant = [is_constant(side) for side in sides]
    if min(map(len, sides)) < FEWEST or all(constant):
        return None
    parts = [float(side.var(ddof=1)) / len(side) for side in sides]
    total = sum(parts)
    if not (0 < total < math.inf):  # squares of such small or large values underflow or overflow
        return None
    # Welch (1947); if one side does not vary, these are the degrees of freedom of the other
    shares = [part / total for part in parts]
    degrees = 1 / sum(share**2 / (len(side) - 1) for share, side in zip(shares, sides, strict=True))
    if min(map(len, sides)) >= MANY:
        return _around(sides, _bootstrapped_half(sides), degrees, "studentised bootstrap")
    method = "t of the side that varies" if any(constant) else "t, without pairs (Welch)"
    half = _t((1 + CONFIDENCE) / 2, degrees) * _error(sides)
    return _around(sides, half, degrees, "t, paired" if len(sides) == 1 else method)


def _around(sides: Sequence[Any], half: float, degrees: float, method: str) -> Interval:
    middle = float(_middle([side.mean() for side in sides]))
    return Interval(middle - half, middle + half, method, half + _t(POWER, degrees) * _error(sides))


def _error(sides: Sequence[Any]) -> float:
    """Return the standard error of the mean of one side, or of the difference of two means."""
    return math.sqrt(sum(side.var(ddof=1) / len(side) for side in sides))


def _t(share: float, degrees: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(share, degrees))


def _bootstrapped_half(sides: Sequence[Any]) -> float:
    """Return half the width of the symmetric studentised bootstrap (Hall 1988).

    See https://doi.org/10.1111/j.2517-6161.1988.tb01727.x. The coverage of BCa is too low with so few values:
    `benchmarks/interval_coverage.py` shows both.
    """
    random = np.random.default_rng(RANDOM)
    middle = _middle([side.mean() for side in sides])
    drawn = [side[random.integers(0, len(side), (RESAMPLES, len(side)))] for side in sides]
    moved = np.abs(_middle([one.mean(axis=1) for one in drawn]) - middle)
    errors = np.sqrt(sum(one.var(axis=1, ddof=1) / one.shape[1] for one in drawn))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(moved == 0, 0.0, moved / errors)  # infinite for a sample without spread
    return float(np.quantile(ratios, CONFIDENCE, method="higher")) * _error(sides)


def _middle(means: Sequence[Any]) -> Any:
    return means[0] if len(means) == 1 else means[1] - means[0]


def better_probability(a: Sequence[float], b: Sequence[float], *, lower: bool = False, paired: bool = False) -> float:
    """Return the share of pairs (a value of A, one of B) in which B is better. Equal values count half.

    `paired`: only the pairs (first of A, first of B), ...; otherwise all pairs.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    moved = second - first if paired else second[None, :] - first[:, None]
    return float(np.mean((moved < 0 if lower else moved > 0) + 0.5 * (moved == 0)))


def better_interval(better: float, number: int) -> tuple[float, float]:
    """Return the 95 % interval of P(B better) (Wilson 1927). `number`: the pairs, or the values of the smaller side.

    Without pairs it may be wider than necessary: the variance is at most that of so many pairs (Birnbaum, Klose 1957).
    """
    from scipy import stats

    square = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) ** 2
    middle = (better + square / (2 * number)) / (1 + square / number)
    half = math.sqrt(square * (better * (1 - better) / number + square / (4 * number**2))) / (1 + square / number)
    return max(0.0, middle - half), min(1.0, middle + half)


def trainings_needed(probability: float, *, paired: bool = False, power: float = 0.95) -> int | None:
    """Return how many trainings of each side a rank test at 5 % (one-sided) needs to find this probability.

    Returns None if the probability is 0.5. The formulas are those of Noether (1987) for two sides of equal size, and
    for pairs (a sign test): https://doi.org/10.1080/01621459.1987.10478478
    """
    from scipy import stats

    distance = abs(probability - 0.5)
    if distance == 0:
        return None
    needed = (stats.norm.ppf(0.95) + stats.norm.ppf(power)) ** 2 / ((4 if paired else 6) * distance**2)
    return round(float(needed))
