"""The Dice coefficient both ways: as the mean over fields, and once over the pixels of all fields together."""

from __future__ import annotations

from samebits import words
from samebits.reports.table import EMPTY, Cell, Column, Missing, Table, numbers
from samebits_study.reports import phrases, spread
from samebits_study.results import Cells, SetupResult, StudyResult


def table(result: StudyResult) -> Table:
    """A row for each setup that counted cells; none where an older document does not have the numbers."""
    return Table(
        id="dice",
        title="Dice coefficient: the mean over the test fields, and once over the pixels of all of them.",
        columns=(
            *(Column("Setup"), *numbers("Mean over fields", "Over all pixels", of="ours")),
            *(Column("Fields"), Column("Left out of the mean", wide=True)),
        ),
        rows=tuple(_row(setup, judged) for setup in phrases.done(result) if (judged := _judged(setup))),
        notes=(
            "Mean and sample standard deviation over trials. Left out of the mean: fields in which neither the true "
            "nor the predicted mask has a cell, so that their Dice is undefined. Where one mask only has none it is 0, "
            "and counts.",
        ),
    )


def _judged(setup: SetupResult) -> dict[int, Cells]:
    """What the models of a setup are worth, by trial."""
    return {model.trial: model.cells for model in setup.models if model.cells and model.cells.fields is not None}


def _row(setup: SetupResult, judged: dict[int, Cells]) -> tuple[Cell, ...]:
    means = [cells.dice for cells in judged.values()]
    pixels = [cells.dice_of_all_pixels for cells in judged.values()]
    fields = sorted({str(cells.fields) for cells in judged.values()})
    return setup.id, _over_trials(means), _over_trials(pixels), ", ".join(fields), _left_out(judged)


def _over_trials(values: list[float | None]) -> Cell:
    found = [value for value in values if value is not None]
    return spread.spread(found, (3, 4)) if found else Missing("undefined", "in every trial")


def _left_out(judged: dict[int, Cells]) -> Cell:
    """The fields that are left out, by name, each with the trials in which it is."""
    trials: dict[str, list[int]] = {}
    for trial, cells in judged.items():
        for name in cells.without_dice:
            trials.setdefault(name, []).append(trial)
    said = [f"{name} ({_in(found, len(judged))})" for name, found in trials.items()]
    return "; ".join(said) or EMPTY


def _in(trials: list[int], of: int) -> str:
    return "in every trial" if len(trials) == of else f"trials {words.ids(trials)}"
