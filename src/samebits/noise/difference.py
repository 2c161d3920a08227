"""Computes the result of `versus`: B minus A for each metric, its interval, the noise floor. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from samebits import words
from samebits.errors import UsageError
from samebits.model import Document, Verdict
from samebits.noise import statistics
from samebits.noise.result import metric_names, metric_noise, seed_groups
from samebits.noise.sides import MetricSide, TestedCases
from samebits.noise.statistics import FEWEST

__all__ = ["VERSUS_FORMAT", "CaseFlip", "MetricAnswer", "MetricDifference", "VersusResult", "compare"]

VERSUS_FORMAT = 1
MetricAnswer = Literal["different", "not-told-apart", "too-few", "repeats", "equal"]
Unit = Literal["pairs of seeds", "seeds", "trainings"]
MOST_NAMES = 3


class CaseFlip(Document):
    """A test case in which the values of A and B do not overlap. `a`, `b`: the mean of each side."""

    case: str
    a: float
    b: float
    better: bool


class MetricDifference(Document):
    """B minus A for one metric.

    `answer`: `different` if the interval does not contain zero; `not-told-apart` if it does; `too-few` if there are too
    few values for an interval; `repeats` if neither side varies, so that the difference is exact for these seeds and
    says nothing about other seeds; `equal` if there is no difference. `low`, `high`: 95 % of such intervals contain the
    true difference. `unit`: the unit of the values; `numbers`: how many of them A and B have. `findable`: the true
    difference that so many values find with a probability of 80 %. `floor`: the standard deviation of the difference
    between a training of A and one of B if no seed changes. `better`: how often a training of B is better than one of
    A, with its 95 % interval; `needed`: the trainings of each side, or the pairs of seeds, that would show this
    (Noether); null if there is no interval. `pairs`: B minus A, seed by seed. `cases`: how many test cases both have;
    `flips`: the cases in which the sides do not overlap; `unsteady`: how many cases have different values within one
    side, although no seed changed.
    """

    name: str
    lower_is_better: bool
    answer: MetricAnswer
    a: float
    b: float
    difference: float
    low: float | None = None
    high: float | None = None
    method: str = ""
    unit: Unit
    numbers: list[int]
    floor: float | None = None
    findable: float | None = None
    better: float
    better_low: float
    better_high: float
    needed: int | None = None
    pairs: list[float] = []
    cases: int = 0
    flips: list[CaseFlip] = []
    unsteady: int = 0


class VersusResult(Document):
    """The answer of `samebits versus`.

    `verdict`: `inconclusive` if no metric has an answer, then with a `reason`; else null. `meaningful`: the probability
    of being better that Bouthillier et al. (2021) require; `needed`: the trainings of each side, or the pairs of seeds,
    that would show it.
    """

    format: int = VERSUS_FORMAT
    samebits: str
    created: str
    verdict: Verdict | None = None
    sentence: str
    reason: str | None = None
    a: MetricSide
    b: MetricSide
    metrics: list[MetricDifference]
    meaningful: float = statistics.MEANINGFUL
    needed: int
    warnings: list[str] = []


class Units(NamedTuple):
    """The independent values of each side. In pairs, `a` and `b` have the same seeds in the same order."""

    unit: Unit
    a: list[float]
    b: list[float]


def compare(
    a: MetricSide, b: MetricSide, *, only: Sequence[str] = (), lower: Sequence[str] = ()
) -> list[MetricDifference]:
    """Compare each metric that both sides have.

    Raises UsageError if there is no such metric, or if the sides were tested on different cases.
    """
    known = [name for name in metric_names(a.trainings) if name in metric_names(b.trainings)]
    if not known:
        has = [", ".join(metric_names(side.trainings)) for side in (a, b)]
        raise UsageError(f"A and B have no metric in common: A has {has[0]}; B has {has[1]}.", "--metric NAME=REGEX")
    for name in (*only, *lower):
        if name not in known:
            raise UsageError(f"A and B do not both have the metric {name!r}.", f"Both have: {', '.join(known)}.")
    low = {*lower, *a.lower, *b.lower}
    return [_difference(a, b, name, lower=name in low) for name in known if not only or name in only]


def _difference(a: MetricSide, b: MetricSide, name: str, *, lower: bool) -> MetricDifference:
    tables = _case_tables(a, b, name)
    cases = _common_cases(tables, name)
    tested = a.tested.get(name)
    units = _units(a, b, name)
    paired = units.unit == "pairs of seeds"
    pairs = [second - first for first, second in zip(units.a, units.b, strict=True)] if paired else []
    found = statistics.interval(pairs) if paired else statistics.interval(units.a, units.b)
    better = statistics.better_probability(units.a, units.b, lower=lower, paired=paired)
    better_ends = statistics.better_interval(better, min(len(units.a), len(units.b)))
    means = float(np.mean(units.a)), float(np.mean(units.b))
    return MetricDifference(
        name=name,
        lower_is_better=lower,
        answer=_answer(units, pairs, found),
        a=means[0],
        b=means[1],
        difference=means[1] - means[0],
        low=found.low if found else None,
        high=found.high if found else None,
        method=found.method if found else "",
        unit=units.unit,
        numbers=[len(units.a), len(units.b)],
        floor=_floor(a, b, name),
        findable=found.findable if found else None,
        better=better,
        better_low=better_ends[0],
        better_high=better_ends[1],
        needed=statistics.trainings_needed(better, paired=paired) if found else None,
        pairs=pairs,
        cases=tested.number if tested and tested == b.tested.get(name) else len(cases),
        flips=_flips(tables, cases, lower=lower),
        unsteady=sum(any(_is_unsteady(side, case) for side in tables) for case in cases),
    )


def _units(a: MetricSide, b: MetricSide, name: str) -> Units:
    """Return the values that count as independent: the trainings of one seed, or the means of several seeds."""
    groups = [seed_groups(side.trainings, name) for side in (a, b)]
    if all(len(group) == 1 for group in groups):
        return Units("trainings", *(next(iter(group.values())) for group in groups))
    means = [{seed: float(np.mean(values)) for seed, values in group.items()} for group in groups]
    common = [seed for seed in means[0] if seed in means[1]]
    if len(common) == max(map(len, means)) or len(common) >= FEWEST:
        return Units("pairs of seeds", *([mean[seed] for seed in common] for mean in means))
    return Units("seeds", *(_seeds_or_trainings(group) for group in groups))


def _seeds_or_trainings(group: Mapping[int | None, list[float]]) -> list[float]:
    """Return the mean of each seed. If no seed is known, return the value of each training, unless all are equal."""
    unknown = group.get(None, [])
    if len(group) == 1 and unknown and not statistics.is_constant(np.asarray(unknown)):
        return unknown
    return [float(np.mean(one)) for one in group.values()]


def _answer(units: Units, pairs: Sequence[float], found: statistics.Interval | None) -> MetricAnswer:
    if found is not None:
        return "not-told-apart" if found.low <= 0 <= found.high else "different"
    compared = [pairs] if pairs else [units.a, units.b]
    is_exact = all(statistics.is_constant(np.asarray(values)) for values in compared)
    if is_exact and min(map(len, compared)) > 1:
        return "equal" if math.isclose(np.mean(units.a), np.mean(units.b), rel_tol=1e-12) else "repeats"
    return "too-few"


def _floor(a: MetricSide, b: MetricSide, name: str) -> float | None:
    floors = [metric_noise(side.trainings, name).same_seed for side in (a, b)]
    known = [floor for floor in floors if floor is not None]
    return math.hypot(*known) if len(known) == len(floors) else None


# -- test cases -------------------------------------------------------------------------------------------------------


class CaseTable(NamedTuple):
    """The value of each test case in one training."""

    seed: int | None
    values: Mapping[str, float]


def _case_tables(a: MetricSide, b: MetricSide, name: str) -> list[list[CaseTable]]:
    """Return, for each side, the values of the test cases in each training.

    If a case is right or wrong, only the cases that at least one training missed are listed. Both lists are empty if
    the sides may have been tested on different cases.
    """
    tested = a.tested.get(name)
    if tested != b.tested.get(name):
        return [[], []]
    if tested is None:
        given = [[one for one in side.trainings if name in one.cases] for side in (a, b)]
        return [[CaseTable(one.seed, one.cases[name]) for one in side] for side in given]
    cases = sorted({case for one in (*a.trainings, *b.trainings) for case in one.missed[name]})
    return [
        [CaseTable(one.seed, _right_or_wrong(cases, set(one.missed[name]), tested)) for one in side.trainings]
        for side in (a, b)
    ]


def _right_or_wrong(cases: Sequence[str], missed: set[str], tested: TestedCases) -> dict[str, float]:
    return {case: tested.wrong if case in missed else tested.right for case in cases}


def _common_cases(tables: Sequence[list[CaseTable]], name: str) -> list[str]:
    """Return the test cases that all trainings share. Raises UsageError if A and B were tested on different cases."""
    if not all(tables):
        return []
    a, b = (list(dict.fromkeys(case for table in side for case in table.values)) for side in tables)
    alone = [case for case in a if case not in b] + [case for case in b if case not in a]
    if alone:
        named = ", ".join(alone[:MOST_NAMES]) + (" ..." if len(alone) > MOST_NAMES else "")
        belong = words.agree(len(alone), "belongs", "belong")
        said = f"{name}: A and B were tested on different cases: {len(alone)} {belong} to one side only ({named})."
        raise UsageError(words.one_line(said), "Test both on the same cases.")
    return [case for case in a if all(case in table.values for side in tables for table in side)]


def _flips(tables: Sequence[list[CaseTable]], cases: Sequence[str], *, lower: bool) -> list[CaseFlip]:
    """Return the cases in which all trainings of B are better than all of A, or all worse. Large flips come first."""
    found = []
    for case in cases:
        a, b = ([table.values[case] for table in side] for side in tables)
        if max(a) < min(b) or max(b) < min(a):
            better = (np.mean(b) < np.mean(a)) == lower
            found.append(CaseFlip(case=case, a=float(np.mean(a)), b=float(np.mean(b)), better=bool(better)))
    return sorted(found, key=lambda flip: -abs(flip.b - flip.a))


def _is_unsteady(side: Sequence[CaseTable], case: str) -> bool:
    """Return whether the case has different values in two trainings of one seed."""
    seen: dict[int | None, float] = {}
    return any(seen.setdefault(table.seed, table.values[case]) != table.values[case] for table in side)
