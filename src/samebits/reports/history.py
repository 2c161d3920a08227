"""Reads the history of a record: until when trials agreed, and the curves of their numbers.

Steps of processes that follow each other (pretrain, then finetune) are laid end to end; ranks lie side by side.
Everything is reduced to some hundred columns, however many steps there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import stage_starts
from samebits.model import Result
from samebits.reports import result_words
from samebits.store.record import Record
from samebits.store.trace import ProcessTrace, chunks

COLUMNS = 400
MOST_LINES = 12  # trials drawn in a figure
MOST_CURVES = 4
FIRST_CURVES = ("loss", "norm:weights")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """Steps `first` to `last` (not included) of a trial. `group`: its letter, "" as long as all trials agree."""

    first: int
    last: int
    group: str


@dataclass(frozen=True)
class TrialLine:
    """The numbers of one trial: `x` in steps, `y` the mean (or the largest difference) around it."""

    trial: int
    group: str
    x: Floats
    y: Floats


@dataclass(frozen=True)
class Curve:
    """One number over the steps. `apart`: the distance of each trial from the reference, if any trial differs."""

    name: str
    lines: list[TrialLine]
    apart: list[TrialLine]
    left_out: int = 0


@dataclass(frozen=True)
class History:
    """The history. `steps`: the most that any trial made. `parted`: where the first trial diverges; None if none."""

    steps: int = 0
    parted: int | None = None
    stretches: dict[int, list[Stretch]] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    stages: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Series:
    """A number of one trial, as it was observed."""

    steps: NDArray[np.int64]
    values: Floats


def history(result: Result, record: Record | None) -> History:
    """Return the history of a record; empty without one."""
    if record is None:
        return History()
    aligned = {trial.id: AlignedTrial(trial, record.file.command) for trial in record.trials}
    steps = max((trial.steps for trial in aligned.values()), default=0)
    starts = stage_starts(aligned[trial] for group in result.groups for trial in group if trial in aligned)
    return History(
        steps=steps,
        parted=min((split.step for split in result.splits), default=None),
        stretches=dict(_stretches(result, aligned)),
        curves=_curves(result, aligned, starts, steps),
        stages=_stages(list(aligned.values()), starts),
    )


def _stages(trials: Sequence[AlignedTrial], starts: dict[int, int]) -> list[tuple[int, str]]:
    """Return (first step, arguments) of each process if there are several, else an empty list."""
    if len(starts) < 2:
        return []
    arguments = {member.order: " ".join(member.key.argv) for trial in trials for member in trial.members}
    return [(starts[order], arguments[order]) for order in sorted(starts)]


def _stretches(result: Result, aligned: dict[int, AlignedTrial]) -> Iterator[tuple[int, list[Stretch]]]:
    splits = {(split.first, split.second): split.step for split in result.splits}
    home = result.groups.index(result_words.reference_group(result)) if result.groups else 0
    for place, group in enumerate(result.groups):
        for trial in group:
            if trial in aligned:
                yield trial, together(place, len(result.groups), splits, aligned[trial].steps, home)


def together(place: int, groups: int, splits: dict[tuple[int, int], int], steps: int, home: int = 0) -> list[Stretch]:
    """Return the stretches of a group: first together with all trials, then with fewer and fewer, at last alone.

    Each has the name of the first group that it still agrees with.

    `home`: the place of the reference group.
    """
    mine = {other: _split(place, other, splits, home) for other in range(groups) if other != place}
    cuts = sorted({at for at in mine.values() if at < steps})
    stretches: list[Stretch] = []
    for first, last in zip([-1, *cuts], [*cuts, steps], strict=True):
        company = [other for other, at in mine.items() if at > first]
        everyone = len(company) == groups - 1
        letter = "" if everyone else result_words.letter(min([place, *company]))
        if stretches and stretches[-1].group == letter:  # a different group diverged from this one
            first = stretches.pop().first
        stretches.append(Stretch(first, last, letter))
    return [stretch for stretch in stretches if stretch.last > stretch.first]


def _split(a: int, b: int, splits: dict[tuple[int, int], int], home: int) -> int:
    """Return the step at which two groups diverge.

    If they were not compared, it is where the earlier one leaves the reference.
    """
    step = splits.get((min(a, b), max(a, b)))
    if step is not None:
        return step
    return min(splits[min(home, group), max(home, group)] for group in (a, b))


def _curves(result: Result, aligned: dict[int, AlignedTrial], starts: dict[int, int], steps: int) -> list[Curve]:
    names = result_words.letters(result)
    drawn = _drawn_trials(result, [number for number in aligned if number in names])
    series = {trial: dict(_series(aligned[trial], starts)) for trial in drawn}
    quantities = sorted({name for numbers in series.values() for name in numbers}, key=_curve_order)
    curves = []
    for name in quantities:
        numbers = {trial: series[trial][name] for trial in drawn if name in series[trial]}
        if name not in FIRST_CURVES and not any(curve.values.min() != curve.values.max() for curve in numbers.values()):
            continue  # a constant learning rate needs no figure
        lines = [TrialLine(trial, names[trial], *means(curve, steps)) for trial, curve in numbers.items()]
        apart = _apart(numbers, names, result_words.reference_group(result), steps)
        curves.append(Curve(name, lines, apart, len(names) - len(drawn)))
    return curves[:MOST_CURVES]


def _curve_order(name: str) -> tuple[int, str]:
    return (FIRST_CURVES.index(name) if name in FIRST_CURVES else len(FIRST_CURVES), name)


def _drawn_trials(result: Result, trials: list[int]) -> list[int]:
    """Return the trials to draw: all.

    If there are too many, the first of each group, then the second of each, and so on.
    """
    ranked = sorted(trials, key=lambda trial: min(group.index(trial) for group in result.groups if trial in group))
    return sorted(ranked[:MOST_LINES])


def _series(trial: AlignedTrial, starts: dict[int, int]) -> Iterator[tuple[str, Series]]:
    """Yield each number that rank 0 observed at more than one step."""
    parts: dict[str, list[tuple[NDArray[np.int64], Floats]]] = {}
    for member in trial.members:
        if member.key.rank == 0:
            for name, steps, values in _numbers(member.trace):
                parts.setdefault(name, []).append((steps + starts.get(member.order, 0), values))
    for name, pieces in parts.items():
        series = Series(np.concatenate([part[0] for part in pieces]), np.concatenate([part[1] for part in pieces]))
        if len(series.steps) > 1 and series.steps[0] != series.steps[-1]:
            yield name, series


def _numbers(trace: ProcessTrace) -> Iterator[tuple[str, NDArray[np.int64], Floats]]:
    """Yield (name, steps, values) of each point with numbers. Points of the end make no curve."""
    wanted = {number: point.name for number, point in enumerate(trace.points) if point.kind != "end"}
    by_number: dict[int, list[NDArray[Any]]] = {}
    for part in chunks(trace.scalars):
        for number in np.unique(part["point"]).tolist():
            if number in wanted:
                by_number.setdefault(number, []).append(part[part["point"] == number])
    for number, rows in by_number.items():
        whole = np.concatenate(rows)
        yield wanted[number], whole["step"].astype(np.int64), whole["value"].astype(np.float64)


def means(series: Series, steps: int) -> tuple[Floats, Floats]:
    """Return (x, y): the mean of each column. A column without a finite number is left out."""
    finite = np.isfinite(series.values)
    return _columns(series.steps[finite], series.values[finite], steps, largest=False)


def _columns(at: NDArray[np.int64], values: Floats, steps: int, *, largest: bool) -> tuple[Floats, Floats]:
    columns = max(1, min(COLUMNS, steps))
    place = np.clip(at * columns // max(steps, 1), 0, columns - 1)
    counts = np.bincount(place, minlength=columns)
    if largest:
        heights = np.zeros(columns)
        np.maximum.at(heights, place, values)
    else:
        scale = float(np.abs(values).max(initial=0.0)) or 1.0  # sums of huge losses would overflow
        sums: Floats = np.bincount(place, weights=values / scale, minlength=columns).astype(np.float64)
        heights = sums / np.maximum(counts, 1) * scale
    used = np.flatnonzero(counts)
    x: Floats = used.astype(np.float64) * (max(steps, 1) / columns)
    return x, heights[used]


def _apart(numbers: dict[int, Series], names: dict[int, str], home: list[int], steps: int) -> list[TrialLine]:
    """Return the distance of each trial outside the reference group from the first trial of that group."""
    reference = next((trial for trial in numbers if trial in home), None)
    if reference is None:
        return []
    lines = []
    for trial, series in numbers.items():
        if names[trial] != names[reference]:
            at, far = distance(series, numbers[reference])
            x, y = _columns(at, far, steps, largest=True)
            lines.append(TrialLine(trial, names[trial], x[y > 0], y[y > 0]))
    return lines if any(len(line.x) for line in lines) else []


def distance(a: Series, b: Series) -> tuple[NDArray[np.int64], Floats]:
    """Return (steps, how far two trials are apart there). Numbers that are not finite have no distance."""
    if len(a.steps) == len(b.steps) and np.array_equal(a.steps, b.steps):
        at, mine, theirs = a.steps, a.values, b.values
    else:
        at, first, second = np.intersect1d(a.steps, b.steps, return_indices=True)
        mine, theirs = a.values[first], b.values[second]
    with np.errstate(invalid="ignore", over="ignore"):
        far = np.abs(mine - theirs)
    finite = np.isfinite(far)
    return at[finite], far[finite]
