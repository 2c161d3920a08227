"""Counts the cells of a U-Net's prediction: threshold, no small blobs, touching cells split, the counting rule.

The paper, section IX: "post-processed by thresholding at 127 (pixel value), removing small size blobs less than 250
pixels and applying unbiased stereology counting rules". It does not say that touching cells are split, but the authors'
public code splits them. So this is an option.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import measure, morphology, segmentation

from samebits import words
from samebits.errors import DataError

Image = npt.NDArray[Any]
Labels = npt.NDArray[np.integer[Any]]  # 0: background; every cell has its own number

SHOWN = 6  # how many values an error names of a mask that is not binary


def binary(mask: Image, what: str = "The mask") -> Mask:
    """Return a mask of bool, of 0 and 1, or of 0 and 255, as bool.

    Its shape is (rows, columns). Raises DataError for anything else, and names the values found. `what`: the subject of
    that sentence.
    """
    flat(mask, what)
    values = np.unique(mask)
    if not (np.isin(values, (0, 1)).all() or np.isin(values, (0, 255)).all()):
        shown = words.first_few([str(value) for value in values], SHOWN)
        advice = (
            "A mask holds 0 and 1, or 0 and 255. JPEG and smooth resizing make values between: use PNG, and "
            "nearest-neighbour resizing."
        )
        raise DataError(f"{what} is not binary: it holds {shown}.", advice)
    cells: Mask = mask != 0
    return cells


def cells_of(mask: Image, what: str = "The mask") -> Labels:
    """Number the cells of a binary mask from 1 on, row by row. Pixels that touch at a corner are one cell.

    Raises DataError if the mask is not binary.
    """
    labels: Labels = measure.label(binary(mask, what), connectivity=2)
    return labels


def checked_labels(labels: Image, what: str = "The label image") -> Labels:
    """Return the label image, if it is one: two dimensions, whole numbers, 0 for the background.

    Otherwise raises DataError.
    """
    flat(labels, what)
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{what} holds {labels.dtype}, not whole numbers.", "Number the cells of a mask with cells_of.")
    if labels.min() < 0:
        raise DataError(f"{what} holds {labels.min()}.", "Give cells numbers from 1 on, and the background 0.")
    return labels


def same_shape(truth: Image, prediction: Image, name: str = "") -> None:
    """Raise DataError, with both sizes, if ground truth and prediction differ in size."""
    if truth.shape != prediction.shape:
        raise DataError(
            f"{name + ': t' if name else 'T'}he ground truth is {size(truth)} and the prediction {size(prediction)}.",
            "Bring both to the same size before they are compared.",
        )


def flat(image: Image, what: str) -> None:
    """Raise DataError if an image does not have two dimensions, or has no pixel."""
    if image.ndim != 2 or not image.size:
        raise DataError(f"{what} is {size(image)}, not rows x columns with a pixel.", "Give two dimensions.")


def size(image: Image) -> str:
    """`400 x 400`, rows first."""
    return " x ".join(str(length) for length in image.shape) or "a single number"


# The unbiased counting frame in the plane, and what lies inside it and beyond its exclusion line.
#
# H. J. G. Gundersen, "Notes on the estimation of the numerical density of arbitrary profiles: the edge effect", J.
# Microsc. 111 (1977) 219-223. Two sides of a rectangle are inclusion lines. Two are exclusion lines, which do not end
# at the corners. In the usual drawing, these are the left and the bottom side: the line comes down from infinity along
# the left side, runs along the bottom, and goes down to infinity from the corner at the bottom right. So it cuts the
# plane in two. Without these ends, several neighbouring frames would count a long cell.

Corner = Literal["bottom-left", "bottom-right", "top-left", "top-right"]
Ends = Literal["vertical", "horizontal"]
Mask = npt.NDArray[np.bool_]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class CountingFrame:
    """The pixels `x0 <= x < x1` and `y0 <= y < y1`; x grows to the right, y downwards, as in images.

    The lines have no width and lie between pixels. An inclusion line belongs to the frame, and an exclusion line to the
    outside. So frames side by side share no pixel and leave none out. Frames may reach beyond the edge of an image.

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
            raise DataError(f"A counting frame with {x} and {y} holds no pixel.", "Make x1 > x0 and y1 > y0.")
        for value, known in ((self.exclusion, get_args(Corner)), (self.ends, get_args(Ends))):
            if value not in known:
                raise DataError(f"A counting frame cannot have {value!r}.", f"Choose from: {', '.join(known)}.")

    def moved(self, dx: int, dy: int) -> CountingFrame:
        """Return the same frame at a different place."""
        return replace(self, x0=self.x0 + dx, x1=self.x1 + dx, y0=self.y0 + dy, y1=self.y1 + dy)

    def inside(self, shape: Shape) -> Mask:
        """Return the pixels of the frame, in an image of `shape` (rows, columns)."""
        y, x = _axes(shape)
        return (self.y0 <= y) & (y < self.y1) & (self.x0 <= x) & (x < self.x1)

    def beyond(self, shape: Shape) -> Mask:
        """Return the pixels on the far side of the exclusion line with its ends.

        `shape`: of the image (rows, columns). A connected cell with a pixel in the frame touches the exclusion
        line if and only if it has a pixel here.
        """
        y, x = _axes(shape)
        left, bottom = self.exclusion.endswith("left"), self.exclusion.startswith("bottom")
        past_x, past_y = x < self.x0 if left else x >= self.x1, y >= self.y1 if bottom else y < self.y0
        if self.ends == "vertical":
            return past_x | (past_y & (x < self.x1 if left else x >= self.x0))
        return past_y | (past_x & (y >= self.y0 if bottom else y < self.y1))


