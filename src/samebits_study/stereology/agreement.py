"""How well a prediction agrees with the ground truth: in its count, its pixels and its cells.

From the paper, section VIII.A: error rate (Equation 3), Dice coefficient (Equation 4), precision, recall, F1 per cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from samebits.errors import DataError
from samebits_study.stereology.count import (
    CountingFrame,
    Image,
    Labels,
    Score,
    binary,
    checked_labels,
    counted,
    mean,
    only,
    ratio,
    same_shape,
)

NO_TRUE_CELL = "no cell in the ground truth"
NO_CELL_FOUND = "no cell in the prediction"
NO_CELL = "no cell in the ground truth or the prediction"
SAME_CELL = 0.5  # intersection over union


def error_rate(true: int, predicted: int) -> Score:
    """Return the error rate (Equation 3), |true - predicted| / true, in percent. Undefined if the true count is 0."""
    if min(true, predicted) < 0:
        what = f"A count of cells cannot be negative: {true} true, {predicted} predicted."
        raise DataError(what, "Give counts of 0 or more.")
    return ratio(100 * abs(true - predicted), true, NO_TRUE_CELL)


@dataclass(frozen=True)
class Overlap:
    """Numbers of cell pixels: in both masks, in the ground truth, in the prediction.

    The sum of two overlaps is that of both images.
    """

    both: int = 0
    truth: int = 0
    prediction: int = 0

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.both + other.both, self.truth + other.truth, self.prediction + other.prediction)

    @property
    def dice(self) -> Score:
        """Equation 4: 2 |A and B| / (|A| + |B|). It is undefined if both masks are empty, and 0 if only one is."""
        return ratio(2 * self.both, self.truth + self.prediction, NO_CELL)


def overlap(truth: Image, prediction: Image, name: str = "") -> Overlap:
    """Compare two binary masks of the same shape, pixel by pixel.

    Raises DataError if their shapes differ or one is not binary. `name`: of the image, for that message.
    """
    same_shape(truth, prediction, name)
    of = f" of {name}" if name else ""
    a, b = binary(truth, f"The ground truth{of}"), binary(prediction, f"The prediction{of}")
    return Overlap(int((a & b).sum()), int(a.sum()), int(b.sum()))


@dataclass(frozen=True)
class CellCounts:
    """Cells that were found (true positives), found where there is none (false positives), and missed (false
    negatives).
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: CellCounts) -> CellCounts:
        return CellCounts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> Score:
        """The share of the predicted cells that are true."""
        return ratio(self.tp, self.tp + self.fp, NO_CELL_FOUND)

    @property
    def recall(self) -> Score:
        """The share of the true cells that are predicted."""
        return ratio(self.tp, self.tp + self.fn, NO_TRUE_CELL)

    @property
    def f1(self) -> Score:
        """2 TP / (2 TP + FP + FN): the harmonic mean of precision and recall, or 0 if one of these is undefined."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn, NO_CELL)


def same_cells(truth: Labels, prediction: Labels, *, least: float = SAME_CELL) -> list[tuple[int, int]]:
    """Match the cells of two label images of the same shape, one to one.

    Returns pairs (true number, predicted number). Two cells can be a pair if their intersection over union is at least
    `least`. The default of one half is usual for nuclei (Caicedo et al., Nat. Methods 16 (2019) 1247-1253, whose
    thresholds begin there). Among all ways to pair them, the result has the most pairs, and among those with the most
    pairs, the greatest sum of intersections over union. Above one half, a cell has at most one possible partner; at one
    half or below, it may have several. Raises DataError for different shapes or types.
    """
    same_shape(truth, prediction)
    if not 0 < least <= 1:
        what = f"least={least:g} is not possible: intersection over union lies between 0 and 1."
        raise DataError(what, "Give a number above 0, at most 1.")
    true, predicted, shares = _shares(checked_labels(truth), checked_labels(prediction))
    # the shares of all pairs add up to less than one more pair
    gain = np.where(shares >= least, 1 + shares / (1 + min(shares.shape)), 0)
    pairs = zip(*optimize.linear_sum_assignment(gain, maximize=True), strict=True)
    return [(int(true[a]), int(predicted[b])) for a, b in pairs if shares[a, b] >= least]


def _shares(truth: Labels, prediction: Labels) -> tuple[Labels, Labels, npt.NDArray[np.float64]]:
    """Return the numbers of the cells in both, and how much they overlap.

    This is the intersection over union of each true cell with each predicted cell.
    """
    true, a = np.unique(truth.ravel(), return_inverse=True)
    predicted, b = np.unique(prediction.ravel(), return_inverse=True)
    both = np.bincount(a * len(predicted) + b, minlength=len(true) * len(predicted)).reshape(len(true), len(predicted))
    either = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    return true[true != 0], predicted[predicted != 0], (both / either)[true != 0][:, predicted != 0]


@dataclass(frozen=True)
class ImageAgreement:
    """The agreement on one image: counts of cells by the counting rule, all pixels, and the counted cells one by one.

    `missed`: the numbers of the counted true cells that were not found.
    """

    name: str
    true_count: int
    predicted_count: int
    pixels: Overlap
    cells: CellCounts
    missed: tuple[int, ...] = ()

    @property
    def dice(self) -> Score:
        """Equation 4, over the pixels of this image."""
        return self.pixels.dice


def agreement(
    truth: Labels, prediction: Labels, frame: CountingFrame, *, name: str = "", by_hand: int | None = None
) -> ImageAgreement:
    """Compare the label images of ground truth and prediction of one image.

    Dice is over all cells of the image, counted or not, as in the authors' public code. Counts, precision and recall
    are over the cells that the frame counts in each. `by_hand`: the true count, if people counted the cells; it
    replaces the count of the ground truth. Raises DataError for different shapes or types, and for a frame outside of
    the image.
    """
    same_shape(truth, prediction, name)
    in_truth, in_prediction = counted(truth, frame), counted(prediction, frame)
    found = [cell for cell, _ in same_cells(only(truth, in_truth), only(prediction, in_prediction))]
    return ImageAgreement(
        name,
        true_count=len(in_truth) if by_hand is None else by_hand,
        predicted_count=len(in_prediction),
        pixels=overlap(truth != 0, prediction != 0),
        cells=CellCounts(tp=len(found), fp=len(in_prediction) - len(found), fn=len(in_truth) - len(found)),
        missed=tuple(int(cell) for cell in in_truth if cell not in found),
    )


@dataclass(frozen=True)
class AnimalAgreement:
    """The agreement on all test images of one animal (the paper's ninth mouse, LU3, has 121).

    Raises DataError if there is no image.
    """

    images: tuple[ImageAgreement, ...]

    def __post_init__(self) -> None:
        if not self.images:
            raise DataError("There is no image of the animal to count cells in.", "Give at least one image.")

    @property
    def true_count(self) -> int:
        """Cells counted in the ground truth of all images."""
        return sum(image.true_count for image in self.images)

    @property
    def predicted_count(self) -> int:
        """Cells counted in the predictions of all images."""
        return sum(image.predicted_count for image in self.images)

    @property
    def error_rate(self) -> Score:
        """Equation 3 for the total count, in percent, as in the paper.

        Errors of opposite sign cancel each other across images.
        """
        return error_rate(self.true_count, self.predicted_count)

    @property
    def dice(self) -> Score:
        """The mean of the images' Dice coefficients, which the tables show. Images with empty masks are left out."""
        return mean([image.dice for image in self.images], NO_CELL)

    @property
    def without_dice(self) -> tuple[str, ...]:
        """The names of the images that `dice` leaves out, for a note under the table."""
        return tuple(image.name for image in self.images if image.dice.value is None)

    @property
    def dice_of_all_pixels(self) -> Score:
        """Equation 4 once, over the pixels of all images together. Images with more cell pixels have more weight."""
        return sum((image.pixels for image in self.images), Overlap()).dice

    @property
    def cells(self) -> CellCounts:
        """TP, FP and FN, summed over the images. Precision, recall and F1 come from these sums."""
        return sum((image.cells for image in self.images), CellCounts())
