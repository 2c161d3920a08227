"""Tables that are not in the paper: how many models, where trials diverge, what controls did, weights tested again."""

from __future__ import annotations

from collections.abc import Sequence

from samebits import words
from samebits.model import Divergence
from samebits.reports.table import EMPTY, YES_NO, Cell, Column, MissingValue, Number, Table, measured, numbers
from samebits_study.reports import costs, measures, paper, paper_tables, phrases
from samebits_study.results import Cells, Digits, Initial, SetupResult, StudyResult, WeightDistance

Row = tuple[Cell, ...]


def tables(result: StudyResult) -> list[Table]:
    """Return the tables that have a row, and always those of the setups and their models."""
    optional = (
        scores, classes, confusion, dice, divergences, distances, initial, costs.flags, costs.watching, retests,
        controls, missing,
    )  # fmt: skip
    return [setups(result), models(result), *(made for make in optional if (made := make(result)).rows)]


def setups(result: StudyResult) -> Table:
    """Return a row for each setup: what it is, and what was run."""
    return Table(
        id="setups",
        title="The setups, their status and their commands.",
        columns=(Column("Setup"), Column("What it is", wide=True), Column("Status"), Column("Trials"),
                 Column("Library"), Column("Command", wide=True)),
        rows=tuple((s.id, s.about, s.status, phrases.trials(s, result), s.library, phrases.command(s.command))
                   for s in result.setups),
        notes=("Commands name files without their folders; {out} is a trial's own folder.",),
    )  # fmt: skip


def models(result: StudyResult) -> Table:
    """Return how many different models the trials of each setup gave, and what the paper says about its setups."""
    return Table(
        id="models",
        title="How many different models the trials of one setup gave.",
        columns=(
            *(Column("Setup"), *numbers("Trials"), *numbers("Different models", of="ours"), Column("Groups")),
            *(*numbers("Different predictions", of="ours"), *numbers("Different rows", of="paper")),
            *(Column("Repeats", of="paper"), Column("Repeats", of="ours")),
        ),
        rows=tuple(_models(result.study, setup) for setup in phrases.done(result)),
        notes=(
            "Different models: how many different models the trials gave, by the bits of the trained weights. Groups: "
            "trials with the same weights. Different predictions: how many different predictions on the test data they "
            "gave, by bits.",
            *_of_paper(
                result,
                "Different rows: how many different rows the paper's table has. The paper had at least as many models.",
            ),
            "Repeats, ours: whether all trials agree at every point that was observed. If one process trained all "
            "models, only their weights are compared. No number of agreeing trials proves that the next one agrees.",
        ),
    )


def _of_paper(result: StudyResult, note: str) -> tuple[str, ...]:
    """Return the note on the paper, if the study is one of the paper's."""
    return (note,) if paper.quotations(result.study) else ()


def _models(study: str, setup: SetupResult) -> Row:
    quoted = paper.quotation(study, setup.id)
    return (
        setup.id,
        Number(len(setup.models)),
        Number(len(setup.groups)),
        phrases.groups(setup),
        Number(len({model.predictions for model in setup.models})),
        Number(quoted.different) if quoted else EMPTY,
        f"{YES_NO[quoted.repeats]} ({quoted.claim})" if quoted else EMPTY,
        {"=": "yes", "!=": "no", "?": "no answer"}[phrases.sign(setup)],
    )


def scores(result: StudyResult) -> Table:
    """Return the measures of the study's own script, model by model; no rows if the study has no such script."""
    own = measures.of_study(result) if phrases.kind(result) == "scores" else ()
    done = phrases.done(result) if own else []
    left_out = (said for setup in done for said in measures.left_out(setup, own))
    return Table(
        id="scores",
        title="How good the predictions on the test data are, model by model.",
        columns=measures.columns(own),
        rows=(
            *(row for setup in done for row in measures.rows(result.study, setup, own)),
            *(measures.baseline_row(one, own) for one in result.baselines if done),
        ),
        notes=(paper_tables.LETTERS, paper_tables.SAMPLE, *measures.baseline_notes(result.baselines), *left_out),
    )


def classes(result: StudyResult) -> Table:
    """Return the right digits of each class.

    The paper saw "noticeable variations" there (section IX), but shows none.
    """
    found = [(s.id, trials, d) for s in phrases.done(result) for trials, d in _judged(s)]
    return Table(
        id="classes",
        title="How many test cases of each class were classified correctly, for each different outcome.",
        columns=(Column("Setup"), Column("Trials"), *numbers(*_class_names(result))),
        rows=tuple((i, trials, *(Number(row[k]) for k, row in enumerate(d.confusion))) for i, trials, d in found),
        notes=("These are the diagonals of the confusion matrices. The paper mentions that they vary (section IX), "
               "and gives no numbers.", *_undecided(result)),
    )  # fmt: skip


