"""Geometry of the figures of a page: scales, ticks, SVG paths and dots, as numbers and strings; no document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from samebits import words
from samebits.model import Result, Trial
from samebits.reports import result_words
from samebits.reports.history import Curve, History, Stretch, TrialLine
from samebits.reports.tree import PAGE, Block, Format

WIDTH, HEIGHT = 1000, 200  # in the plot's own coordinates; a page stretches the plot to fit
TICKS = 4
# one less than there are colours, so that a colour used again has different dashes
DASHES = ("none", "7 4", "2 3", "9 3 2 3", "12 5")
MARGIN = 0.06
APART = "distance from the first trial of the largest group, on a logarithmic scale"


@dataclass(frozen=True)
class Tick:
    """A label and its place in percent, from the left or from the bottom."""

    place: float
    label: str


@dataclass(frozen=True)
class CurvePath:
    """A line to draw: the SVG path, the group's place (for its colour) and its dashes."""

    path: str
    group: str
    trial: int
    dash: str


@dataclass(frozen=True)
class Plot:
    """A figure. `parted`: where the trials diverge, in percent from the left; None if they do not."""

    name: str
    about: str
    lines: list[CurvePath]
    x: list[Tick]
    y: list[Tick]
    parted: float | None
    left_out: int = 0
    has_key: bool = True  # whether its lines stand for groups, which a key names


@dataclass(frozen=True)
class Bar:
    """A stretch of the map in percent of its width."""

    left: float
    width: float
    group: str
    first: int
    last: int


@dataclass(frozen=True)
class MapRow:
    """A trial's row of the map: its stretches, its group, and the row in words."""

    trial: int
    group: str
    bars: list[Bar]
    said: str


