"""The measures of a model, their means and deviations over trials, and how a table shows them beside the paper's."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from samebits import words
from samebits.reports.table import EMPTY, Cell, Column, MissingValue, Number, Spread, Table, measured, numbers, shown
from samebits_study.reports import paper, phrases
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
    low, first, median, third, high = np.quantile([float(value) for value in values], (0, 0.25, 0.5, 0.75, 1)).tolist()
    return low, first, median, third, high


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
Reading = Callable[[TrainedModel | Baseline], tuple[float | None, str]]


@dataclass(frozen=True)
class Measure:
    """`name`: as in the paper's rows and the documents.

    `digits`: how many after the point, of a value and of a deviation. `read`: gives its value for a model, or for
    predictions that no training made, in the unit of `head`, or the reason if there is none.
    """

    name: str
    head: str
    digits: tuple[int, int]
    read: Reading

    def of(self, model: TrainedModel | Baseline) -> tuple[float | None, str]:
        """Return a finite value; or None, and the reason."""
        value, why = self.read(model)
        return (value, why) if value is None or math.isfinite(value) else (None, f"it is {value}")

    def values(self, setup: SetupResult) -> list[float]:
        """Return the values that are defined, in the order of the trials."""
        found = [self.of(model)[0] for model in setup.models]
        return [value for value in found if value is not None]


def _of_digits(name: str, unit: float = 1) -> Reading:
    def read(model: TrainedModel | Baseline) -> tuple[float | None, str]:
        digits = getattr(model, "digits", None)
        return (unit * getattr(digits, name), "") if digits else (None, "not judged")

    return read


def _of_cells(name: str) -> Reading:
    def read(model: TrainedModel | Baseline) -> tuple[float | None, str]:
        if model.cells is None:
            return None, "not judged"
        value: float | None = getattr(model.cells, name)
        return value, model.cells.undefined.get(name, "the document does not say why")

    return read


ACCURACY = Measure("accuracy", "Accuracy (%)", (2, 3), _of_digits("accuracy", unit=100))
WRONG = Measure("wrong", "FN + FP", (0, 2), _of_digits("wrong"))
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
    def read(model: TrainedModel | Baseline) -> tuple[float | None, str]:
        if model.scores is None:
            return None, "not judged"
        return model.scores.get(one.name), "the script gives none"

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
    theirs = quoted.rows if quoted else ()
    ours = {model.trial: model for model in setup.models}
    found = []
    for number in sorted({*ours, *range(1, len(theirs) + 1)}):
        their, model = theirs[number - 1] if number <= len(theirs) else {}, ours.get(number)
        pairs = ((Number(their[one.name]) if one.name in their else EMPTY, _ours(model, one)) for one in measures)
        found.append(_row(setup.id, str(number), pairs, phrases.letter(setup, model) if model else EMPTY))
    if theirs:  # what the paper does not print, computed from what it prints
        means = ((_mean([row[one.name] for row in theirs], one), EMPTY) for one in measures)
        found.append(_row(setup.id, "mean of the paper's rows", means))
    text = quoted.text if quoted else None
    printed: Cell = Spread(text.mean, text.deviation) if text else EMPTY
    both = ((printed if one.name in PRINTED else EMPTY, _our_mean(setup, one)) for one in measures)
    return [*found, _row(setup.id, "mean", both, phrases.models(setup) if setup.models else EMPTY)]


def _row(name: str, model: str, pairs: Iterable[tuple[Cell, Cell]], bits: Cell = EMPTY) -> Row:
    """Return a row for a table of models. `pairs`: the paper's value and this study's, for each measure."""
    return (name, model, *(cell for pair in pairs for cell in pair), bits)


def _ours(model: TrainedModel | Baseline | None, one: Measure) -> Cell:
    if model is None:
        return MissingValue("not run")
    value, why = one.of(model)
    return measured(value, one.digits[0], why)


def _our_mean(setup: SetupResult, one: Measure) -> Cell:
    if not setup.models:
        return MissingValue("not run")
    values = one.values(setup)
    return _mean(values, one) if values else MissingValue("undefined", "in every trial")


def _mean(values: Sequence[Value], one: Measure) -> Cell:
    """Return the mean and sample standard deviation. A mean of whole numbers has one digit more."""
    return spread(values, (one.digits[0] or 1, one.digits[1]))


def baseline_row(one: Baseline, measures: Sequence[Measure]) -> Row:
    """Return the measures of predictions that no training made: a row for a table of models."""
    return _row(one.name, EMPTY, [(EMPTY, _ours(one, measure)) for measure in measures])


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
