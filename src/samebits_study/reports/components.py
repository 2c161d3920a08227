"""The parts of a variance: what a different seed adds to a result, and what a further trial of the same seed adds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

from samebits_study.reports.measures import Measure
from samebits_study.results import StudyResult

CONFIDENCE = 0.95


class Component(NamedTuple):
    """A standard deviation, with the limits of its 95 % interval."""

    deviation: float
    low: float
    high: float

    @classmethod
    def of(cls, *variances: float) -> Component:
        """Return the deviations of a variance and of its limits."""
        return cls(*map(math.sqrt, variances))


class Components(NamedTuple):
    """The mean of a measure over all trainings, what seeds add to it, and what trials of one seed add."""

    mean: float
    of_seeds: Component
    of_trials: Component


def values(results: Sequence[StudyResult], measure: Measure) -> dict[str, list[list[float]]]:
    """Return setup -> the values of the trials of each seed, for setups in which each seed has equally many."""
    found: dict[str, list[list[float]]] = {}
    for result in results:
        for setup in result.setups:
            found.setdefault(setup.id, []).append(measure.values(setup))
    return {
        name: seeds for name, seeds in found.items() if len(seeds) == len(results) and len(set(map(len, seeds))) == 1
    }


def components(seeds: Sequence[Sequence[float]]) -> Components:
    """Return the parts of a variance: a one-way model with random seeds, and equally many trials of each.

    `seeds`: the values of the trials of each seed; at least two seeds, with at least two trials each. The limits for
    the trials are those of the variance of normal values. The limits for the seeds are those of Williams and Tukey:
    Williams, Biometrika 49 (1962), 278-281, doi 10.1093/biomet/49.1-2.278.
    """
    number, trials = len(seeds), len(seeds[0])
    between, within = number - 1, number * (trials - 1)
    of_seeds = trials * statistics.variance(map(statistics.mean, seeds))
    of_trials = statistics.mean(map(statistics.variance, seeds))
    tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2

    def limit(tail: float) -> float:
        least = of_seeds - stats.f.ppf(tail, between, within) * of_trials
        return max(0.0, float(between * least / (trials * stats.chi2.ppf(tail, between))))

    return Components(
        statistics.mean(value for seed in seeds for value in seed),
        Component.of(max(0.0, (of_seeds - of_trials) / trials), limit(tails[1]), limit(tails[0])),
        Component.of(of_trials, *(within * of_trials / stats.chi2.ppf(tail, within) for tail in reversed(tails))),
    )