def _axes(shape: Shape) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Return the y of each row, as an array of one column, and the x of each column."""
    return np.arange(shape[0])[:, None], np.arange(shape[1])


THRESHOLD = 127  # of 255
SMALLEST, SMALLEST_IN = 250, 400 * 400  # the paper's smallest blob, and the paper's image size, in pixels
# pixels: a waist that is not deeper than this does not split a cell (the h of the authors' imextendedmin)
SHALLOW = 2.0
ROUNDING = 1e-5  # the result of a softmax in float32 may lie this far outside of 0 to 1


def scaled_smallest(shape: Shape) -> int:
    """Return the fewest pixels of a cell, in an image of `shape`.

    These are 250 in the paper's 400 x 400 pixels, scaled with the area. This is right if images show a field of the
    paper's size at a different resolution. For a cropped field or a different magnification, give the number
    yourself.
    """
    return -(-SMALLEST * shape[0] * shape[1] // SMALLEST_IN)


def post_process(
    prediction: Image, *, threshold: int = THRESHOLD, smallest: int | None = None, watershed: bool = False
) -> Labels:
    """Number the cells of a prediction of shape (rows, columns): uint8 from 0 to 255, or floats from 0 to 1.

    A pixel belongs to a cell if it is above `threshold` (of 255). Floats are rounded to 255 levels first, so that a
    prediction and its saved picture have the same cells. Pixels that touch at a corner belong to one blob. Blobs of
    fewer than `smallest` pixels are removed (default: `scaled_smallest`). Then `watershed` splits touching cells (see
    `split`), and no part is removed, however small. Returns a label image: 0 is background, and cells have numbers from
    1 on, row by row. Raises DataError for different types or shapes, values outside of the range, and NaN.
    """
    mask = _levels(prediction) > threshold
    blobs = measure.label(mask, connectivity=2)
    kept = without_small(blobs, scaled_smallest(mask.shape) if smallest is None else smallest)
    return split(kept > 0) if watershed else kept


def _levels(prediction: Image) -> npt.NDArray[np.uint8]:
    flat(prediction, "The prediction")
    if prediction.dtype == np.uint8:
        return prediction
    if not np.issubdtype(prediction.dtype, np.floating):
        what = f"The prediction is of {prediction.dtype}, not of uint8 or floats."
        raise DataError(what, "Give uint8 from 0 to 255, or floats from 0 to 1.")
    if not np.isfinite(prediction).all():
        lost = int((~np.isfinite(prediction)).sum())
        are = words.agree(lost, "is", "are")
        what = f"The prediction holds {words.count(lost, 'value')} that {are} NaN or infinite."
        raise DataError(what, "Replace them before counting.")
    low, high = float(prediction.min()), float(prediction.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        what = f"A prediction in floats lies between 0 and 1; this one between {low:g} and {high:g}."
        raise DataError(what, "Divide it by its largest possible value.")
    return np.rint(prediction.clip(0, 1) * 255.0).astype(np.uint8)


def split(mask: Mask) -> Labels:
    """Number the cells of a mask, and split touching cells by a watershed of the distance to the background.

    A blob is split if its distance map has several maxima and the path from one to the next falls by more than
    `SHALLOW` pixels, as in the authors' public code. That code removes the pixels on the dividing lines; here no pixel
    is lost. The edge of the image counts as background. Other blobs do not change into how many cells a blob is split,
    but pixels that are equally far from two cells may then go to a different one of the two.
    """
    padded = np.pad(mask, 1)
    # background lies far below, so that every blob has its own maximum, whatever blobs are near
    height = np.where(padded, ndimage.distance_transform_edt(padded), -2 * SHALLOW)
    # the h-maxima transform; its regional maxima are the extended maxima (Soille, Morphological Image Analysis, ch. 6)
    lowered = morphology.reconstruction(height - SHALLOW, height)
    tops = measure.label(morphology.local_maxima(lowered), connectivity=2)
    labels: Labels = segmentation.watershed(-height, tops, connectivity=2, mask=padded)
    return labels[1:-1, 1:-1]


def without_small(labels: Labels, smallest: int) -> Labels:
    """Return the cells of at least `smallest` pixels, numbered from 1 on in the same order."""
    kept = np.bincount(labels.ravel()) >= smallest
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[labels]


def counted(labels: Labels, frame: CountingFrame) -> tuple[int, ...]:
    """Return the numbers of the cells that the unbiased counting rule counts, ascending.

    A cell is counted if it lies in the frame or touches an inclusion line, and does not touch an exclusion line or its
    ends. That means: it has a pixel in the frame, and none beyond the exclusion line. If frames tile a plane, exactly
    one of them counts a cell, whatever its shape and size. Raises DataError for anything that is not a label image, and
    for a frame outside of it.
    """
    shape = checked_labels(labels).shape
    inside = frame.inside(shape)
    if not inside.any():
        where = f"x {frame.x0} to {frame.x1}, y {frame.y0} to {frame.y1}"
        what = f"The counting frame ({where}) lies outside the image, which is {size(labels)} (rows x columns)."
        raise DataError(what, "Give a frame inside the image.")
    reaching = np.setdiff1d(labels[inside], labels[frame.beyond(shape)])
    return tuple(reaching[reaching != 0].tolist())


def only(labels: Labels, numbers: Iterable[int]) -> Labels:
    """Return the label image with only these cells: the paper's "post-processed mask" (Figure 4c and 4e)."""
    return np.where(np.isin(labels, list(numbers)), labels, 0)


# A number, or the reason why it is undefined.


@dataclass(frozen=True)
class Score:
    """A finite number, or None with the reason in `undefined`. Never NaN."""

    value: float | None
    undefined: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.undefined) or not math.isfinite(self.value or 0.0):
            raise ValueError(f"a score is a finite number or says why there is none, not {self!r}")


def ratio(part: float, whole: float, undefined: str) -> Score:
    """Return a part of a whole; if the whole is 0, undefined for this reason."""
    return Score(part / whole) if whole else Score(None, undefined)


def mean(scores: Sequence[Score], undefined: str) -> Score:
    """Return the mean of the defined scores; if none is defined, undefined for this reason."""
    values = [score.value for score in scores if score.value is not None]
    return ratio(math.fsum(values), len(values), undefined)