@dataclass(frozen=True)
class StepMap(Block):
    """Shows until when trials agree, in a row for each trial."""

    caption: str
    rows: tuple[MapRow, ...]
    ticks: tuple[Tick, ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


@dataclass(frozen=True)
class Plots(Block):
    """Figures side by side. `id`: the beginning of their anchors."""

    id: str
    plots: tuple[Plot, ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)

    @property
    def anchors(self) -> list[str]:
        """Where each figure is on a page."""
        return [f"plot-{self.id}{number}" for number in range(1, len(self.plots) + 1)]


def bars(stretches: Sequence[Stretch], steps: int) -> list[Bar]:
    """Return the map's row of a trial. One column before step 0 is the start."""
    total = steps + 1
    return [
        Bar(100 * (s.first + 1) / total, 100 * (s.last - s.first) / total, s.group, max(0, s.first), s.last)
        for s in stretches
    ]


def step_ticks(steps: int, before: int = 0) -> list[Tick]:
    """Return round numbers of steps under a figure. `before`: columns before step 0."""
    every, total = round_up(max(steps, 1) / TICKS), max(steps + before, 1)
    return [Tick(100 * (at + before) / total, f"{at:,}") for at in range(0, steps + 1, every)]


def round_up(number: float) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50 ..."""
    scale = 10 ** math.floor(math.log10(max(number, 1)))
    return next(int(scale * digit) for digit in (1, 2, 5, 10) if scale * digit >= number)


def plots(history: History) -> list[Plot]:
    """Return the figures of all curves: the numbers, and their distances if they differ."""
    figures = []
    for curve in history.curves:
        figures.append(_plot("", curve.lines, curve, history))
        if curve.apart:
            figures.append(_plot(APART, curve.apart, curve, history))
    return [plot for plot in figures if plot.lines]


def _plot(about: str, lines: list[TrialLine], curve: Curve, history: History) -> Plot:
    logarithmic, name = bool(about), curve.name
    low, high = span(lines, logarithmic=logarithmic)
    drawn_lines = [_line(line, history.steps, low, high, logarithmic=logarithmic) for line in lines if len(line.x)]
    at = None if history.parted is None else 100 * max(0, history.parted) / max(history.steps, 1)
    return Plot(
        name,
        about,
        drawn_lines,
        step_ticks(history.steps),
        value_ticks(low, high, logarithmic=logarithmic),
        at,
        curve.left_out,
    )


def span(lines: Sequence[TrialLine], *, logarithmic: bool) -> tuple[float, float]:
    """Return the lowest and the highest number (its decimal logarithm), never the same."""
    numbers = [float(y) for line in lines for y in line.y]
    if not numbers:
        return 0.0, 1.0
    low, high = min(numbers), max(numbers)
    if logarithmic:
        return math.floor(math.log10(low)), max(math.ceil(math.log10(high)), math.floor(math.log10(low)) + 1)
    if low == high:
        room = abs(low) * 0.5 or 0.5
        return low - room, high + room
    # halves first: the difference of two huge losses is not finite
    room = (high / 2 - low / 2) * 2 * MARGIN
    return low - room, high + room


def _line(line: TrialLine, steps: int, low: float, high: float, *, logarithmic: bool) -> CurvePath:
    points = []
    for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True):
        height = math.log10(y) if logarithmic else y
        share = (height / 2 - low / 2) / (high / 2 - low / 2)
        points.append(f"{WIDTH * x / max(steps, 1):.1f} {HEIGHT * (1 - share):.1f}")
    if len(points) == 1:
        points.append(f"{min(WIDTH, WIDTH * float(line.x[0]) / max(steps, 1) + 4):.1f} {points[0].split()[1]}")
    return CurvePath("M" + " L".join(points), line.group, line.trial, dash(line.group))


def place_of(group: str) -> int:
    """Return the place of a letter, which decides its colour: A 0, B 1 ..., A1 26."""
    return (ord(group[0]) - ord("A")) + 26 * int(group[1:] or 0) if group else 0


def dash(group: str) -> str:
    """Return the dashes of a line. Not everyone sees colours."""
    return DASHES[place_of(group) % len(DASHES)]


def value_ticks(low: float, high: float, *, logarithmic: bool) -> list[Tick]:
    """Return about three round numbers for the left axis. A logarithmic figure gets powers of ten."""
    every = _round((high / 2 - low / 2) * 2 / 3)
    if logarithmic:
        every = max(1.0, math.ceil((high - low) / 3))
    if not math.isfinite(every) or every <= 0:
        return []
    heights = [number * every for number in range(math.ceil(low / every), math.floor(high / every) + 1)]
    scale = high / 2 - low / 2
    return [
        Tick(100 * (height / 2 - low / 2) / scale, f"1e{height:.0f}" if logarithmic else f"{height:.6g}")
        for height in heights
    ]


def _round(number: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that is not above the number."""
    if number <= 0 or not math.isfinite(number):
        return number
    scale = 10.0 ** math.floor(math.log10(number))
    return max(digit * scale for digit in (1, 2, 5) if digit * scale <= number * (1 + 1e-9))


# -- the metrics of all trials, each on a line of its own: a dot for each trial, their mean and their deviation -------

MOST_STRIPS = 12
STRIP_MARGIN = 0.08  # margin at both ends, as a share of the range
LANES = 3  # dots of consecutive trials lie at different heights, so that equal ones stay apart
CAPTION = (
    "Each dot is a trial that ran to its end, with the letter of its group. The line is the mean, and the box one "
    "sample standard deviation on both sides. Each metric has its own scale."
)


@dataclass(frozen=True)
class TrialDot:
    """A trial. `place`: percent from the left; `lane`: its height, from 0."""

    place: float
    lane: int
    group: str
    said: str


@dataclass(frozen=True)
class Strip:
    """A metric. `mean`, `low`, `high`: percent from the left edge; `said`: the strip in words."""

    name: str
    dots: tuple[TrialDot, ...]
    mean: float
    low: float
    high: float
    ticks: tuple[Tick, ...]
    said: str


@dataclass(frozen=True)
class Strips(Block):
    """A strip for each metric."""

    caption: str
    strips: tuple[Strip, ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


def strips(result: Result) -> Strips | None:
    """Return the metrics that at least two trials have; None if there is none."""
    whole = [trial for trial in result.trials if trial.status == "complete"]
    names = sorted({name for trial in whole for name in trial.metrics})
    drawn = tuple(strip for name in names if (strip := _strip(name, whole, result)) is not None)
    return Strips(CAPTION, drawn[:MOST_STRIPS]) if drawn else None


def _strip(name: str, trials: list[Trial], result: Result) -> Strip | None:
    values = {trial.id: trial.metrics[name] for trial in trials if name in trial.metrics}
    finite = {trial: value for trial, value in values.items() if math.isfinite(value)}
    if len(finite) < 2:
        return None
    mean, deviation = _mean_and_deviation(finite.values())
    low, high = _range_of_strip([*finite.values(), mean - deviation, mean + deviation])
    share = 100 / (high - low)
    return Strip(
        name,
        tuple(_dots(finite, result_words.letters(result), low, share)),
        (mean - low) * share,
        (mean - deviation - low) * share,
        (mean + deviation - low) * share,
        tuple(value_ticks(low, high, logarithmic=False)),
        _strip_text(finite, len(values) - len(finite)),
    )


def _range_of_strip(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * STRIP_MARGIN or abs(low) * STRIP_MARGIN or 1.0
    return low - room, high + room


def _dots(values: dict[int, float], letters: dict[int, str], low: float, share: float) -> Iterator[TrialDot]:
    for number, (trial, value) in enumerate(values.items()):
        group = letters.get(trial, "")
        label = f"trial {trial}, {f'group {group}' if group else 'not compared'}: {value!r}"
        yield TrialDot((value - low) * share, number % LANES, group, label)


def _mean_and_deviation(values: Iterable[float]) -> tuple[float, float]:
    import statistics  # here, because it imports much, and most reports show no numbers

    each = list(values)
    return statistics.fmean(each), statistics.stdev(each)


def _strip_text(values: dict[int, float], without: int) -> str:
    """Return a text such as: mean 0.9712, standard deviation 0.0004, 0.9708 to 0.9716 in 5 trials."""
    each = list(values.values())
    number = words.count(len(each), "trial")
    rest = f"; not a number in {words.count(without, 'trial')}" if without else ""
    if min(each) == max(each):
        return f"{each[0]:.6g} in all of {number}{rest}"
    mean, deviation = _mean_and_deviation(each)
    return f"mean {mean:.6g}, standard deviation {deviation:.2g}, {min(each):.6g} to {max(each):.6g} in {number}{rest}"
