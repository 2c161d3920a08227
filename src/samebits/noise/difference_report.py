"""Makes the report of `versus`: a row and dot plots for each metric, and the test cases that flip."""

from __future__ import annotations

import math
from collections.abc import Iterator

from samebits import words
from samebits.noise import figure
from samebits.noise.difference import MetricDifference, VersusResult
from samebits.noise.result import seed_groups
from samebits.noise.sides import MetricSide
from samebits.noise.versus import interval_words
from samebits.reports.table import Cell, Column, MissingValue, Number, StyledText, Table, numbers, optional
from samebits.reports.tree import (
    DOCUMENT,
    PAGE,
    SCREEN,
    AnyBlock,
    Facts,
    JUnitCase,
    Notes,
    Report,
    Text,
    meaning,
)

__all__ = ["report"]

MOST_FLIPS = 10
ANSWERS = {
    "different": "told apart",
    "not-told-apart": "not told apart",
    "too-few": "too few",
    "repeats": "both repeat",
    "equal": "equal",
}
SAYS = (
    "95 % of such intervals contain the true difference of the means. If zero is outside the interval, A and B differ.",
    "floor: the standard deviation of the difference between a training of A and one of B if no seed changes.",
    "P(B better): how often a training of B is better than one of A. Bouthillier et al. (2021) ask for 0.75 before an "
    "improvement counts.",
    "to show it: how many trainings each side needs so that a rank test finds this probability (Noether 1987).",
)
DOES_NOT_SAY = (
    "Different data, machines and settings were not compared.",
    "Not told apart does not mean equal.",
)


def report(result: VersusResult) -> Report:
    """Return the report, for every format."""
    return Report(
        verdict=result.verdict,
        head="NO ANSWER" if result.verdict else "",
        title="B against A",
        headline=result.sentence,
        blocks=tuple(_blocks(result)),
        footer="Made by samebits versus.",
        created=result.created,
        samebits=result.samebits,
        document=result,
        cases=(_case(result),),
    )


def _blocks(result: VersusResult) -> Iterator[AnyBlock]:
    if result.verdict is None:
        yield Text(result.sentence, on=SCREEN | PAGE)
    if result.metrics:
        yield _table(result)
    for place, one in enumerate(result.metrics, 1):
        yield from _dots(result, one, place)
        if one.cases:
            yield from _flips(one, place)
    yield Facts(tuple(_facts(result)))
    if result.warnings:
        yield Notes(tuple(result.warnings))
    yield meaning(SAYS, DOES_NOT_SAY, DOCUMENT)


def _table(result: VersusResult) -> Table:
    """Return a row for each metric."""
    columns = (
        Column("metric"),
        *numbers("A", "B", "B minus A"),
        Column("95 %"),
        *numbers("floor", "P(B better)", "to show it"),
        Column(""),
    )
    return Table("difference", "", columns, tuple(map(_row, result.metrics)))


def _row(one: MetricDifference) -> tuple[Cell, ...]:
    interval = interval_words(one) if one.low is not None else MissingValue("-")
    return (
        StyledText(one.name, "code"),
        *(Number(value, _digits(one.difference)) for value in (one.a, one.b)),
        Number(one.difference, None),
        interval,
        optional(one.floor, None),
        Number(one.better, 2),
        optional(one.needed),
        ANSWERS[one.answer],
    )


def _digits(difference: float) -> int | None:
    """Return how many digits after the point show that the two means differ; None if they are equal."""
    return max(0, 1 - math.floor(math.log10(abs(difference)))) if difference else None


def _dots(result: VersusResult, one: MetricDifference, place: int) -> Iterator[AnyBlock]:
    """Yield the plot of the trainings of both sides, then that of the difference: dots, interval, band of the floor."""
    sides = [
        *figure.rows_of(seed_groups(result.a.trainings, one.name), "A "),
        *figure.rows_of(seed_groups(result.b.trainings, one.name), "B "),
    ]
    ends = None if one.low is None or one.high is None else (one.low, one.high)
    row = figure.DotRow("B minus A", one.pairs or [one.difference], ends)
    band = None if one.floor is None else (0.0 - one.floor, one.floor)
    trained = f"{one.name}: one dot for each training, by seed and trial"
    what = "one dot for each seed" if one.pairs else "the dot is the difference of the means"
    marks = [", [--] the interval"] if ends else []
    marks += [", == the floor around zero"] if band else []
    moved = f"{one.name}, B minus A: {what}{''.join(marks)}"
    yield from figure.blocks(figure.DotPlot(f"trainings-{place}", f"{one.name}: every training", trained, sides, None))
    yield from figure.blocks(figure.DotPlot(f"difference-{place}", f"{one.name}: the difference", moved, [row], band))


def _flips(one: MetricDifference, place: int) -> Iterator[AnyBlock]:
    """Yield the cases in which the two sides do not overlap."""
    better = sum(flip.better for flip in one.flips)
    counted = f"{len(one.flips):,} of {words.count(one.cases, 'test case')} flip: {better:,} better with B, "
    steady = f"{one.unsteady:,} differ between trainings of one side with the same seed"
    yield Text(f"{one.name}: {counted}{len(one.flips) - better:,} worse; {steady}.")
    if not one.flips:
        return
    rows = tuple(
        (flip.case, Number(flip.a, None), Number(flip.b, None), "better" if flip.better else "worse")
        for flip in one.flips[:MOST_FLIPS]
    )
    notes = (f"the {MOST_FLIPS} largest of {len(one.flips):,}",) if len(one.flips) > MOST_FLIPS else ()
    yield Table(f"flips-{place}", "", (Column("case"), *numbers("A", "B"), Column("")), rows, notes)


def _facts(result: VersusResult) -> Iterator[tuple[str, Cell]]:
    for letter, side in (("A", result.a), ("B", result.b)):
        yield letter, _side(side)
    for one in result.metrics[:1]:
        counted = f"{one.unit}: {one.numbers[0]}" if one.pairs else _compared(result, one)
        yield "compared", counted + (f"; {one.method}" if one.method else "")
    yield "needed", f"{result.needed} trainings on each side show a probability of {result.meaningful} (Noether)"


def _compared(result: VersusResult, one: MetricDifference) -> str:
    """Write `4 trainings of A and 3 seeds of B`: the values that count as independent."""
    units = ("seed" if one.unit == "seeds" and _seeds(side) else "training" for side in (result.a, result.b))
    counts = zip("AB", one.numbers, units, strict=True)
    return " and ".join(f"{words.count(number, unit)} of {letter}" for letter, number, unit in counts)


def _seeds(side: MetricSide) -> int:
    """Return the number of known seeds."""
    return len({training.seed for training in side.trainings} - {None})


def _side(side: MetricSide) -> str:
    known = _seeds(side)
    seeds = words.count(known, "seed") if known else "no seed given"
    return f"{side.name}: {words.count(len(side.trainings), 'training')}, {seeds}"


def _case(result: VersusResult) -> JUnitCase:
    """Return the comparison as one test. It passes if there is an answer, no matter which."""
    known = [
        (f"{one.name}.{field}", f"{value:.6g}" if isinstance(value, float) else str(value))
        for one in result.metrics
        for field in ("difference", "low", "high", "floor", "better", "answer")
        if (value := getattr(one, field)) is not None
    ]
    return JUnitCase(
        "samebits.versus",
        f"{result.a.name} | {result.b.name}",
        "error" if result.verdict else "passed",
        result.sentence,
        "\n".join(map(words.one_line, result.warnings)),
        tuple(known),
    )
