"""From a U-Net's prediction to counted cells: threshold, small blobs out, touching cells apart, the counting rule.

The paper, section IX: "post-processed by thresholding at 127 (pixel value), removing small size blobs less than 250
pixels and applying unbiased stereology counting rules". It does not say that touching cells are split; the authors'
public code does, and so this is left to choose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import measure, morphology, segmentation

from samebits.errors import DataError
from samebits_study.stereology.masks import CountingFrame, Image, Labels, Mask, Shape, checked_labels, flat, size

THRESHOLD = 127  # of 255
SMALLEST, SMALLEST_IN = 250, 400 * 400  # the paper's smallest blob, in an image of the paper's size, both in pixels
SHALLOW = 2.0  # pixels: a waist no deeper than this splits no cell (the h of the authors' imextendedmin)
ROUNDING = 1e-5  # a softmax in float32 may end this far outside 0 to 1


def scaled_smallest(shape: Shape) -> int:
    """The fewest pixels of a cell, in an image of `shape`: 250 in the paper's 400 x 400, scaled with the area.

    That is right where images show a field of the paper's size at another resolution. For a cut-out, or another
    magnification, give the number yourself.
    """
    return -(-SMALLEST * shape[0] * shape[1] // SMALLEST_IN)


def post_process(
    prediction: Image, *, threshold: int = THRESHOLD, smallest: int | None = None, watershed: bool = False
) -> Labels:
    """Number the cells of a prediction of shape (rows, columns): uint8 from 0 to 255, or floats from 0 to 1.

    A pixel is cell where it is above `threshold` (of 255). Floats are rounded to 255 levels first, so that a prediction
    and the picture saved of it have the same cells. Pixels that touch at a corner are one blob. Blobs of less than
    `smallest` pixels go (default: `scaled_smallest`). Then `watershed` splits cells that touch (see `split`): no part
    goes, however small.

    Gives a label image: 0 is background, cells have numbers from 1 on, row by row. Raises DataError for other types or
    shapes, values outside the range, NaN.
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
        raise DataError(
            f"A prediction is of uint8 (0 to 255) or of floats (0 to 1); this one is of {prediction.dtype}."
        )
    if not np.isfinite(prediction).all():
        raise DataError(f"The prediction holds {(~np.isfinite(prediction)).sum()} values that are NaN or infinite.")
    low, high = float(prediction.min()), float(prediction.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise DataError(f"A prediction in floats lies between 0 and 1; this one between {low:g} and {high:g}.")
    return np.rint(prediction.clip(0, 1) * 255.0).astype(np.uint8)


def split(mask: Mask) -> Labels:
    """Number the cells of a mask, cells that touch apart: a watershed of the distance to the background.

    A blob is split where its distance map has several maxima and the way from one to another goes down by more than
    `SHALLOW` pixels, as in the authors' public code; no pixel is given up, where that code blanks the dividing lines.
    What becomes of a blob depends on this blob alone. The edge of the image counts as background.
    """
    padded = np.pad(mask, 1)
    # background lies far below, so that every blob has a maximum of its own, whatever blobs are near
    height = np.where(padded, ndimage.distance_transform_edt(padded), -2 * SHALLOW)
    # the h-maxima transform; its regional maxima are the extended maxima (Soille, Morphological Image Analysis, ch. 6)
    lowered = morphology.reconstruction(height - SHALLOW, height)
    tops = measure.label(morphology.local_maxima(lowered), connectivity=2)
    labels: Labels = segmentation.watershed(-height, tops, connectivity=2, mask=padded)
    return labels[1:-1, 1:-1]


def without_small(labels: Labels, smallest: int) -> Labels:
    """The cells of at least `smallest` pixels, numbered from 1 on in the order they had."""
    kept = np.bincount(labels.ravel()) >= smallest
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[labels]


def counted(labels: Labels, frame: CountingFrame) -> tuple[int, ...]:
    """The numbers of the cells that the unbiased counting rule counts, ascending.

    Counted is a cell that lies in the frame or touches an inclusion line, and touches no exclusion line or its ends: it
    has a pixel in the frame and none beyond the exclusion line. Of the frames that tile a plane just one counts a cell,
    whatever its shape and size. Raises DataError for what is no label image, and for a frame that lies outside it.
    """
    shape = checked_labels(labels).shape
    inside = frame.inside(shape)
    if not inside.any():
        where = f"x {frame.x0} to {frame.x1}, y {frame.y0} to {frame.y1}"
        raise DataError(
            f"The counting frame ({where}) lies outside the image, which is {size(labels)} (rows x columns)."
        )
    reaching = np.setdiff1d(labels[inside], labels[frame.beyond(shape)])
    return tuple(reaching[reaching != 0].tolist())


def only(labels: Labels, numbers: Iterable[int]) -> Labels:
    """The label image with no cells but these: the paper's "post-processed mask" (Figure 4c and 4e)."""
    return np.where(np.isin(labels, list(numbers)), labels, 0)


# A number that may be undefined, and then says why.


@dataclass(frozen=True)
class Score:
    """A finite number, or None with the reason in `undefined`. Never NaN."""

    value: float | None
    undefined: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.undefined) or not math.isfinite(self.value or 0.0):
            raise ValueError(f"a score is a finite number or says why there is none, not {self!r}")

    def shown(self, digits: int = 3) -> str:
        """For a table: the number with so many digits after the point, or `undefined: no cell in the ground truth`."""
        return f"undefined: {self.undefined}" if self.value is None else f"{self.value:.{digits}f}"


def ratio(part: float, whole: float, undefined: str) -> Score:
    """A part of a whole; where the whole is 0, undefined for this reason."""
    return Score(part / whole) if whole else Score(None, undefined)


def mean(scores: Sequence[Score], undefined: str) -> Score:
    """The mean of those that are defined; where none is, undefined for this reason."""
    values = [score.value for score in scores if score.value is not None]
    return ratio(math.fsum(values), len(values), undefined)
