"""Infers from values alone from which distribution they were drawn.

One value in a thousand exceeds a certain magnitude. In units of the deviation, this magnitude is 1.73 for a uniform
distribution, 2.27 for a normal one that is cut at two deviations, and 3.29 for a whole normal one. All values are then
compared with that family by the Dvoretzky-Kiefer-Wolfowitz inequality (Massart 1990). If they do not fit, the family is
`other`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Family = Literal["uniform", "normal", "truncated normal", "constant", "orthogonal", "other"]
RANDOM = ("uniform", "normal", "truncated normal")
CUT = 2.0  # libraries cut at so many deviations of the whole normal distribution
LEFT = math.erf(CUT / math.sqrt(2))  # of its mass
SHRINK = math.sqrt(1 - 2 * CUT * math.exp(-CUT * CUT / 2) / math.sqrt(2 * math.pi) / LEFT)  # 0.8796, of its deviation
KURTOSIS = {"uniform": 1.8, "normal": 3.0, "truncated normal": 2.3655}


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A distribution.

    `deviation`: that of the values drawn, so after truncation. `low`, `high`: its bounds, None if it has none. `gain`:
    the length of the rows or columns of an orthogonal matrix. `detail`: describes a distribution of family `other`.
    """

    family: Family
    mean: float = 0.0
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    gain: float | None = None
    detail: str = ""

    @property
    def limit(self) -> float | None:
        """The largest magnitude that can be drawn."""
        return None if self.low is None or self.high is None else max(abs(self.low), abs(self.high))

    def below(self, value: float) -> float:
        """Return the probability of a smaller value (for the three random families)."""
        if self.low is not None and value <= self.low:
            return 0.0
        if self.high is not None and value >= self.high:
            return 1.0
        if self.family == "uniform":
            assert self.low is not None
            assert self.high is not None
            return (value - self.low) / (self.high - self.low)
        assert self.deviation
        if self.family == "normal":
            return _normal((value - self.mean) / self.deviation)
        scaled = (value - self.mean) / (self.deviation / SHRINK)
        return min(1.0, max(0.0, (_normal(scaled) - _normal(-CUT)) / LEFT))


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


def uniform(limit: float, low: float | None = None) -> Distribution:
    """Return U[low, limit); `low` is -limit by default."""
    low = -limit if low is None else low
    middle, width = (low + limit) / 2, limit - low
    return Distribution(family="uniform", mean=middle, deviation=width / math.sqrt(12), low=low, high=limit)


def normal(deviation: float, mean: float = 0.0) -> Distribution:
    """Return N(mean, deviation²)."""
    return Distribution(family="normal", mean=mean, deviation=deviation)


def truncated(whole: float, mean: float = 0.0) -> Distribution:
    """Return a normal distribution cut at two deviations. `whole`: the deviation before it is cut."""
    low, high = mean - CUT * whole, mean + CUT * whole
    return Distribution(family="truncated normal", mean=mean, deviation=whole * SHRINK, low=low, high=high)


def constant(value: float) -> Distribution:
    """Return the distribution of one value."""
    return Distribution(family="constant", mean=value, deviation=0.0, low=value, high=value)


def orthogonal(gain: float) -> Distribution:
    """Return a matrix with orthogonal rows or columns of length `gain`."""
    return Distribution(family="orthogonal", gain=gain)


def other(detail: str) -> Distribution:
    """Return any other distribution, described in words."""
    return Distribution(family="other", detail=detail)