def confusion(result: StudyResult) -> Table:
    """Return the table of every different confusion matrix."""
    rows: list[Row] = []
    for setup in phrases.done(result):
        for trials, judged in _judged(setup):
            rows += [(setup.id, trials, str(k), *map(Number, row)) for k, row in enumerate(judged.confusion)]
    return Table(
        id="confusion",
        title="Confusion matrices: true classes in rows, predicted ones in columns, for each different outcome.",
        columns=(Column("Setup"), Column("Trials"), Column("True class"), *numbers(*_class_names(result))),
        rows=tuple(rows),
        notes=_undecided(result),
    )


def _undecided(result: StudyResult) -> tuple[str, ...]:
    """Return a note for each outcome that has predictions without a class."""
    return tuple(
        f"{setup.id}, {_numbered(trials)}: {words.count(judged.undecided, 'prediction')} with NaN: no class, so "
        f"{words.agree(judged.undecided, 'it counts', 'they count')} as wrong."
        for setup in phrases.done(result)
        for trials, judged in _judged(setup)
        if judged.undecided
    )


def _class_names(result: StudyResult) -> list[str]:
    sizes = [len(m.digits.confusion) for s in result.setups for m in s.models if m.digits]
    return [str(number) for number in range(max(sizes, default=0))]


def _judged(setup: SetupResult) -> list[tuple[str, Digits]]:
    """Return each different outcome and its trials. Models that differ in bits may agree in every digit."""
    found: dict[str, tuple[list[int], Digits]] = {}
    for model in setup.models:
        if model.digits:
            found.setdefault(str(model.digits.confusion), ([], model.digits))[0].append(model.trial)
    return [(words.ids(trials), judged) for trials, judged in found.values()]


def divergences(result: StudyResult) -> Table:
    """Return where trials diverge: the first point at which a trial leaves the largest group."""
    return Table(
        id="divergences",
        title="Where the trials of a setup diverge.",
        columns=(Column("Setup"), Column("Step"), Column("Kind"), Column("Name"), Column("Trials that diverge"),
                 Column("What differs", wide=True)),
        rows=tuple(_divergence(setup.id, setup.divergence) for setup in result.setups if setup.divergence),
        notes=("Steps are counted from 0. Each row names the first point that differs, in the order of execution.",),
    )  # fmt: skip


def _divergence(setup: str, found: Divergence) -> Row:
    step = "before the first" if found.step < 0 else f"{found.step:,}"
    more = f"; {len(found.details):,} more in this step" if found.details else ""
    return setup, step, found.kind, found.name, words.ids(found.trials), found.detail + more


def distances(result: StudyResult) -> Table:
    """Return how far apart the weights of trials are after each kept epoch."""
    epochs = sorted({epoch for setup in result.setups for one in setup.distances for epoch in one.epochs})
    return Table(
        id="distances",
        title="How far the weights of different models are apart, by epoch.",
        columns=(Column("Setup"), Column("Trial"), *numbers(*(f"epoch {epoch}" for epoch in epochs))),
        rows=tuple(_distances(setup.id, one, epochs) for setup in result.setups for one in setup.distances),
        notes=("The norm of w - w0, divided by the norm of w0. w0: all weights of the first trial of the largest "
               "group; w: those of one trial of each other group. Epoch 0: the initial weights.",),
    )  # fmt: skip


def _distances(setup: str, one: WeightDistance, epochs: Sequence[int]) -> Row:
    known = dict(zip(one.epochs, one.relative, strict=True))
    why = "the weights are not all finite"
    return setup, str(one.trial), *(measured(known[n], None, why) if n in known else EMPTY for n in epochs)


def initial(result: StudyResult) -> Table:
    """Return a table that says from which of the paper's two equations the initial weights were drawn."""
    rows = [
        (s.id, one.name, " x ".join(map(str, one.shape)), Number(one.equation_1, 6), Number(one.equation_2, 6),
         measured(one.largest, 6), _drawn_from(one))
        for s in result.setups for one in s.initial
    ]  # fmt: skip
    return Table(
        id="initial",
        title="Initial weights: drawn from the paper's Equation 1 or 2?",
        columns=(*(Column(name) for name in ("Setup", "Kernel", "Shape")),
                 *numbers("Limit of Equation 1", "Limit of Equation 2"), *numbers("Largest weight", of="ours"),
                 Column("Drawn from")),
        rows=tuple(rows),
        notes=(
            "The weights are those of the first trial. A weight above the limit of Equation 1 excludes Equation 1. "
            "Under Equation 2 each weight lies within it with a probability of 0.71. So if a kernel has enough "
            "weights, and all lie within it, that excludes Equation 2: by chance, less than once in a million.",
        ),
    )  # fmt: skip


