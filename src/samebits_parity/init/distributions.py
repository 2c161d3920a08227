"""The distributions that initial values are drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Family = Literal["uniform", "normal", "truncated normal", "constant", "orthogonal", "other"]
RANDOM = ("uniform", "normal", "truncated normal")
CUT = 2.0  # deviations of the whole normal distribution at which libraries cut
LEFT = math.erf(CUT / math.sqrt(2))  # of its mass
SHRINK = math.sqrt(1 - 2 * CUT * math.exp(-CUT * CUT / 2) / math.sqrt(2 * math.pi) / LEFT)  # 0.8796, of its deviation
KURTOSIS = {"uniform": 1.8, "normal": 3.0, "truncated normal": 2.3655}


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """`deviation`: of what is drawn, so after truncation; `low`, `high`: no value lies outside, None where any may;
    `gain`: of an orthogonal matrix, the length of its rows or columns; `detail`: what `other` is, in words."""

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
        """The probability of a smaller value (of the three random families)."""
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
    """U[low, limit); `low`: -limit where none is named."""
    low = -limit if low is None else low
    middle, width = (low + limit) / 2, limit - low
    return Distribution(family="uniform", mean=middle, deviation=width / math.sqrt(12), low=low, high=limit)


def normal(deviation: float, mean: float = 0.0) -> Distribution:
    """N(mean, deviation²)."""
    return Distribution(family="normal", mean=mean, deviation=deviation)


def truncated(whole: float, mean: float = 0.0) -> Distribution:
    """A normal distribution cut at two deviations. `whole`: the deviation before it is cut."""
    low, high = mean - CUT * whole, mean + CUT * whole
    return Distribution(family="truncated normal", mean=mean, deviation=whole * SHRINK, low=low, high=high)


def constant(value: float) -> Distribution:
    """One value."""
    return Distribution(family="constant", mean=value, deviation=0.0, low=value, high=value)


def orthogonal(gain: float) -> Distribution:
    """A matrix with orthogonal rows or columns of length `gain`."""
    return Distribution(family="orthogonal", gain=gain)


def other(detail: str) -> Distribution:
    """Something else, in words."""
    return Distribution(family="other", detail=detail)
