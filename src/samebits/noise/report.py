"""Makes the reports of `noise` and `versus`: tables of each metric, the dots, and what the numbers mean."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from samebits import words
from samebits.noise import figure
from samebits.noise.difference import MetricDifference, VersusResult
from samebits.noise.result import BY_RECORD, MetricNoise, NoiseResult, seed_groups
from samebits.noise.sides import MetricSide
from samebits.noise.versus import better_words, interval_words
from samebits.reports import result_words
from samebits.reports.table import Cell, Column, MissingValue, Number, StyledText, Table, numbers, optional
from samebits.reports.tree import DOCUMENT, SCREEN, AnyBlock, Facts, JUnitCase, Notes, Report, Text, meaning

__all__ = ["report", "versus_report"]

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
        yield Text(result.sentence, on=SCREEN)
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
    band = (metric.mean - metric.same_seed, metric.mean + metric.same_seed) if metric.same_seed else None
    of_band = "; the band is the mean and one standard deviation of the floor" if band else ""
    about = f"{metric.name}: one dot for each training{of_band}"
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
    whys = (f"{layer.replace('_', ' ')}: {why}" for metric in metrics for layer, why in metric.why.items())
    yield from dict.fromkeys(whys)


# -- versus: a row and dot plots for each metric, and the test cases that flip ----------------------------------------

MOST_FLIPS = 10
ANSWERS = {
    "different": "told apart",
    "not-told-apart": "not told apart",
    "too-few": "too few",
    "repeats": "both repeat",
    "equal": "equal",
}
VERSUS_SAYS = (
    "95 % of such intervals contain the true difference of the means. If zero is outside the interval, A and B differ.",
    "floor: the standard deviation of the difference between a training of A and one of B if no seed changes.",
    "found, 80 %: the true difference that this number of trainings finds with a probability of 80 %.",
    "P(B better): how often a training of B is better than one of A, with its 95 % interval. Bouthillier et al. (2021) "
    "ask for 0.75 before an improvement counts.",
)
VERSUS_DOES_NOT_SAY = (
    "Different data, machines and settings were not compared.",
    "Not told apart does not mean equal.",
)


def versus_report(result: VersusResult) -> Report:
    """Return the report of `versus`, for every format."""
    return Report(
        verdict=result.verdict,
        head="NO ANSWER" if result.verdict else "",
        title="B against A",
        headline=result.sentence,
        blocks=tuple(_versus_blocks(result)),
        footer="Made by samebits versus.",
        created=result.created,
        document=result,
        cases=(_versus_case(result),),
    )


def _versus_blocks(result: VersusResult) -> Iterator[AnyBlock]:
    if result.verdict is None:
        yield Text(result.sentence, on=SCREEN)
    if result.metrics:
        yield _table(result)
    for place, one in enumerate(result.metrics, 1):
        yield from _metric_dots(result, one, place)
        if one.cases:
            yield from _flips(one, place)
    yield Facts(tuple(_versus_facts(result)))
    if result.warnings:
        yield Notes(tuple(result.warnings))
    yield meaning(VERSUS_SAYS, VERSUS_DOES_NOT_SAY, DOCUMENT)


def _table(result: VersusResult) -> Table:
    """Return a row for each metric."""
    columns = (
        Column("metric"),
        *numbers("A", "B", "B minus A"),
        Column("95 %"),
        *numbers("found, 80 %", "floor"),
        Column("P(B better)"),
        Column(""),
    )
    return Table("difference", "", columns, tuple(map(_metric_row, result.metrics)))


def _metric_row(one: MetricDifference) -> tuple[Cell, ...]:
    interval = interval_words(one) if one.low is not None else MissingValue("-")
    return (
        StyledText(one.name, "code"),
        *(Number(value, _digits(one.difference)) for value in (one.a, one.b)),
        Number(one.difference, None),
        interval,
        optional(one.findable, None),
        optional(one.floor, None),
        MissingValue("-") if one.answer == "repeats" else better_words(one),
        ANSWERS[one.answer],
    )


def _digits(difference: float) -> int | None:
    """Return how many digits after the point show that the two means differ; None if they are equal."""
    return max(0, 1 - math.floor(math.log10(abs(difference)))) if difference else None


def _metric_dots(result: VersusResult, one: MetricDifference, place: int) -> Iterator[AnyBlock]:
    """Yield the plot of the trainings of both sides, then that of the difference: dots, interval, band of the floor."""
    sides = [
        *figure.rows_of(seed_groups(result.a.trainings, one.name), "A"),
        *figure.rows_of(seed_groups(result.b.trainings, one.name), "B"),
    ]
    ends = None if one.low is None or one.high is None else (one.low, one.high)
    row = figure.DotRow("B minus A", one.pairs or [one.difference], ends)
    band = (0.0 - one.floor, one.floor) if one.floor else None
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
    flip, differ = words.agree(len(one.flips), "flips", "flip"), words.agree(one.unsteady, "differs", "differ")
    counted = f"{len(one.flips):,} of {words.count(one.cases, 'test case')} {flip}: {better:,} better with B, "
    steady = f"{one.unsteady:,} {differ} between trainings of one side with the same seed"
    yield Text(f"{one.name}: {counted}{len(one.flips) - better:,} worse; {steady}.")
    if not one.flips:
        return
    rows = tuple(
        (flip.case, Number(flip.a, None), Number(flip.b, None), "better" if flip.better else "worse")
        for flip in one.flips[:MOST_FLIPS]
    )
    notes = (f"the {MOST_FLIPS} largest of {len(one.flips):,}",) if len(one.flips) > MOST_FLIPS else ()
    yield Table(f"flips-{place}", "", (Column("case"), *numbers("A", "B"), Column("")), rows, notes)


def _versus_facts(result: VersusResult) -> Iterator[tuple[str, Cell]]:
    for letter, side in (("A", result.a), ("B", result.b)):
        yield letter, _side(side)
    for one in result.metrics[:1]:
        counted = f"{one.unit}: {one.numbers[0]}" if one.pairs else _compared(result, one)
        yield "compared", counted + (f"; {one.method}" if one.method else "")
    if any(one.findable for one in result.metrics):
        unit = "pairs of seeds" if any(one.pairs for one in result.metrics) else "trainings on each side"
        yield "needed", f"{result.needed} {unit} show a P(B better) of {result.meaningful} (Noether)"


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


def _versus_case(result: VersusResult) -> JUnitCase:
    """Return the comparison as one test. It passes if there is an answer, no matter which."""
    known = [
        (f"{one.name}.{field}", f"{value:.6g}" if isinstance(value, float) else str(value))
        for one in result.metrics
        for field in ("difference", "low", "high", "floor", "better", "better_low", "better_high", "answer")
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
