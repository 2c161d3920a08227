"""What a study of several seeds shows: what seeds add, and what trials of one seed add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samebits import words
from samebits.reports.table import Cell, Column, Number, Table, numbers, shown
from samebits_study.reports import measures, phrases
from samebits_study.reports.components import CONFIDENCE, Component, Components, components, values
from samebits_study.reports.figures import DrawnInterval, Figure, Intervals
from samebits_study.reports.measures import Measure
from samebits_study.results import StudyResult
from samebits_study.seeds import SeedsDeviation, SeedsMeasure

_READ = (
    "Mark: standard deviation. Line: its 95 % interval. Blue: what a different seed adds. Orange: what a further trial "
    "of the same seed adds; it is 0 if the trials of each seed gave the same value."
)
_MODEL = (
    "Seeds, trials: the standard deviation between seeds, and between trials of one seed, with its 95 % interval: a "
    "one-way model with random seeds (Williams, Biometrika 49, 1962). They assume normal values."
)


def title(results: Sequence[StudyResult]) -> str:
    """Return the heading of the page."""
    seeds, trials = words.count(len(results), "seed"), words.count(results[0].trials, "trial")
    return f"{phrases.title(results[0])}: what do {seeds} add, and what do {trials} of each add?"


def says(results: Sequence[StudyResult]) -> list[str]:
    """Return the study in sentences."""
    first = results[0]
    seeds = words.count(len(results), "seed")
    machines = ", ".join(measures.machines(setup for result in results for setup in result.setups)) or "no machine"
    trials = words.count(first.trials, "trial")
    said = f"{first.study} at the scale {first.scale}: {seeds}, {trials} of each, on {machines}."
    if len({result.data.get("digest") for result in results}) > 1:
        said += " The seeds trained on different data."
    lines = [line for measure in measures.main(first)[:1] for line in _conclusions(results, measure)]
    return [said, *"\n".join(lines).replace(" (", " (95 % interval ", 1).splitlines()]  # the first says it for all


def _conclusions(results: Sequence[StudyResult], measure: Measure) -> list[str]:
    name = measure.head.split(" (")[0]
    return [
        f"{setup}: {name} {shown(Number(parts.mean, measure.digits[0]))}; standard deviation between seeds "
        f"{_said(parts.of_seeds, measure)}, between trials of one seed {_said(parts.of_trials, measure)}."
        for setup, parts in _by_setup(results, measure).items()
    ]


def _said(part: Component, measure: Measure) -> str:
    deviation, low, high = (shown(Number(value, measure.digits[1])) for value in part)
    return f"{deviation} ({low} to {high})" if part.high else "0"


def _by_setup(results: Sequence[StudyResult], measure: Measure) -> Mapping[str, Components]:
    known = values(results, measure)
    return {name: components(seeds) for name, seeds in known.items() if len(seeds) > 1 and len(seeds[0]) > 1}


def measured(results: Sequence[StudyResult]) -> list[SeedsMeasure]:
    """Return the numbers of all tables, for a document."""
    return [
        SeedsMeasure(
            setup=setup,
            measure=measure.name,
            mean=parts.mean,
            of_seeds=SeedsDeviation(**parts.of_seeds._asdict()),
            of_trials=SeedsDeviation(**parts.of_trials._asdict()),
        )
        for measure in measures.of_study(results[0])
        for setup, parts in _by_setup(results, measure).items()
    ]


def tables(results: Sequence[StudyResult]) -> list[Table]:
    """Return a table for each measure of the study."""
    return [_table(results, measure) for measure in measures.of_study(results[0])]


def _table(results: Sequence[StudyResult], measure: Measure) -> Table:
    by_setup, models = _by_setup(results, measure), dict[str, set[str]]()
    for setup in (setup for result in results for setup in result.setups):
        models.setdefault(setup.id, set()).update(model.weights for model in setup.models)
    columns = (
        Column("Setup"), *numbers("Different models"), *numbers("Mean"), *numbers("Seeds"), Column("Seeds, interval"),
        *numbers("Trials"), Column("Trials, interval"),
    )  # fmt: skip
    rows = tuple(
        (name, Number(len(models[name])), Number(parts.mean, measure.digits[0]),
         *_cells(parts.of_seeds, measure), *_cells(parts.of_trials, measure))
        for name, parts in by_setup.items()
    )  # fmt: skip
    bounds = [_bound(results)] if any(not parts.of_trials.high for parts in by_setup.values()) else []
    absent = [name for name, ran in models.items() if ran and name not in by_setup]
    gaps = [f"Setups left out, because at least one trial has no value: {', '.join(absent)}."] if absent else []
    name = measure.head.split(" (")[0].lower().replace(" ", "-").replace("+", "and")
    title = f"{measure.head}: what seeds and trials add."
    return Table(f"seeds-{name}", title, columns, rows, notes=(_MODEL, *bounds, *gaps))


def _bound(results: Sequence[StudyResult]) -> str:
    """Return what equal trials of each seed leave open."""
    more = len(results) * (results[0].trials - 1)
    share = 100 * (1 - (1 - CONFIDENCE) ** (1 / more))
    return (
        f"Trials 0: each of {words.count(more, 'further trial')} gave the value of the first trial of its seed. With "
        f"95 % confidence, at most {share:.0f} % of all further trials would give a different value."
    )


def _cells(part: Component, measure: Measure) -> tuple[Cell, Cell]:
    low, high = (shown(Number(value, measure.digits[1])) for value in (part.low, part.high))
    return Number(part.deviation, measure.digits[1]), f"{low} to {high}"


def figure(results: Sequence[StudyResult]) -> Figure:
    """Return the figure of the main measure."""
    name, measure = "seeds", measures.of_study(results[0])[0]
    title = f"What seeds and trials add to {measure.head.split(' (')[0]}."
    rows = tuple(
        (setup, (DrawnInterval("seeds", *parts.of_seeds), DrawnInterval("trials of one seed", *parts.of_trials)))
        for setup, parts in _by_setup(results, measure).items()
    )
    if not rows:
        return Figure(name, title, why="This figure cannot be made: no setup has two trials of each of two seeds.")
    return Figure(name, title, _READ, Intervals(f"standard deviation of {measure.head}", rows))