Array = NDArray[Any]
CHANCE = 1e-10  # each test rejects a correct distribution with this probability
FEWEST = 2048  # values needed to infer a family
UNIFORM_BELOW, TRUNCATED_BELOW = 2.0, 2.4  # deviations that one value in a thousand exceeds
EVERY = 64  # each 64th of the ordered values is compared with a distribution
STRAIGHT = 1e-4  # tolerance for the products of rows of an orthogonal matrix in float32


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The closest distribution. The limit of a uniform one is the largest magnitude that was drawn."""

    distribution: Distribution
    count: int
    smallest: float
    largest: float


def estimate(draws: Array) -> Estimate:
    """Infer the distribution of an array of shape (draws, *shape of one draw)."""
    values = np.asarray(draws, np.float32).ravel()
    return Estimate(
        distribution=_structured(draws) or _random(values),
        count=values.size,
        smallest=float(values.min()),
        largest=float(values.max()),
    )


def _structured(draws: Array) -> Distribution | None:
    """Recognise values that are not drawn independently: a constant, an identity, blocks, an orthogonal matrix."""
    first = np.asarray(draws[0], np.float64)
    if not np.all(np.isfinite(draws)):
        return other("not all finite")
    if np.all(draws == draws.flat[0]):
        return constant(float(draws.flat[0]))
    if np.all(draws == draws[0]) and np.unique(first).size <= 3:
        return _with_moments(other(_pattern(first)), first)
    gain = _gain(first)
    return None if gain is None else _with_moments(orthogonal(gain), first)


def _with_moments(found: Distribution, values: Array) -> Distribution:
    return replace(found, mean=float(values.mean()), deviation=float(values.std()))


def _pattern(values: Array) -> str:
    """Return a pattern in words, such as `0 to 180: 0, 180 to 360: 1, 360 to 720: 0`."""
    flat = values.ravel()
    starts = [0, *(np.flatnonzero(np.diff(flat)) + 1), flat.size]
    return blocks([(int(a), int(b), float(flat[a])) for a, b in pairwise(starts)])


def blocks(runs: list[tuple[int, int, float]]) -> str:
    """Return the runs of equal values (first, end, value) in words."""
    return ", ".join(f"{first} to {end}: {value:g}" for first, end, value in runs[:8])


def _gain(values: Array) -> float | None:
    """Return the length of the rows or columns of an orthogonal matrix; None if the array is not one."""
    if values.ndim < 2:
        return None
    for matrix in (values.reshape(-1, values.shape[-1]), values.reshape(values.shape[0], -1)):
        narrow = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        if len(narrow) < 2:
            continue
        products = narrow @ narrow.T
        square = float(np.diag(products).mean())
        if np.abs(products - square * np.eye(len(narrow))).max() < STRAIGHT * square:
            return math.sqrt(square)
    return None


def _random(values: Array) -> Distribution:
    """Find the closest of the random families."""
    if values.size < FEWEST:
        return other(f"{values.size} values: too few")
    wide = values.astype(np.float64)
    mean, deviation, low, high = (float(each) for each in (wide.mean(), wide.std(), values.min(), values.max()))
    closest = _closest(values, mean, deviation)
    if distance(values, closest) <= _bound(values.size) + _slack(closest, values.size):
        return closest
    text = f"mean {mean:.3g}, deviation {deviation:.3g}, from {low:.3g} to {high:.3g}"
    return replace(other(text), mean=mean, deviation=deviation)


def _closest(values: Array, mean: float, deviation: float) -> Distribution:
    low, high = float(values.min()), float(values.max())
    rank = values.size - 1 - values.size // 1000
    reach = float(np.partition(np.abs(values - np.float32(mean)), rank)[rank]) / deviation
    if reach < UNIFORM_BELOW:
        is_symmetric = abs(low + high) <= (high - low) * 30 / values.size
        found = uniform(max(high, -low)) if is_symmetric else uniform(high, 0.0 if low >= 0 else low)
        return replace(found, mean=mean, deviation=deviation)
    if reach < TRUNCATED_BELOW:
        return replace(truncated(deviation / SHRINK, mean), low=low, high=high)
    return normal(deviation, mean)


def distance(values: Array, distribution: Distribution) -> float:
    """Return the largest distance between the two distribution functions.

    It is measured at each EVERY-th of the ordered values.
    """
    ordered = np.sort(values.ravel())
    places = np.arange(0, ordered.size, EVERY)
    below = np.array([distribution.below(float(value)) for value in ordered[places]])
    shares = places / ordered.size
    return float(np.max(np.abs(below - shares), initial=0.0)) - 1 / ordered.size


def _bound(count: int) -> float:
    """Return a bound on the distance of values from their own distribution. It fails with probability CHANCE."""
    return math.sqrt(math.log(2 / CHANCE) / (2 * count))


def _slack(found: Distribution, count: int) -> float:
    """Return how much the distance may grow because the limit or deviation is itself an estimate."""
    if found.family == "uniform":
        return -math.log(CHANCE) / count
    return 0.25 * deviations(CHANCE) / math.sqrt(2 * count) + deviations(CHANCE) * 0.4 / math.sqrt(count)


def deviations(chance: float) -> float:
    """Return how many deviations a normal value exceeds with this probability."""
    return -NormalDist().inv_cdf(chance / 2)
