"""Figures, between a study and its formats.

This module knows what each figure shows; `plots` draws it. Figures 2, 3 and 5 of the paper are box plots of the trials
beside the paper's. Other figures are a box plot of all setups, how weights move apart, and the losses of training.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samebits_study.reports import measures, paper, phrases
from samebits_study.reports.measures import Measure
from samebits_study.results import SetupResult, StudyResult


@dataclass(frozen=True)
class Box:
    """A row of a box plot: minimum, quartiles and maximum of at least one value, and the values."""

    label: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Boxes:
    """Box plots in panels, one below the other: (what the panel is, its boxes). `axis`: what is measured."""

    axis: str
    panels: tuple[tuple[str, tuple[Box, ...]], ...]
    same_axis: bool


@dataclass(frozen=True)
class FigureCurve:
    """A curve. `place`: decides its colour and dashes. Curves with the same label share an entry in the legend."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    place: int
    dashed: bool = False


@dataclass(frozen=True)
class Curves:
    """Curves in panels side by side: (what the panel is, its curves)."""

    x_axis: str
    y_axis: str
    panels: tuple[tuple[str, tuple[FigureCurve, ...]], ...]
    logarithmic: bool = False


@dataclass(frozen=True)
class DrawnInterval:
    """A value of a series, with its limits."""

    series: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Rows of (label, the intervals of each series). `axis`: what is measured."""

    axis: str
    rows: tuple[tuple[str, tuple[DrawnInterval, ...]], ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """An image, grey or RGB bytes of shape (H, W) or (H, W, 3). `marks`: points (x, y) that get a cross."""

    label: str
    image: NDArray[np.uint8]
    marks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images side by side."""

    pictures: Sequence[Picture]


@dataclass(frozen=True, eq=False)
class Figure:
    """`id`: the paper's number, or a word.

    `shows`: None if the figure cannot be made; then `why` is a sentence about it.
    """

    id: str
    title: str
    caption: str = ""
    shows: Boxes | Curves | Intervals | Pictures | None = None
    why: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Figure 3; Figure losses: as its files are named."""
        return f"Figure {self.id}"

    @property
    def of_the_paper(self) -> bool:
        """Whether the paper has this figure."""
        return self.id.isdigit()


READ = (
    "Box: first to third quartile. Thick line: median. Thin line: from the minimum to the maximum. Dots: the trials. "
    "Quartiles are interpolated{}."
)
READ_BY_PAPER = "; the paper does not say how it computes its own"
READ_THERE = "Boxes and dots mean the same as in the figure of all setups."
COMPARABLE = 10  # two panels share an axis if it is at most so many times as long as the range of either


# study -> its box plots in the paper: number, measure, title, the setup of PyTorch
_OF_PAPER = {
    "lenet5": (
        ("3", measures.ACCURACY, "Accuracy on the test digits; PyTorch from Keras' initial weights.", "pytorch-1.3"),
    ),
    "unet": (
        ("2", measures.ERROR_RATE, "Error rate of counting; PyTorch from Keras' initial weights.", "pytorch-1.3"),
        ("5", measures.ERROR_RATE, "Error rate of counting; PyTorch from weights of Equation 1.", paper.EQUATION_1),
    ),
}


def box_plots(result: StudyResult) -> list[Figure]:
    """Return the paper's box plots for the study, and one with all setups."""
    of_paper = [_beside_paper(result, *plot) for plot in _OF_PAPER.get(result.study, ())]
    return [*of_paper, *(_all_setups(result, one) for one in measures.main(result)[:1])]


def _beside_paper(result: StudyResult, number: str, measure: Measure, title: str, pytorch: str) -> Figure:
    """Return the paper's panel, and that of this study."""
    ids = ("keras-tf1.14", "keras-tf2.1", pytorch)
    known = {setup.id: setup for setup in result.setups}
    theirs = tuple(box for setup in ids if (box := _paper_box(result.study, setup, measure)))
    ours = _boxes((known[setup] for setup in ids if setup in known), measure)
    if not ours:
        why = " ".join(_not_there(ids, known, measure))
        return Figure(number, title, why=f"Figure {number} cannot be made. {why}")
    panels = tuple((name, boxes) for name, boxes in (("The paper", theirs), ("This study", ours)) if boxes)
    same = len(panels) == 1 or _comparable(theirs, ours)
    notes = _not_there(ids, known, measure) + ([] if same else ["The two panels have different axes."])
    if measure is measures.ERROR_RATE:
        cells = [model.cells.true_count for setup in result.setups for model in setup.models if model.cells]
        one_cell = "".join(f"One cell is {100 / true:.2f} %. " for true in cells[:1] if true)
        said = "False cells cancel missed ones in this rate, so also read F1 in the figure of all setups."
        notes.append(f"{one_cell}{said}")
    if paper.EQUATION_1 in ids and theirs:
        notes.append("The paper gives no numbers for its PyTorch models of this figure.")
    return Figure(number, title, READ_THERE, Boxes(measure.head, panels, same), notes=tuple(notes))


def _an(measure: Measure) -> str:
    return f"a defined {measure.head.split(' (')[0].lower()}"


