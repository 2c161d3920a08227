"""What is asked of masks and label images, and what is said of those that are something else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from skimage import measure

from samebits.errors import DataError

Image = npt.NDArray[Any]
Labels = npt.NDArray[np.integer[Any]]  # 0: background; every cell has a number of its own

SHOWN = 6  # of the values found in a mask that is not binary


def binary(mask: Image, what: str = "The mask") -> Mask:
    """A mask of bool, of 0 and 1, or of 0 and 255, as bool. Shape (rows, columns).

    Raises DataError for anything else, with the values found. `what`: the subject of that sentence.
    """
    flat(mask, what)
    values = np.unique(mask)
    if not (np.isin(values, (0, 1)).all() or np.isin(values, (0, 255)).all()):
        shown = ", ".join(str(value) for value in values[:SHOWN])
        more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
        advice = (
            "A mask holds 0 and 1, or 0 and 255. JPEG and smooth resizing make values between: use PNG, and nearest."
        )
        raise DataError(f"{what} is not binary: it holds {shown}{more}.", advice)
    cells: Mask = mask != 0
    return cells


def cells_of(mask: Image, what: str = "The mask") -> Labels:
    """Number the cells of a binary mask from 1 on, row by row. Pixels that touch at a corner are one cell.

    Raises DataError where the mask is not binary.
    """
    labels: Labels = measure.label(binary(mask, what), connectivity=2)
    return labels


def checked_labels(labels: Image, what: str = "The label image") -> Labels:
    """The label image, if it is one: two dimensions, whole numbers, 0 for the background. Raises DataError else."""
    flat(labels, what)
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{what} holds {labels.dtype}, not whole numbers.", "Number the cells of a mask with cells_of.")
    if labels.min() < 0:
        raise DataError(f"{what} holds {labels.min()}; cells have numbers from 1 on, the background 0.")
    return labels


def same_shape(truth: Image, prediction: Image, name: str = "") -> None:
    """Raise DataError, with both sizes, where ground truth and prediction differ in size."""
    if truth.shape != prediction.shape:
        raise DataError(
            f"{name + ': t' if name else 'T'}he ground truth is {size(truth)} and the prediction {size(prediction)}.",
            "Bring both to one size before they are compared.",
        )


def flat(image: Image, what: str) -> None:
    """Raise DataError where an image has other than two dimensions, or no pixel."""
    if image.ndim != 2 or not image.size:
        raise DataError(f"{what} is {size(image)}; rows x columns of single values are needed.")


def size(image: Image) -> str:
    """`400 x 400`, rows first."""
    return " x ".join(str(length) for length in image.shape) or "a single number"


# The unbiased counting frame in the plane, and what lies inside it and beyond its exclusion line.
#
# H. J. G. Gundersen, "Notes on the estimation of the numerical density of arbitrary profiles: the edge effect", J.
# Microsc. 111 (1977) 219-223. Two sides of a rectangle are inclusion lines, two are exclusion lines, and these do not
# end at the corners. As the frame is usually drawn they are the left and the bottom side: the line comes down from
# infinity along the left side, runs along the bottom, and goes down to infinity from the corner at the bottom right.
# So it cuts the plane in two. Without these ends a long cell is counted by several neighbouring frames.

Corner = Literal["bottom-left", "bottom-right", "top-left", "top-right"]
Ends = Literal["vertical", "horizontal"]
Mask = npt.NDArray[np.bool_]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class CountingFrame:
    """The pixels `x0 <= x < x1` and `y0 <= y < y1`; x grows to the right, y downwards, as in images.

    The lines have no width and lie between pixels: an inclusion line belongs to the frame, an exclusion line to what is
    outside, so that frames side by side share no pixel and leave none out. Frames may reach over the edge of an image.

    `exclusion`: the corner at which the two exclusion lines meet. `ends`: whether the exclusion line runs to infinity
    along y (as usually drawn) or along x; the rule is unbiased both ways.

    Raises DataError for a frame without a pixel, or an unknown corner or direction.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    exclusion: Corner = field(default="bottom-left", kw_only=True)
    ends: Ends = field(default="vertical", kw_only=True)

    def __post_init__(self) -> None:
        if self.x0 >= self.x1 or self.y0 >= self.y1:
            x, y = f"x from {self.x0} to {self.x1}", f"y from {self.y0} to {self.y1}"
            raise DataError(f"A counting frame with {x} and {y} holds no pixel.")
        for value, known in ((self.exclusion, get_args(Corner)), (self.ends, get_args(Ends))):
            if value not in known:
                raise DataError(f"A counting frame knows no {value!r}.", f"It can be: {', '.join(known)}.")

    def moved(self, dx: int, dy: int) -> CountingFrame:
        """The same frame elsewhere."""
        return replace(self, x0=self.x0 + dx, x1=self.x1 + dx, y0=self.y0 + dy, y1=self.y1 + dy)

    def inside(self, shape: Shape) -> Mask:
        """The pixels of the frame, in an image of `shape` (rows, columns)."""
        y, x = _axes(shape)
        return (self.y0 <= y) & (y < self.y1) & (self.x0 <= x) & (x < self.x1)

    def beyond(self, shape: Shape) -> Mask:
        """The pixels on the far side of the exclusion line with its ends, in an image of `shape` (rows, columns).

        A cell in one piece that has a pixel in the frame touches the exclusion line just if it has a pixel here.
        """
        y, x = _axes(shape)
        left, bottom = self.exclusion.endswith("left"), self.exclusion.startswith("bottom")
        past_x, past_y = x < self.x0 if left else x >= self.x1, y >= self.y1 if bottom else y < self.y0
        if self.ends == "vertical":
            return past_x | (past_y & (x < self.x1 if left else x >= self.x0))
        return past_y | (past_x & (y >= self.y0 if bottom else y < self.y1))


def _axes(shape: Shape) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """The y of each row, standing, and the x of each column."""
    return np.arange(shape[0])[:, None], np.arange(shape[1])