def _drawn_from(one: Initial) -> str:
    if one.equation:
        return f"Equation {one.equation}"
    if one.largest > one.equation_2:
        return "neither: a weight lies beyond both limits"
    return "not known: all weights lie within the limit of Equation 1, but they are too few to exclude Equation 2"


def retests(result: StudyResult) -> Table:
    """Return the table of saved weights that were tested again."""
    return Table(
        id="retests",
        title="Saved weights tested again: do the predictions have the same bits?",
        columns=(Column("Setup"), Column("What is changed"), Column("Trial"), Column("Same bits"),
                 Column("Same decisions"),
                 *numbers("Largest difference", of="ours"), Column("Why not", wide=True)),
        rows=tuple((s.id, r.factor, str(r.trial), YES_NO[r.same] if r.same is not None else "not run",
                    EMPTY if r.same_decisions is None else YES_NO[r.same_decisions],
                    EMPTY if r.largest is None else measured(r.largest, None), r.detail)
                   for s in result.setups for r in s.retests),
        notes=(
            "Same decisions: the same digits, or the same pixels above one half, even if the bits of the probabilities "
            "differ.",
            *_of_paper(result, "The paper tested its models on a second graphics processor and found the same results "
                               "(section IX)."),
        ),
    )  # fmt: skip


def controls(result: StudyResult) -> Table:
    """Return what was held, and whether it took effect."""
    return Table(
        id="controls",
        title="What was held in each setup, and whether it took effect.",
        columns=(Column("Setup"), Column("Control"), Column("Took effect"), Column("How that was seen", wide=True)),
        rows=tuple((s.id, c.id, YES_NO[phrases.took_effect(c)], c.why) for s in result.setups for c in s.controls),
        notes=("samebits read the controls back while the trials ran, at the first and the last step.",),
    )


def missing(result: StudyResult) -> Table:
    """Return what was not run, and how to get it."""
    return Table(
        id="missing",
        title="Setups that are not complete, and why.",
        columns=(Column("Setup"), Column("Status"), Column("Trials"), Column("Why", wide=True)),
        rows=tuple((s.id, s.status, phrases.trials(s, result), s.reason or "fewer trials than were asked for")
                   for s in result.setups if s.status != "done"),
    )  # fmt: skip


def dice(result: StudyResult) -> Table:
    """Return the Dice coefficient, computed in two ways, of each setup that counted cells.

    The table is empty if an older document lacks the numbers.
    """
    return Table(
        id="dice",
        title="Dice coefficient: the mean over the test fields, and once over the pixels of all of them.",
        columns=(
            *(Column("Setup"), *numbers("Mean over fields", "Over all pixels", of="ours")),
            *(Column("Fields"), Column("Left out of the mean", wide=True)),
        ),
        rows=(
            *(_dice_row(setup.id, judged) for setup in phrases.done(result) if (judged := _judged_cells(setup))),
            *(_dice_row(one.name, {0: one.cells}) for one in result.baselines if one.cells),
        ),
        notes=(
            "Mean and sample standard deviation over trials. If neither the true nor the predicted mask of a field "
            "has a cell, its Dice is undefined, and the mean leaves it out. If only one of them has none, its Dice is "
            "0 and counts.",
        ),
    )


def _judged_cells(setup: SetupResult) -> dict[int, Cells]:
    """Return the measures of a setup's models, by trial."""
    return {model.trial: model.cells for model in setup.models if model.cells and model.cells.fields is not None}


def _dice_row(name: str, judged: dict[int, Cells]) -> Row:
    means = [cells.dice for cells in judged.values()]
    pixels = [cells.dice_of_all_pixels for cells in judged.values()]
    fields = sorted({str(cells.fields) for cells in judged.values()})
    return name, _over_trials(means), _over_trials(pixels), ", ".join(fields), _left_out(judged)


def _over_trials(values: list[float | None]) -> Cell:
    found = [value for value in values if value is not None]
    return measures.spread(found, (3, 4)) if found else MissingValue("undefined", "in every trial")


def _left_out(judged: dict[int, Cells]) -> Cell:
    """Return the fields that are left out, by name, each with the trials that leave it out."""
    trials: dict[str, list[int]] = {}
    for trial, cells in judged.items():
        for name in cells.without_dice:
            trials.setdefault(name, []).append(trial)
    said = [f"{name} ({_in(found, len(judged))})" for name, found in trials.items()]
    return "; ".join(said) or EMPTY


def _in(trials: list[int], of: int) -> str:
    return "in every trial" if len(trials) == of else _numbered(words.ids(trials))


def _numbered(trials: str) -> str:
    """Return a text such as `trial 3` or `trials 1-3,5`."""
    return f"trial {trials}" if trials.isdecimal() else f"trials {trials}"
