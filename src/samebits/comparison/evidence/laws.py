"""Finds the law by which a value follows the clock, from trials whose clocks ran at different rates. Pure.

A duration grows with the rate of the clock, a rate shrinks with it, and a moment lies in the trial's own scaled span.
Times are noisy, and a number that is drawn anew in each trial may grow by chance. So a law is one that explains most of
how far apart the values are, in logarithms: what is left after it must be several times smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from samebits.comparison.evidence.quantities import Quantity

Law = Literal["duration", "rate", "moment", "known"]

# how many times smaller the spread of the logarithms must be, once the rates are divided out
_EXPLAINED, _EXPLAINED_WITH_UNIT, _EXPLAINED_BUT_FOR_ONE = 2.75, 2.0, 12.0
_SIGNS: dict[Law, int] = {"duration": 1, "rate": -1}


class Sample(NamedTuple):
    """The values of one trial at a place, in order, the rate of its clock, and its span by the monotonic clock.

    `has_waited`: it waited between two rounds. Its clock went on, so its durations are longer than those of others.
    """

    rate: float
    values: Sequence[Quantity]
    uptime: tuple[float, float] | None = None
    has_waited: bool = False


class Finding(NamedTuple):
    """A law, and by how much the value grew in each trial with a faster clock."""

    law: Law
    ratio: list[float]


def law_of(samples: Sequence[Sample]) -> Finding | None:
    """Return the law that the values of a place follow; None if they follow none, or if no trial can tell."""
    samples = _without_equal_values(_with_common_digits(samples))
    plain = [sample for sample in samples if sample.rate == 1 and sample.values]
    fast = sorted((sample for sample in samples if sample.rate != 1 and sample.values), key=lambda sample: -sample.rate)
    if not plain or len({sample.rate for sample in fast}) < 2:
        return None
    if not all(map(_may_be_times, [*plain, *fast])):
        return None
    if all(map(_are_moments, [*plain, *fast])):
        return Finding("moment", [])
    rested = [sample for sample in plain if not sample.has_waited] or plain
    growths = [round(_growth(rested, sample), 4) for sample in fast]
    for law, sign in _SIGNS.items():
        if _explains(sign, rested, fast) and not _contradicts(plain, fast, sign):
            return Finding(law, growths)
    return None


def _with_common_digits(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples. Each stored number gets as many digits as the longest stored number of the place.

    A program that stores a rate as a whole number stores 0 if the rate is below 1.
    """
    numbers = [quantity for sample in samples for quantity in sample.values if quantity.is_stored]
    least = min((quantity.resolution for quantity in numbers), default=0.0)
    return [
        sample._replace(values=[q._replace(resolution=least) if q.is_stored else q for q in sample.values])
        for sample in samples
    ]


def _without_equal_values(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples without the values that all trials agree on, if these have equally many values."""
    if len({len(sample.values) for sample in samples}) > 1:
        return samples
    texts = zip(*([quantity.text for quantity in sample.values] for sample in samples), strict=True)
    unequal = [place for place, some in enumerate(texts) if len(set(some)) > 1]
    return [sample._replace(values=[sample.values[place] for place in unequal]) for sample in samples]


def _explains(sign: int, plain: Sequence[Sample], fast: Sequence[Sample]) -> bool:
    """Return whether the rates of the clocks explain how far apart the values are.

    The machine may have delayed one plain trial. Without it, the others must fit closely.
    """
    slowest = max(plain, key=lambda sample: sign * _size(sample.values))
    others = [sample for sample in plain if sample is not slowest]
    have_units = all(quantity.has_unit for sample in [*plain, *fast] for quantity in sample.values)
    least, ratio = (1, _EXPLAINED_WITH_UNIT) if have_units else (2, _EXPLAINED)
    return _fits(sign, [*plain, *fast], least, ratio) or (
        len(others) > 1 and _fits(sign, [*others, *fast], least, _EXPLAINED_BUT_FOR_ONE)
    )


def _fits(sign: int, samples: Sequence[Sample], least: int, ratio: float) -> bool:
    """Return whether the spread is `ratio` times smaller without the clock, and `least` samples have digits."""
    sizes = [math.log(_most(sample.values)) for sample in samples]
    limits = [math.log(_most(sample.values)) - sign * math.log(sample.rate) for sample in samples]
    known = [limit for limit, sample in zip(limits, samples, strict=True) if _has_digits(sample)]
    return len(known) >= least and max(sizes) - min(sizes) >= ratio * (max(known) - min(limits))


def changed_as_a_time(samples: Sequence[Sample]) -> bool:
    """Return whether values changed as much with the fastest clock as a time would. False if they cannot be times.

    The slower clocks are not asked: a number that is drawn anew in each trial often grows or shrinks as their rates.
    A value that is zero to its digits may have grown by more than its digits show.
    """
    samples = _with_common_digits(samples)
    plain = [sample for sample in samples if sample.rate == 1 and sample.values]
    fast = [sample for sample in samples if sample.rate != 1 and sample.values]
    if not (plain and fast and all(map(_may_be_times, [*plain, *fast]))):
        return False
    fastest = max(fast, key=lambda sample: sample.rate)
    growth, bound = _growth(plain, fastest), math.sqrt(fastest.rate)
    return growth >= bound or growth * bound <= 1 or (growth > 1 and not all(map(_has_digits, plain)))


def _may_be_times(sample: Sample) -> bool:
    return all(0 <= quantity.value < math.inf for quantity in sample.values)


def _are_moments(sample: Sample) -> bool:
    """Return whether all values of a trial are moments of its monotonic clock, in seconds."""
    span = sample.uptime
    return span is not None and all(span[0] <= quantity.value <= span[1] for quantity in sample.values)


def _growth(plain: Sequence[Sample], fast: Sample) -> float:
    """Return how many times larger the values of a faster trial are than those of the plain trials, on average."""
    return _size(fast.values) / math.exp(sum(math.log(_size(sample.values)) for sample in plain) / len(plain))


def _size(values: Sequence[Quantity]) -> float:
    """Return the mean of values. A value that is printed as zero is half of what its last digit is worth."""
    return sum(map(_positive, values)) / len(values)


def _most(values: Sequence[Quantity]) -> float:
    """Return the mean of values, each at least what its last digit is worth."""
    return sum(max(quantity.value, quantity.resolution) or 1e-12 for quantity in values) / len(values)


def _has_digits(sample: Sample) -> bool:
    return all(quantity.value >= quantity.resolution for quantity in sample.values)


def _positive(quantity: Quantity) -> float:
    return max(quantity.value, quantity.resolution / 2 or 1e-12)


def _contradicts(plain: Sequence[Sample], fast: Sequence[Sample], sign: int) -> bool:
    """Return whether a value that differs between plain trials stays as it is with a faster clock.

    So a loss among many times with the same name is not mistaken for a time.
    """
    if len({len(sample.values) for sample in (*plain, *fast)}) > 1:
        return False
    bound = math.sqrt(fast[-1].rate)
    for values in zip(*(sample.values for sample in (*plain, *fast)), strict=True):
        normal, later = values[: len(plain)], values[len(plain) :]
        have_digits = all(quantity.value >= quantity.resolution for quantity in normal)
        if len({quantity.text for quantity in (values if have_digits else normal)}) > 1:
            base = math.exp(sum(math.log(_positive(quantity)) for quantity in normal) / len(normal))
            if (_most(later[:1]) / base) ** sign < bound:
                return True
    return False
