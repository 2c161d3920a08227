"""A figure between a study and its formats: what it shows is known, `plots` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Box:
    """A line of a box plot: minimum, quartiles and maximum of at least one value, and the values."""

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
    """A curve. `place`: of its colour and dashes; curves with one label have an entry in the legend together."""

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
    """`id`: the paper's number, or a word. `shows`: None where it cannot be made, and `why` says so in a sentence."""

    id: str
    title: str
    caption: str = ""
    shows: Boxes | Curves | Pictures | None = None
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
