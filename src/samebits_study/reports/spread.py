"""Means and deviations over trials, and when they are refused."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from samebits.reports.table import Cell, MissingValue, Spread
from samebits_study.results import SetupResult

Value = float | Decimal


def spread(values: Sequence[Value], digits: tuple[int, int]) -> Cell:
    """Mean and sample standard deviation; one trial has none, and no trial has neither. Exact until it is rounded."""
    if not values:
        return MissingValue("no trial")
    exact = [Fraction(value) for value in values]
    deviation = float(statistics.stdev(exact)) if len(exact) > 1 else None
    return Spread(float(statistics.mean(exact)), deviation, digits)


def quartiles(values: Sequence[Value]) -> tuple[float, float, float, float, float]:
    """Minimum, first quartile, median, third quartile, maximum of at least one value."""
    ordered = sorted(map(float, values))
    found = [_between(ordered, share * (len(ordered) - 1)) for share in (0, 0.25, 0.5, 0.75, 1)]
    return found[0], found[1], found[2], found[3], found[4]


def _between(ordered: list[float], place: float) -> float:
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def machines(setups: Iterable[SetupResult]) -> dict[str, list[str]]:
    """Machine -> the setups with a trial on it, in the order in which they come."""
    found: dict[str, list[str]] = {}
    for setup in setups:
        for machine in dict.fromkeys(model.machine for model in setup.models):
            found.setdefault(machine, []).append(setup.id)
    return found


def refusal(found: dict[str, list[str]]) -> str:
    """Why times are not set side by side: they were taken on different machines. Empty where they were not."""
    if len(found) < 2:
        return ""
    named = "; ".join(f"{machine or 'not known'}: {', '.join(dict.fromkeys(ids))}" for machine, ids in found.items())
    return (
        f"Times are refused: the trials of this table ran on {len(found)} different machines ({named}). "
        "Run the study on one machine, with --out in a new folder."
    )
