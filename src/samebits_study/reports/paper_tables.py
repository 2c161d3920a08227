"""The tables of the paper, by its numbers: its values beside ours."""

from __future__ import annotations

from functools import partial

from samebits.reports.table import EMPTY, Cell, Column, MissingValue, Number, Spread, Table, numbers
from samebits_study.catalog import SETUPS
from samebits_study.reports import measures, paper, phrases
from samebits_study.reports.paper import PaperValue
from samebits_study.results import SetupResult, StudyResult

SAMPLE = "Ours: mean and sample standard deviation over trials."
ROWS = (
    "Means and sample standard deviations. If the paper prints a mean, the last row shows it beside ours. The row "
    "above it has the mean of the paper's rows, computed here."
)
ORDER = "Trials are numbered as they ran: trial 3 here does not belong to model 3 of the paper."
NOT_RUN = MissingValue("not run")
LETTERS = "Bits: within a setup, models with the same letter have the same weights, bit for bit."
TOUCHING = {  # whether touching cells were split
    True: "Ours: touching cells were split before they were counted, as in the authors' code.",
    False: "Ours: predicted cells that touch are one cell: the paper mentions no split; --watershed splits them.",
}
COUNTS_ONCE = (
    "FN + FP is the number of wrong answers. Each is a false negative of one class and a false positive of a different "
    "class, and counts once."
)
# stands for the paper's numbers in a study that the paper does not have
WORDS = {
    "2": "times", "3": "counting-tf1.14", "4": "counting-tf2.1", "5": "counting", "6": "times", "7": "accuracy",
}  # fmt: skip


def tables(result: StudyResult) -> list[Table]:
    """Return the tables for the study's kind: Tables 1, 6 and 7 for digits, Tables 1 to 5 for cells."""
    makers = {
        "digits": (partial(times, number="6"), digits),
        "cells": (partial(times, number="2"), *(partial(cells, number=number) for number in _ABOUT)),
        "scores": (partial(times, number="6"),),
    }
    return [terminology(), *(make(result) for make in makers.get(phrases.kind(result), ()))]


def terminology() -> Table:
    """Return Table 1: what has to be the same for each of the paper's three terms, and what samebits tests."""
    return Table(
        id="1",
        title="Terms, as the paper uses them, and the words of this project.",
        columns=(Column("Term"), Column("Team"), Column("Location"), Column("Setup"), Column("Here", wide=True)),
        rows=(
            ("Repeatability", "same", "same", "same", "what is tested: do trials of one setup end in the same bits?"),
            ("Replicability", "different", "any", "same", "not tested by a study"),
            ("Reproducibility", "different", "different", "different", "not tested by a study"),
        ),
        notes=(
            "In 2020 the ACM swapped the meanings of the last two words. So this project uses only the word "
            "repeatability. It calls a comparison of libraries or releases a comparison across setups.",
        ),
    )


def times(result: StudyResult, number: str) -> Table:
    """Return the tables 2 and 6: training and testing time.

    The times of this study are left out if trials ran on different machines.
    """
    setups = _with_the_papers(result)
    found = measures.machines(setups)
    refused = measures.refusal(found, busy=result.busy)
    cost = "; Table watching shows what that costs" if any(setup.plain for setup in setups) else ""
    return Table(
        id=number,
        title="Training and testing time: mean and standard deviation over trials.",
        columns=(
            Column("Setup"),
            *numbers("Trials"),
            *numbers("Training (s)", of="paper"),
            *numbers("Training (s)", of="ours"),
            *numbers("Testing (s)", of="paper"),
            *numbers("Testing (s)", of="ours"),
        ),
        rows=tuple(_times(result.study, setup, refused) for setup in setups),
        notes=(
            *(
                [refused]
                if refused
                else [f"Ours: measured on {machine or 'a machine that is not known'}." for machine in found]
            ),
            *([f"The paper's: measured on {paper.HARDWARE}."] if paper.quotations(result.study) else []),
            *([] if refused else [f"{SAMPLE} samebits ran the trainings one at a time, and watched them{cost}."]),
        ),
    )


