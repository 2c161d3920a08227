"""The metrics of all trials, each on a line of its own: a dot for each trial, their mean and their deviation."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from samebits import words
from samebits.model import Result, Trial
from samebits.reports import result_words
from samebits.reports.figures import Tick, value_ticks
from samebits.reports.tree import PAGE, Block, Format

MOST_STRIPS = 12
MARGIN = 0.08  # margin at both ends, as a share of the range
LANES = 3  # dots of consecutive trials lie at different heights, so that equal ones stay apart
CAPTION = (
    "Each dot is a trial that ran to its end, with the letter of its group. The line is the mean, and the box one "
    "sample standard deviation on both sides. Each metric has its own scale."
)


@dataclass(frozen=True)
class Dot:
    """A trial. `place`: percent from the left; `lane`: its height, from 0."""

    place: float
    lane: int
    group: str
    said: str


@dataclass(frozen=True)
class Strip:
    """A metric. `mean`, `low`, `high`: percent from the left edge; `said`: the strip in words."""

    name: str
    dots: tuple[Dot, ...]
    mean: float
    low: float
    high: float
    ticks: tuple[Tick, ...]
    said: str


@dataclass(frozen=True)
class Strips(Block):
    """A strip for each metric."""

    caption: str
    strips: tuple[Strip, ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


def strips(result: Result) -> Strips | None:
    """Return the metrics that at least two trials have; None if there is none."""
    whole = [trial for trial in result.trials if trial.status == "complete"]
    names = sorted({name for trial in whole for name in trial.metrics})
    drawn = tuple(strip for name in names if (strip := _strip(name, whole, result)) is not None)
    return Strips(CAPTION, drawn[:MOST_STRIPS]) if drawn else None


def _strip(name: str, trials: list[Trial], result: Result) -> Strip | None:
    known = {trial.id: trial.metrics[name] for trial in trials if name in trial.metrics}
    finite = {trial: value for trial, value in known.items() if math.isfinite(value)}
    if len(finite) < 2:
        return None
    mean, deviation = statistics.fmean(finite.values()), statistics.stdev(finite.values())
    low, high = _range([*finite.values(), mean - deviation, mean + deviation])
    share = 100 / (high - low)
    return Strip(
        name,
        tuple(_dots(finite, result_words.letters(result), low, share)),
        (mean - low) * share,
        (mean - deviation - low) * share,
        (mean + deviation - low) * share,
        tuple(value_ticks(low, high, logarithmic=False)),
        _said(finite, len(known) - len(finite)),
    )


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * MARGIN or abs(low) * MARGIN or 1.0
    return low - room, high + room


def _dots(values: dict[int, float], letters: dict[int, str], low: float, share: float) -> Iterator[Dot]:
    for number, (trial, value) in enumerate(values.items()):
        group = letters.get(trial, "")
        said = f"trial {trial}, {f'group {group}' if group else 'not compared'}: {value!r}"
        yield Dot((value - low) * share, number % LANES, group, said)


def _said(values: dict[int, float], without: int) -> str:
    """Return a text such as: mean 0.9712, standard deviation 0.0004, 0.9708 to 0.9716 in 5 trials."""
    each = list(values.values())
    number = words.count(len(each), "trial")
    rest = f"; not a number in {words.count(without, 'trial')}" if without else ""
    if min(each) == max(each):
        return f"{each[0]:.6g} in all of {number}{rest}"
    mean, deviation = statistics.fmean(each), statistics.stdev(each)
    return f"mean {mean:.6g}, standard deviation {deviation:.2g}, {min(each):.6g} to {max(each):.6g} in {number}{rest}"
