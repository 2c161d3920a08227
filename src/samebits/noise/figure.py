"""Draws the dot plot: one dot for each training, by seed and trial, on the band of the floor. As text and as SVG."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from samebits import words
from samebits.reports.tree import BRIEF, PAGE, SCREEN, AnyBlock, Code, Drawing, Text

__all__ = ["DotPlot", "DotRow", "blocks", "dots", "drawing", "rows_of"]

WIDTH = 48  # characters of a row
WIDE, TALL, MARGIN = 420, 34, 24  # sizes of the SVG, in its own units: it fits a phone
CHARACTER = 7.5
MOST_LABEL = 24


class DotRow(NamedTuple):
    """The values of one seed, in the order of the trials; or differences, with their interval. `is_second`: of B."""

    label: str
    values: Sequence[float]
    interval: tuple[float, float] | None = None
    is_second: bool = False


class DotPlot(NamedTuple):
    """Rows on a band. `title`: the title of the drawing. `about`: explains the plot with the signs of the text."""

    id: str
    title: str
    about: str
    rows: Sequence[DotRow]
    band: tuple[float, float] | None


def blocks(plot: DotPlot) -> Iterator[AnyBlock]:
    """Yield the plot for each format: as text, or as a drawing with its signs explained in words."""
    about = plot.about + ("; a digit counts the dots in one place" if _has_digits(plot) else "")
    yield Text(about, on=SCREEN)
    yield Code(dots(plot.rows, plot.band), about, on=BRIEF)
    said = plot.about.replace("[--]", "the line is").replace("==", "the band is")
    yield Drawing(plot.id, "", plot.title, said, "", "", drawing(plot.rows, plot.band), is_small=True, on=PAGE)


def rows_of(groups: Mapping[int | None, Sequence[float]], side: str = "") -> list[DotRow]:
    """Return a row for each seed. `side`: A or B."""
    names = {seed: f"{side} seed {seed}".strip() if seed is not None else side or "all" for seed in groups}
    return [DotRow(names[seed], list(values), is_second=side == "B") for seed, values in groups.items()]


def dots(rows: Sequence[DotRow], band: tuple[float, float] | None) -> str:
    """Draw a line for each row: `o` one training, a digit for several, `=` the band of the floor, `[--]` intervals."""
    low, high = _span(rows, band)
    wide = max(len(_label(row)) for row in rows)
    lines = [f"{_label(row):{wide}} |{_line(row, band, low, high)}|" for row in rows]
    ends = f"{low:.4g}"
    return "\n".join([*lines, f"{'':{wide}}  {ends}{f'{high:.4g}':>{WIDTH - len(ends)}}"])


def _has_digits(plot: DotPlot) -> bool:
    """Return whether several dots of a row have one place in the text."""
    low, high = _span(plot.rows, plot.band)
    return any(len({_place(value, low, high) for value in row.values}) < len(row.values) for row in plot.rows)


def _label(row: DotRow) -> str:
    return words.one_line(row.label)[:MOST_LABEL]


def _line(row: DotRow, band: tuple[float, float] | None, low: float, high: float) -> str:
    marks = [" "] * WIDTH
    if band is not None:
        for place in range(_place(band[0], low, high), _place(band[1], low, high) + 1):
            marks[place] = "="
    if row.interval is not None:
        first, last = (_place(end, low, high) for end in row.interval)
        within = ["-" if mark == " " else mark for mark in marks[first + 1 : last]]
        marks[first : last + 1] = ["[", *within, "]"][: last - first + 1]
    places = [_place(value, low, high) for value in row.values]
    for place in places:
        number = places.count(place)
        marks[place] = "o" if number == 1 else str(number) if number < 10 else "*"
    return "".join(marks)


def _place(value: float, low: float, high: float) -> int:
    return round((value - low) / (high - low) * (WIDTH - 1))


# (attribute, colour) -> the colour for readers who prefer dark pages
DARK = {
    ("fill", "#fff"): "#14171c", ("fill", "#cfd8dc"): "#343a45", ("fill", "#263238"): "#eceff4",
    ("fill", "#1565c0"): "#74bcf5", ("fill", "#b25000"): "#ffb74d", ("stroke", "#c62828"): "#ff9a90",
    ("stroke", "#b0bec5"): "#4a5160",
}  # fmt: skip
SIDES = "#1565c0", "#b25000"  # the colours of the dots of A and of B


def _span(rows: Sequence[DotRow], band: tuple[float, float] | None) -> tuple[float, float]:
    """Return the lowest and the highest value. If they are the same, widen the span."""
    numbers = [value for row in rows for value in (*row.values, *(row.interval or ()))] + list(band or ())
    low, high = min(numbers), max(numbers)
    room = (abs(low) * 0.01 or 1.0) if low == high else 0.0
    return low - room, high + room


class Axis(NamedTuple):
    """Places numbers in the SVG. `left`: the place of the lowest number, right of the labels."""

    low: float
    high: float
    left: float

    def at(self, value: float) -> float:
        """Return the horizontal place of a number."""
        return self.left + (value - self.low) / (self.high - self.low) * (WIDE - self.left - MARGIN)

    @property
    def ticks(self) -> list[float]:
        """Round numbers within the axis, at equal distances: 3 to 7 of them."""
        wide = self.high - self.low
        unit = 10.0 ** math.floor(math.log10(wide))
        step = next(unit * part for part in (2, 1, 0.5, 0.2) if wide / (unit * part) >= 2.5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def drawing(rows: Sequence[DotRow], band: tuple[float, float] | None) -> str:
    """Return the plot as the data URL of an SVG. A row has a lane for each trial, so no dot hides another."""
    axis = Axis(*_span(rows, band), MARGIN + CHARACTER * max(len(_label(row)) for row in rows))
    tall = TALL * len(rows) + 2 * MARGIN
    parts = [f'<rect width="{WIDE}" height="{tall}" fill="#fff"/>']
    if band is not None:
        left, right = map(axis.at, band)
        parts.append(f'<rect x="{left:.1f}" y="{MARGIN}" width="{right - left:.1f}" height="{tall - 2 * MARGIN}"'
                     ' fill="#cfd8dc"/>')  # fmt: skip
    parts += _axis(axis, tall)
    for place, row in enumerate(rows):
        parts += _drawn(row, MARGIN + TALL * place, axis)
    text = 'font-family="sans-serif" font-size="13" fill="#263238"'
    rules = "".join(f'[{what}="{light}"]{{{what}:{dark}}}' for (what, light), dark in DARK.items())
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall}" {text}>{style}{"".join(parts)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _axis(axis: Axis, tall: int) -> Iterator[str]:
    """Yield a line and a number for each tick."""
    for tick in axis.ticks:
        across, number = axis.at(tick), f"{tick:.10g}"
        yield f'<path d="M{across:.1f} {MARGIN}V{tall - MARGIN}" stroke="#b0bec5"/>'
        middle = min(across, WIDE - CHARACTER * (len(number) + 1) / 2)
        yield f'<text x="{middle:.1f}" y="{tall - 6}" text-anchor="middle">{number}</text>'


def _drawn(row: DotRow, top: float, axis: Axis) -> Iterator[str]:
    """Yield a row: its label, a line below it, its interval and its dots."""
    middle, bottom = top + TALL / 2, top + TALL
    yield f'<text x="8" y="{middle + 4:.1f}">{escape(_label(row))}</text>'
    yield f'<path d="M8 {bottom}H{WIDE - 8}" stroke="#b0bec5"/>'
    if row.interval is not None:
        left, right = map(axis.at, row.interval)
        yield f'<path d="M{left:.1f} {middle:.1f}H{right:.1f}" stroke="#c62828" stroke-width="3"/>'
    lane = (TALL - 14) / max(len(row.values) - 1, 1)
    colour = SIDES[row.is_second]
    for place, value in enumerate(row.values):
        down = top + 7 + lane * place if len(row.values) > 1 else middle
        yield (f'<circle cx="{axis.at(value):.1f}" cy="{down:.1f}" r="4" fill="{colour}" fill-opacity="0.75">'
               f"<title>{place + 1}: {value:.6g}</title></circle>")  # fmt: skip