def _times(study: str, setup: SetupResult, refused: str) -> tuple[Cell, ...]:
    quoted = paper.quotation(study, setup.id)
    trained, tested = [m.train_seconds for m in setup.models], [m.test_seconds for m in setup.models]
    return (
        setup.id,
        Number(len(setup.models)) if setup.models else NOT_RUN,
        _quoted(quoted.training if quoted else None),
        _time(trained, refused, (2, 2)),
        _quoted(quoted.testing if quoted else None),
        _time(tested, refused, (3, 3)),
    )


def _time(seconds: list[float], refused: str, digits: tuple[int, int]) -> Cell:
    if not seconds:
        return NOT_RUN
    return MissingValue("not shown") if refused else measures.spread(seconds, digits)


def _with_the_papers(result: StudyResult) -> list[SetupResult]:
    """Return the setups that gave a model.

    For each column of the paper without such a setup, also the setup that would belong to it. So the paper's values
    stay, beside "not run".
    """
    done = phrases.done(result)
    answered = {paper.ANSWERS[setup.id] for setup in done if setup.id in paper.ANSWERS}
    named = {column: setup for setup, column in reversed(paper.ANSWERS.items())}
    empty = [
        SetupResult(id=named[column], about="", status="skipped")
        for column in paper.STUDIES.get(result.study, {})
        if column not in answered
    ]
    order = list(SETUPS)
    return sorted([*done, *empty], key=lambda setup: order.index(setup.id) if setup.id in order else len(order))


def _quoted(quoted: PaperValue | None) -> Cell:
    return Spread(quoted.mean, quoted.deviation) if quoted else EMPTY


def digits(result: StudyResult) -> Table:
    """Return Table 7: accuracy and wrong digits of every model."""
    setups = _with_the_papers(result)
    theirs = " (FN + FP in the paper)" if paper.quotations(result.study) else ""
    return Table(
        id="7",
        title=f"Accuracy on the test data, and how many are wrong{theirs}, model by model.",
        columns=measures.columns(measures.DIGITS),
        rows=tuple(row for setup in setups for row in measures.rows(result.study, setup, measures.DIGITS)),
        notes=(
            *(*_letters(setups), COUNTS_ONCE, *_about_rows(result, setups)),
            *(said for quoted in paper.quotations(result.study) for said in paper.of_itself(quoted, "accuracy")),
        ),
    )


_ABOUT = {"3": "Keras on TensorFlow 1.14", "4": "Keras on TensorFlow 2.1", "5": "PyTorch 1.3, and today's releases"}


def _table_of(setup: SetupResult) -> str:
    """Return the number of the table to which a setup belongs."""
    return "3" if setup.id.startswith("keras-tf1.14") else "4" if setup.id.startswith("keras-tf2.1") else "5"


def cells(result: StudyResult, number: str) -> Table:
    """Return the tables 3 to 5: error rate, Dice, precision, recall and F1 of every model of the table's library."""
    setups = [setup for setup in _with_the_papers(result) if _table_of(setup) == number]
    quoted = [found for found in paper.quotations(result.study) if found.place == f"Table {number}"]
    baselines = result.baselines if number == "3" else result.baselines[:1]  # methods without a network stand once
    return Table(
        id=number,
        title=f"Segmentation and counting, model by model: {_ABOUT[number]}.",
        columns=measures.columns(measures.CELLS),
        rows=(
            *(row for setup in setups for row in measures.rows(result.study, setup, measures.CELLS)),
            *(measures.baseline_row(one, measures.CELLS) for one in baselines),
        ),
        notes=(
            *(*_letters(setups), *_about_rows(result, setups), TOUCHING[result.watershed is not False]),
            *measures.baseline_notes(baselines),
            *(said for setup in setups for said in measures.left_out(setup, measures.CELLS)),
            *(said for one in quoted for said in paper.of_itself(one, "error_rate")),
            *(paper.of_cells(paper.quotations(result.study)) if number == "3" else ()),
        ),
    )


def _letters(setups: list[SetupResult]) -> tuple[str, ...]:
    return (LETTERS,) if any(setup.models for setup in setups) else ()


def _about_rows(result: StudyResult, setups: list[SetupResult]) -> tuple[str, ...]:
    if not paper.quotations(result.study):
        return (SAMPLE,)
    return (ORDER, ROWS) if any(setup.models for setup in setups) else (ROWS,)
