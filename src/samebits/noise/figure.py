"""Draws the dot plot: one dot for each training, by seed and trial, on the band of the floor. As text and as SVG."""

from __future__ import annotations

import base64
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
    """The values of one seed, in the order of the trials; or differences, with their interval."""

    label: str
    values: Sequence[float]
    interval: tuple[float, float] | None = None


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


def rows_of(groups: Mapping[int | None, Sequence[float]], prefix: str = "") -> list[DotRow]:
    """Return a row for each seed. `prefix`: the name of the side."""
    return [DotRow(f"{prefix}seed {seed}" if seed is not None else prefix.strip() or "all", list(values))
            for seed, values in groups.items()]  # fmt: skip


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
    ("fill", "#1565c0"): "#74bcf5", ("stroke", "#c62828"): "#ff9a90",
}  # fmt: skip


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


def drawing(rows: Sequence[DotRow], band: tuple[float, float] | None) -> str:
    """Return the plot as the data URL of an SVG. A row has a lane for each trial, so no dot hides another."""
    axis = Axis(*_span(rows, band), MARGIN + CHARACTER * max(len(_label(row)) for row in rows))
    tall = TALL * len(rows) + 2 * MARGIN
    parts = [f'<rect width="{WIDE}" height="{tall}" fill="#fff"/>']
    if band is not None:
        left, right = map(axis.at, band)
        parts.append(f'<rect x="{left:.1f}" y="{MARGIN / 2}" width="{right - left:.1f}" height="{tall - 1.5 * MARGIN}"'
                     ' fill="#cfd8dc"/>')  # fmt: skip
    for place, row in enumerate(rows):
        parts += _drawn(row, MARGIN + TALL * place, axis)
    text = 'font-family="sans-serif" font-size="13" fill="#263238"'
    parts += [f'<text x="{_middle(f"{end:.4g}", axis.at(end)):.1f}" y="{tall - 6}" text-anchor="middle" {text}>'
              f"{end:.4g}</text>" for end in axis[:2]]  # fmt: skip
    rules = "".join(f'[{what}="{light}"]{{{what}:{dark}}}' for (what, light), dark in DARK.items())
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall}" {text}>{style}{"".join(parts)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _middle(number: str, wanted: float) -> float:
    """Return the place of the middle of a number: the wanted one, unless the number would not fit into the drawing."""
    return min(wanted, WIDE - CHARACTER * (len(number) + 1) / 2)


def _drawn(row: DotRow, top: float, axis: Axis) -> list[str]:
    parts = [f'<text x="8" y="{top + TALL / 2:.1f}">{escape(_label(row))}</text>']
    middle = top + TALL / 2 - 4
    if row.interval is not None:
        left, right = map(axis.at, row.interval)
        parts.append(f'<path d="M{left:.1f} {middle:.1f}H{right:.1f}" stroke="#c62828" stroke-width="3"/>')
    lane = (TALL - 10) / max(len(row.values) - 1, 1)
    for place, value in enumerate(row.values):
        across, down = axis.at(value), top + 2 + lane * place if len(row.values) > 1 else middle
        parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" fill="#1565c0" fill-opacity="0.75">'
                     f"<title>{place + 1}: {value:.6g}</title></circle>")  # fmt: skip
    return parts
