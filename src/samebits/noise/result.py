"""Holds the result of `noise` (noise.json, from which reports are made), and computes the layers of each metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from samebits import words
from samebits.model import Document, Setup, Verdict
from samebits.noise import statistics

__all__ = [
    "BY_RECORD",
    "NOISE_FORMAT",
    "MetricNoise",
    "NoiseResult",
    "TrainingRun",
    "metric_names",
    "metric_noise",
    "seed_groups",
]

NOISE_FORMAT = 1
BY_RECORD = "the record"  # the source of the seeds, if the trainings existed before


class TrainingRun(Document):
    """One training, with the values of its metrics. `seed`: null if no seed was given.

    `model`: a letter; trainings with the same seed and letter have the same bits. Null if that is not known. `cases`:
    metric -> test case -> value; the metric is then the mean of these. `missed`: metric -> the test cases that the
    model got wrong, if each case is right or wrong. `machine`: the machine that it ran on, if that is known.
    """

    seed: int | None = None
    trial: int
    model: str | None = None
    metrics: dict[str, float] = {}
    cases: dict[str, dict[str, float]] = {}
    missed: dict[str, list[str]] = {}
    machine: str = ""


class MetricNoise(Document):
    """One metric in three layers, each a standard deviation; null if it was not measured, then with a reason in `why`.

    `same_seed`: the noise floor: between trainings with the same seed. `other_seeds`: the spread that different seeds
    add. `other_cases`: how far the metric moves if different test cases are drawn (the spread of the cases, divided by
    the square root of their number). `lowest`, `highest`, `mean`: of all trainings.
    """

    name: str
    trainings: int
    mean: float
    lowest: float
    highest: float
    same_seed: float | None = None
    other_seeds: float | None = None
    other_cases: float | None = None
    why: dict[str, str] = {}


class NoiseResult(Document):
    """The answer of `samebits noise`.

    `verdict`: `inconclusive` if no metric was measured, then with a `reason`; else null, because there is nothing to
    judge. `models`: how many different models the trainings of each seed gave; null if that is not known. `repeats`:
    whether the trainings of each seed have the same bits. `records`: seed -> the folder of its record.
    """

    format: int = NOISE_FORMAT
    samebits: str
    created: str
    verdict: Verdict | None = None
    sentence: str
    reason: str | None = None
    command: list[str]
    setup: Setup
    seeds: list[int] = []
    seed_by: str = ""
    trials: int
    models: list[int | None] = []
    repeats: bool | None = None
    trainings: list[TrainingRun] = []
    metrics: list[MetricNoise] = []
    records: dict[str, str] = {}
    warnings: list[str] = []
    unseeded: list[str] = []
    seconds: float = 0.0
    record: str = ""


def metric_names(trainings: Iterable[TrainingRun]) -> list[str]:
    """Return the names of all metrics, in the order in which they first appear."""
    return list(dict.fromkeys(name for training in trainings for name in training.metrics))


def seed_groups(trainings: Iterable[TrainingRun], name: str) -> dict[int | None, list[float]]:
    """Return the values of a metric, by seed."""
    groups: dict[int | None, list[float]] = {}
    for training in trainings:
        if name in training.metrics:
            groups.setdefault(training.seed, []).append(training.metrics[name])
    return groups


def metric_noise(trainings: Sequence[TrainingRun], name: str) -> MetricNoise:
    """Compute the layers of a metric. At least one training must have it."""
    groups = seed_groups(trainings, name)
    values = [value for group in groups.values() for value in group]
    found = statistics.layers(list(groups.values()))
    cases = _other_cases(trainings, name)
    why = {}
    if found.same_seed is None:
        why["same_seed"] = "no seed has two trainings"
    if found.other_seeds is None:
        why["other_seeds"] = "there is only one seed"
    elif len(groups) < statistics.FEWEST:
        why["other_seeds"] = f"a rough estimate, from {words.count(len(groups), 'seed')}"
    if cases is None:
        why["other_cases"] = "the metric was not given for each test case (--cases)"
    return MetricNoise(
        name=name,
        trainings=len(values),
        mean=statistics.mean_of(values),
        lowest=min(values),
        highest=max(values),
        same_seed=found.same_seed,
        other_seeds=found.other_seeds,
        other_cases=cases,
        why=why,
    )


def _other_cases(trainings: Sequence[TrainingRun], name: str) -> float | None:
    """Return the standard error over test cases, with the value of each case averaged over the trainings."""
    tables = [training.cases[name] for training in trainings if name in training.cases]
    common = set.intersection(*map(set, tables)) if tables else set()
    if len(common) < 2:
        return None
    means = [float(np.mean([table[case] for table in tables])) for case in sorted(common)]
    scale = statistics.scale_of(means)
    return float(np.std(np.asarray(means) / scale, ddof=1) / np.sqrt(len(means))) * scale
