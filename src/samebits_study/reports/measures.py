"""The measures of a model, their means and deviations over trials, and how a table shows them beside the paper's."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from samebits import words
from samebits.reports.table import EMPTY, Cell, Column, MissingValue, Number, Spread, Table, measured, numbers, shown
from samebits_study.reports import paper, phrases
from samebits_study.reports.paper import Quotation
from samebits_study.results import Baseline, ScoredMeasure, SetupResult, StudyResult, TrainedModel

Value = float | Decimal


def spread(values: Sequence[Value], digits: tuple[int, int]) -> Cell:
    """Return the mean and sample standard deviation.

    One trial has no deviation, and no trial has no mean either. Both are exact until they are rounded.
    """
    if not values:
        return MissingValue("no trial")
    exact = [Fraction(value) for value in values]
    deviation = float(statistics.stdev(exact)) if len(exact) > 1 else None
    return Spread(float(statistics.mean(exact)), deviation, digits)


def quartiles(values: Sequence[Value]) -> tuple[float, float, float, float, float]:
    """Return the minimum, first quartile, median, third quartile, maximum of at least one value."""
    ordered = sorted(map(float, values))
    found = [_between(ordered, share * (len(ordered) - 1)) for share in (0, 0.25, 0.5, 0.75, 1)]
    return found[0], found[1], found[2], found[3], found[4]


def _between(ordered: list[float], place: float) -> float:
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def machines(setups: Iterable[SetupResult]) -> dict[str, list[str]]:
    """Return machine -> the setups with a trial on it, in their order."""
    found: dict[str, list[str]] = {}
    for setup in setups:
        for machine in dict.fromkeys(model.machine for model in setup.models):
            found.setdefault(machine, []).append(setup.id)
    return found


def refusal(found: dict[str, list[str]], *, busy: bool) -> str:
    """Return why times are not shown: they were measured on different machines, or on a busy one.

    Empty if they are shown.
    """
    if busy:
        return "Times are not shown: the machine did other work at the same time."
    if len(found) < 2:
        return ""
    named = "; ".join(f"{machine or 'not known'}: {', '.join(dict.fromkeys(ids))}" for machine, ids in found.items())
    return (
        f"Times are not shown: the trials of this table ran on {len(found)} different machines ({named}). "
        "Run the study on one machine, with --out in a new folder."
    )


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Measure:
    """`name`: as in the paper's rows and the documents.

    `digits`: how many after the point, of a value and of a deviation. `read`: gives its value for a model, in the unit
    of `head`, or the reason if there is none.
    """

    name: str
    head: str
    digits: tuple[int, int]
    read: Callable[[TrainedModel], tuple[float | None, str]]

    def of(self, model: TrainedModel) -> tuple[float | None, str]:
        """Return a finite value; or None, and the reason."""
        value, why = self.read(model)
        return (value, why) if value is None or math.isfinite(value) else (None, f"it is {value}")

    def values(self, setup: SetupResult) -> list[float]:
        """Return the values that are defined, in the order of the trials."""
        found = [self.of(model)[0] for model in setup.models]
        return [value for value in found if value is not None]


def _accuracy(model: TrainedModel) -> tuple[float | None, str]:
    return (100 * model.digits.accuracy, "") if model.digits else (None, "not judged")


def _wrong(model: TrainedModel) -> tuple[float | None, str]:
    return (model.digits.wrong, "") if model.digits else (None, "not judged")


def _of_cells(name: str) -> Callable[[TrainedModel], tuple[float | None, str]]:
    def read(model: TrainedModel) -> tuple[float | None, str]:
        if model.cells is None:
            return None, "not judged"
        value: float | None = getattr(model.cells, name)
        return value, model.cells.undefined.get(name, "the document does not say why")

    return read


ACCURACY = Measure("accuracy", "Accuracy (%)", (2, 3), _accuracy)
WRONG = Measure("wrong", "FN + FP", (0, 2), _wrong)
ERROR_RATE = Measure("error_rate", "Error rate (%)", (2, 3), _of_cells("error_rate"))
DIGITS = (ACCURACY, WRONG)
PRINTED = ("accuracy", "error_rate")  # the paper's text has means of these
CELLS = (  # in an error rate of counts, false cells cancel missed ones, so it does not lead
    Measure("f1", "F1", (3, 4), _of_cells("f1")),
    Measure("dice", "Dice", (3, 4), _of_cells("dice")),
    ERROR_RATE,
    Measure("precision", "Precision", (3, 4), _of_cells("precision")),
    Measure("recall", "Recall", (3, 4), _of_cells("recall")),
)
_OF_KIND = {"digits": DIGITS, "cells": CELLS}  # what is judged -> its measures, the main one first


def of_study(result: StudyResult) -> tuple[Measure, ...]:
    """Return the measures by which a study's models are judged, the main one first; none if nothing was judged."""
    return _OF_KIND.get(phrases.kind(result)) or tuple(map(_scored, result.measures))


def main(result: StudyResult) -> tuple[Measure, ...]:
    """Return the measures that stand in a line about a setup, the main one first: of cells three, otherwise one."""
    return of_study(result)[: 3 if phrases.kind(result) == "cells" else 1]


def _scored(one: ScoredMeasure) -> Measure:
    def read(model: TrainedModel) -> tuple[float | None, str]:
        if model.scores is None:
            return None, "not judged"
        return model.scores.get(one.name), "undefined for these predictions"

    return Measure(one.name, one.head, one.digits, read)