def _paper_box(study: str, setup: str, measure: Measure) -> Box | None:
    quoted = paper.quotation(study, setup)
    if quoted is None:
        return None
    return Box(paper.NAMES[paper.ANSWERS[setup]], tuple(float(row[measure.name]) for row in quoted.rows))


def _boxes(setups: Iterable[SetupResult], measure: Measure) -> tuple[Box, ...]:
    return tuple(Box(setup.id, tuple(values)) for setup in setups if (values := measure.values(setup)))


def _not_there(ids: tuple[str, ...], known: dict[str, SetupResult], measure: Measure) -> list[str]:
    """Return which setups have no box, and why: they gave no model, or the measure is undefined for all of them."""
    ran = {setup for setup in ids if setup in known and known[setup].models}
    absent = [setup for setup in ids if setup not in ran]
    undefined = [setup for setup in ids if setup in ran and not measure.values(known[setup])]
    said = [f"Not run: {', '.join(absent)}."] if absent else []
    return said + ([f"{', '.join(undefined)}: no trial has {_an(measure)}."] if undefined else [])


def _comparable(theirs: Iterable[Box], ours: Iterable[Box]) -> bool:
    """Return whether both panels can be read on one axis."""
    a, b = ([value for box in boxes for value in box.values] for boxes in (theirs, ours))
    spans = [span for side in (a, b) if (span := max(side) - min(side))]
    return max(*a, *b) - min(*a, *b) <= COMPARABLE * min(spans, default=0)


def _all_setups(result: StudyResult, measure: Measure) -> Figure:
    title = f"{measure.head.split(' (')[0]} in every setup."
    ours = _boxes(result.setups, measure)
    if not ours:
        ran = any(setup.models for setup in result.setups)
        why = f"no trial has {_an(measure)}" if ran else "no setup was run"
        return Figure("setups", title, why=f"This figure cannot be made: {why}.")
    read = READ.format(READ_BY_PAPER if paper.quotations(result.study) else "")
    return Figure("setups", title, read, Boxes(measure.head, (("This study", ours),), same_axis=True))


def distances(result: StudyResult) -> Figure:
    """Return the relative distance of weights from the reference trial's, over the epochs, on a logarithmic scale."""
    title = "How far the weights of different models are apart."
    parted = [setup for setup in result.setups if setup.distances]
    lines = [line for place, setup in enumerate(parted) for line in _distances(setup, place)]
    if not lines:
        return Figure("distances", title, why=f"This figure cannot be made: {_no_distances(result, parted)}.")
    caption = (
        "The norm of w - w0, divided by the norm of w0, after each epoch that was kept. w0: all weights of the first "
        "trial of the largest group; w: those of one trial of each other group. A logarithmic scale cannot show equal "
        "weights (0)."
    )
    return Figure(
        "distances", title, caption, Curves("epoch", "relative distance", (("", tuple(lines)),), logarithmic=True)
    )


def _no_distances(result: StudyResult, parted: list[SetupResult]) -> str:
    if parted:
        return "all known distances are 0 or not finite"
    if any(len(setup.groups) > 1 for setup in result.setups):
        return "no distance between different models is known"
    if any(len(setup.models) > 1 for setup in result.setups):
        return "the trials of each setup gave the same model"
    return "no setup has two trials"


def _distances(setup: SetupResult, place: int) -> list[FigureCurve]:
    apart = [[(x, y) for x, y in zip(one.epochs, one.relative, strict=True) if y > 0] for one in setup.distances]
    return [line for points in apart if (line := _curve(points, place, setup.id)).x]


def losses(result: StudyResult) -> Figure:
    """Return the loss of training, and of validation if there is one.

    There is a panel for each setup, and a line for each different model.
    """
    title = "Loss over the epochs, a line for each different model."
    panels = tuple((setup.id, lines) for setup in phrases.done(result) if (lines := _losses(setup)))
    if not panels:
        why = "no trial has a finite loss" if phrases.done(result) else "no setup was run"
        return Figure("losses", title, why=f"This figure cannot be made: {why}.")
    validated = any(line.dashed for _, lines in panels for line in lines)
    caption = "Solid: training. Dashed: validation." if validated else "The loss of training; there is no validation."
    if phrases.kind(result) == "cells":
        caption += " The losses of Keras include the L2 term; PyTorch's weight decay is not part of its loss."
    return Figure("losses", title, caption, Curves("epoch", "loss", panels))


def _losses(setup: SetupResult) -> tuple[FigureCurve, ...]:
    lines = []
    for place, (_, model, _) in enumerate(phrases.distinct(setup)):
        lines += [
            _curve(enumerate(model.loss, 1), place),
            _curve(enumerate(model.validation_loss, 1), place, dashed=True),
        ]
    return tuple(line for line in lines if line.x)


def _curve(points: Iterable[tuple[int, float]], place: int, label: str = "", *, dashed: bool = False) -> FigureCurve:
    """Return a curve through the points (epoch, value) with a finite value."""
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    return FigureCurve(label, tuple(x for x, _ in finite), tuple(y for _, y in finite), place, dashed)
