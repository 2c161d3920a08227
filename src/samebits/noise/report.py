"""Makes the report of `noise`: three layers of each metric, the dots, and the meaning of the numbers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from samebits import words
from samebits.noise import figure
from samebits.noise.result import BY_RECORD, MetricNoise, NoiseResult, seed_groups
from samebits.reports import result_words
from samebits.reports.table import Cell, Column, Number, StyledText, Table, numbers, optional
from samebits.reports.tree import (
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

SAYS = (
    "same seed: the noise floor, the standard deviation of trainings with the same seed. It is zero if the program "
    "repeats bit for bit.",
    "other seeds: the spread that different seeds add.",
    "other cases: how far the metric moves if the test cases are a different sample of the same kind.",
)
DOES_NOT_SAY = (
    "Other machines, versions and training data were not tried.",
    "A standard deviation from few trainings is rough.",
)


def report(result: NoiseResult) -> Report:
    """Return the report, for every format."""
    return Report(
        verdict=result.verdict,
        head="NO ANSWER" if result.verdict else "",
        title="The noise of a training",
        headline=result.sentence,
        command=tuple(filter(None, [shlex.join(result.command), result.setup.python])),
        blocks=tuple(_blocks(result)),
        footer="Made from noise.json. samebits report RECORD shows the record of each seed.",
        created=result.created,
        samebits=result.samebits,
        document=result,
        cases=(_case(result),),
    )


def _case(result: NoiseResult) -> JUnitCase:
    """Return the measurement as one test, named by its command. It passes if there is a value."""
    layers = [
        (f"{one.name}.{layer}", f"{value:.6g}")
        for one in result.metrics
        for layer in ("mean", "same_seed", "other_seeds", "other_cases")
        if (value := getattr(one, layer)) is not None
    ]
    return JUnitCase(
        "samebits.noise",
        shlex.join(result.command),
        "error" if result.verdict else "passed",
        result.sentence,
        "\n".join(map(words.one_line, result.warnings)),
        (("seeds", " ".join(map(str, result.seeds))), ("trials", str(result.trials)), *layers),
        seconds=result.seconds,
    )


def _blocks(result: NoiseResult) -> Iterator[AnyBlock]:
    if result.verdict is None:
        yield Text(result.sentence, on=SCREEN | PAGE)
        yield _layers(result.metrics)
    for place, metric in enumerate(result.metrics, 1):
        yield from _dots(result, metric, place)
    yield Facts(tuple(_facts(result)))
    if result.warnings or result.metrics:
        yield Notes((*result.warnings, *_whys(result.metrics)))
    yield meaning(SAYS, DOES_NOT_SAY)


def _layers(metrics: list[MetricNoise]) -> Table:
    """Make a row for each metric: its range, and a standard deviation for each layer."""
    columns = (
        Column("metric"),
        *numbers("trainings", "mean", "lowest", "highest", "same seed", "other seeds", "other cases"),
    )
    return Table("layers", "", columns, tuple(map(_row, metrics)))


def _row(one: MetricNoise) -> tuple[Cell, ...]:
    values = (Number(value, 4) for value in (one.mean, one.lowest, one.highest))
    layers = (optional(value, None) for value in (one.same_seed, one.other_seeds, one.other_cases))
    return StyledText(one.name, "code"), Number(one.trainings), *values, *layers


def _dots(result: NoiseResult, metric: MetricNoise, place: int) -> Iterator[AnyBlock]:
    rows = figure.rows_of(seed_groups(result.trainings, metric.name))
    band = None if metric.same_seed is None else (metric.mean - metric.same_seed, metric.mean + metric.same_seed)
    about = f"{metric.name}: one dot for each training; the band is the mean and one standard deviation of the floor"
    yield from figure.blocks(figure.DotPlot(f"dots-{place}", f"{metric.name}: every training", about, rows, band))


def _facts(result: NoiseResult) -> Iterator[tuple[str, Cell]]:
    yield "command", StyledText(shlex.join(result.command), "command")
    yield from [("interpreter", result.setup.python)] if result.setup.python else []
    if result.seeds:
        yield "seeds", f"{', '.join(map(str, result.seeds))}, set by {result.seed_by}"
    elif result.seed_by == BY_RECORD:
        yield "seeds", "not known; the trainings count as trainings with one seed"
    else:
        yield "seeds", "the program's own (to vary them: --seeds 1,2,3)"
    yield "trials", f"{result.trials} with each seed"
    seen = any(result.models)
    yield "models", ", ".join(str(number or "not known") for number in result.models) if seen else "not known"
    yield "machine", str(result.setup.machine.get("processor", "not seen"))
    yield "time", words.span(result.seconds)
    yield "record", StyledText(result_words.folder_name(result.record), "code")


def _whys(metrics: list[MetricNoise]) -> Iterator[str]:
    """Yield why layers have no number, or only a rough one: each reason once."""
    titles = {"same_seed": "same seed", "other_seeds": "other seeds", "other_cases": "other cases"}
    found: dict[str, None] = {}
    for metric in metrics:
        for layer, why in metric.why.items():
            found[f"{titles[layer]}: {why}"] = None
    yield from found