def columns(measures: Sequence[Measure]) -> tuple[Column, ...]:
    """Setup and model, two columns for each measure (the paper's, and this study's), and the group of equal weights."""
    pairs = [pair for one in measures for pair in (numbers(one.head, of="paper"), numbers(one.head, of="ours"))]
    return (Column("Setup"), Column("Model"), *(column for pair in pairs for column in pair), Column("Bits"))


def is_of_models(table: Table) -> bool:
    """Return whether a table has a row for each model."""
    return [column.name for column in table.columns[:2]] == ["Setup", "Model"]


def means(table: Table) -> Table:
    """Return a table of models without the rows of single models, and without its title and notes."""
    rows = tuple(row for row in table.rows if not shown(row[1]).isdigit())
    return replace(table, id=f"{table.id} means", title="", rows=rows, notes=())


def rows(study: str, setup: SetupResult, measures: Sequence[Measure]) -> list[Row]:
    """Return a row for each model, a row with the means of the paper's rows, and a row of means.

    The paper's rows stay if there are fewer trials. A setup without a model has only the paper's values.
    """
    quoted = paper.quotation(study, setup.id)
    theirs = [row.values for row in quoted.rows] if quoted else []
    ours = {model.trial: model for model in setup.models}
    places = sorted({*ours, *range(1, len(theirs) + 1)})
    return [
        *(
            _of_model(setup, n, ours.get(n), theirs[n - 1] if n <= len(theirs) else {}, measures)
            for n in places
        ),
        *([_of_their_rows(setup, theirs, measures)] if theirs else []),
        _of_means(setup, quoted, measures),
    ]  # fmt: skip


def _of_model(
    setup: SetupResult, number: int, model: TrainedModel | None, their: dict[str, Decimal], measures: Sequence[Measure]
) -> Row:
    pairs = [(_theirs(their, one), _ours(model, one)) for one in measures]
    bits: Cell = phrases.letter(setup, model) if model else EMPTY
    return (setup.id, str(number), *(cell for pair in pairs for cell in pair), bits)


def _theirs(their: dict[str, Decimal], one: Measure) -> Cell:
    return Number(their[one.name]) if one.name in their else EMPTY


def _ours(model: TrainedModel | None, one: Measure) -> Cell:
    if model is None:
        return MissingValue("not run")
    value, why = one.of(model)
    return measured(value, one.digits[0], why)


def _of_their_rows(setup: SetupResult, theirs: list[dict[str, Decimal]], measures: Sequence[Measure]) -> Row:
    """Return what the paper does not print, computed from what it prints."""
    pairs = [(_mean([row[one.name] for row in theirs], one), EMPTY) for one in measures]
    return (setup.id, "mean of the paper's rows", *(cell for pair in pairs for cell in pair), EMPTY)


def _of_means(setup: SetupResult, quoted: Quotation | None, measures: Sequence[Measure]) -> Row:
    """Return the paper's means as printed, and those of this study."""
    text = quoted.text if quoted else None
    printed: Cell = Spread(text.mean, text.deviation) if text else EMPTY
    pairs = [(printed if one.name in PRINTED else EMPTY, _our_mean(setup, one)) for one in measures]
    bits = phrases.models(setup) if setup.models else EMPTY
    return (setup.id, "mean", *(cell for pair in pairs for cell in pair), bits)


def _our_mean(setup: SetupResult, one: Measure) -> Cell:
    return _mean(one.values(setup), one, "undefined") if setup.models else MissingValue("not run")


def _mean(values: Sequence[float | Decimal], one: Measure, otherwise: str = "") -> Cell:
    """Return the mean and sample standard deviation. A mean of whole numbers has one digit more."""
    if not values:
        return MissingValue(otherwise, "in every trial") if otherwise else EMPTY
    cell = spread(values, (one.digits[0] or 1, one.digits[1]))
    return cell if isinstance(cell, Spread) else EMPTY


def baseline_row(one: Baseline, measures: Sequence[Measure]) -> Row:
    """Return the measures of predictions that no training made: a row for a table of models."""
    pairs = [(EMPTY, _of_baseline(one, measure)) for measure in measures]
    return (one.name, EMPTY, *(cell for pair in pairs for cell in pair), EMPTY)


def _of_baseline(one: Baseline, measure: Measure) -> Cell:
    if one.cells is None:
        return measured((one.scores or {}).get(measure.name), measure.digits[0])
    return measured(getattr(one.cells, measure.name), measure.digits[0], one.cells.undefined.get(measure.name, ""))


def baseline_notes(baselines: Sequence[Baseline]) -> list[str]:
    """Return what each of them is, as sentences."""
    return [f"{one.name[:1].upper()}{one.name[1:]}: {one.about}." for one in baselines]


def left_out(setup: SetupResult, measures: Sequence[Measure]) -> list[str]:
    """Return the sentences on the trials that a mean leaves out because the measure is undefined for them."""
    said = []
    for one in measures:
        missing = [model.trial for model in setup.models if one.of(model)[0] is None]
        if missing and len(missing) < len(setup.models):
            what = f"{words.count(len(missing), 'undefined value')} ({words.trials(missing)})"
            said.append(f"{setup.id}: the mean of {one.head} leaves out {what}.")
    return said
