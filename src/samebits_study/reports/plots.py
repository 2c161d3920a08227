"""Figures drawn: each as PNG and as SVG, the same bytes for the same numbers. The only file that needs matplotlib.

The SVG is light, or dark for readers who prefer that (by a media query, which some programs ignore).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import MaxNLocator

from samebits_study.reports.figures import Box, Boxes, Curves, Figure, FigureCurve, Intervals, Picture, Pictures
from samebits_study.reports.measures import quartiles

Axes = Any

INK, SOFT, LINE, PAPER = "#16191f", "#4d5563", "#d5d9e0", "#ffffff"
COLOURS = ("#0b63a5", "#b04a00", "#0a6e50", "#9c3f7c", "#7d5f00", "#5b48b5")
# light -> dark: the colours of the project's pages (samebits/reports/templates/report.css)
DARK = {
    INK: "#eceff4", SOFT: "#aab3c0", LINE: "#3a414d", PAPER: "#14171c",
    **dict(zip(COLOURS, ("#74bcf5", "#ff9d63", "#56d3a8", "#eaa2d0", "#e6c24f", "#b5a8ff"), strict=True)),
}  # fmt: skip
DASHES: tuple[Any, ...] = ("-", (0, (7, 3)), (0, (2, 2)), (0, (9, 3, 2, 3)), (0, (12, 5)))
STYLE: Any = {
    "svg.hashsalt": "samebits", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 10,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": SOFT, "axes.facecolor": PAPER,
    "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "xtick.color": SOFT, "ytick.color": SOFT,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.8,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "axes.titlesize": 10, "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.formatter.useoffset": False,
}  # fmt: skip
WIDTH, DOTS = 7.0, 150  # inches; dots an inch of the PNG
ACROSS = 3  # panels of curves, or pictures, side by side


def draw(figure: Figure, folder: Path) -> list[Path]:
    """Write figure-<id>.png and .svg in `folder`; nothing if the figure cannot be made."""
    if figure.shows is None:
        return []
    with matplotlib.rc_context(STYLE):
        matplotlib.use("agg")
        made = _DRAWN[type(figure.shows)](figure.shows)
        paths = [_png(made, folder / f"figure-{figure.id}.png"), _svg(made, folder / f"figure-{figure.id}.svg")]
        pyplot.close(made)
    return paths


def _png(made: Any, path: Path) -> Path:
    made.savefig(path, dpi=DOTS, metadata={"Software": None})
    return path


def _svg(made: Any, path: Path) -> Path:
    text = io.StringIO()
    made.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    path.write_text(both_schemes(text.getvalue()), encoding="utf-8")
    return path


def both_schemes(svg: str) -> str:
    """Return the SVG with a style for readers who prefer dark.

    Its own colours stay, for programs that ignore media queries.
    """
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark} !important}}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return re.sub(r"(<svg[^>]*>)", rf"\1\n {style}", svg, count=1)


def _boxes(shows: Boxes) -> Any:
    counts = [len(boxes) for _, boxes in shows.panels]
    height = 0.9 + sum(0.55 + 0.36 * count for count in counts)
    made, rows = pyplot.subplots(
        len(counts), 1, figsize=(WIDTH, height), squeeze=False, sharex=shows.same_axis, layout="constrained",
        gridspec_kw={"height_ratios": [0.4 + count for count in counts]},
    )  # fmt: skip
    for axes, (name, boxes) in zip(rows[:, 0], shows.panels, strict=True):
        _panel_of_boxes(axes, name, boxes)
    rows[-1, 0].set_xlabel(shows.axis)
    return made


def _panel_of_boxes(axes: Axes, name: str, boxes: Sequence[Box]) -> None:
    """Draw a line for each box, the first on top."""
    axes.use_sticky_edges = False  # otherwise the axis would end at the end of a bar
    for row, box in enumerate(boxes):
        low, first, median, third, high = quartiles(box.values)
        axes.hlines(row, low, high, color=INK, linewidth=1)
        axes.vlines([low, high], row - 0.15, row + 0.15, color=INK, linewidth=1)
        axes.barh(row, third - first, left=first, height=0.5, color=PAPER, edgecolor=COLOURS[0], linewidth=1.3)
        axes.vlines(median, row - 0.25, row + 0.25, color=COLOURS[1], linewidth=2.2)
        axes.plot(box.values, [row + 0.36] * len(box.values), linestyle="", marker="o", markersize=3.5,
                  color=COLOURS[0], alpha=0.75)  # fmt: skip
    axes.set_yticks(range(len(boxes)), [box.label for box in boxes])
    axes.set_ylim(len(boxes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_title(name)


def _lines(shows: Curves) -> Any:
    across = min(ACROSS, len(shows.panels))
    down = -(-len(shows.panels) // across)
    size = (WIDTH, 3.6 if across == 1 else 0.4 + 1.9 * down)
    made, grid = pyplot.subplots(
        down, across, figsize=size, squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    for axes in grid.flat[len(shows.panels) :]:
        axes.set_visible(False)
    for axes, (name, lines) in zip(grid.flat, shows.panels, strict=False):
        _panel_of_lines(axes, name, lines, logarithmic=shows.logarithmic)
    made.supxlabel(shows.x_axis, fontsize=10)
    made.supylabel(shows.y_axis, fontsize=10)
    return made


def _panel_of_lines(axes: Axes, name: str, lines: Sequence[FigureCurve], *, logarithmic: bool) -> None:
    seen: set[str] = set()
    for line in lines:
        label = line.label if line.label not in seen else ""
        seen.add(line.label)
        axes.plot(line.x, line.y, label=label or None, **_stroke(line))
    if logarithmic:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.set_xlim(*_whole_epochs(lines))
    if name:
        axes.set_title(name, fontsize=9)
    if any(seen):
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _whole_epochs(lines: Sequence[FigureCurve]) -> tuple[float, float]:
    """Return the axis of epochs, with half an epoch more on each side, and at least from 0 on."""
    epochs = [x for line in lines for x in line.x]
    return max(0.0, min(epochs) - 0.5), max(epochs) + 0.5


def _stroke(line: FigureCurve) -> dict[str, Any]:
    """Return how a line is drawn. Lines also differ in their dashes, because not everyone sees colours."""
    marker: dict[str, Any] = {"marker": "o", "markersize": 4} if len(line.x) < 6 else {}
    if line.dashed and marker:
        marker["markerfacecolor"] = PAPER
    dashes = (0, (4, 2)) if line.dashed else DASHES[line.place % len(DASHES)] if line.label else "-"
    return {"color": COLOURS[line.place % len(COLOURS)], "linewidth": 1.4, "linestyle": dashes, **marker}


def _intervals(shows: Intervals) -> Any:
    """Draw a line for each series in each row, the first row on top."""
    made, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + 0.5 * len(shows.rows)), layout="constrained")
    for row, (_, intervals) in enumerate(shows.rows):
        for place, one in enumerate(intervals):
            at, colour = row + 0.24 * (place - (len(intervals) - 1) / 2), COLOURS[place]
            axes.hlines(at, one.low, one.high, color=colour, linewidth=2)
            axes.plot(one.value, at, linestyle="", marker="os"[place], markersize=6, color=colour, clip_on=False,
                      label=one.series if row == 0 else None)  # fmt: skip
    axes.set_yticks(range(len(shows.rows)), [label for label, _ in shows.rows])
    axes.set_ylim(len(shows.rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(shows.axis)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return made


def _pictures(shows: Pictures) -> Any:
    across = min(ACROSS, len(shows.pictures))
    down = -(-len(shows.pictures) // across)
    made, grid = pyplot.subplots(
        down, across, figsize=(WIDTH, WIDTH / across * down + 0.3 * down), squeeze=False, layout="constrained"
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture in zip(grid.flat, shows.pictures, strict=False):
        _picture(axes, picture)
    return made


def _picture(axes: Axes, picture: Picture) -> None:
    axes.imshow(picture.image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(picture.label, fontsize=8.5, fontweight="normal")
    for x, y in picture.marks:
        axes.plot(x, y, marker="x", color="#1f77ff", markersize=5, markeredgewidth=1.4)


_DRAWN: dict[type, Callable[[Any], Any]] = {Boxes: _boxes, Curves: _lines, Intervals: _intervals, Pictures: _pictures}
