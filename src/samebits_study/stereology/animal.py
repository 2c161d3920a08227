"""The images of one animal taken together: what a row of the paper's Tables 3 to 5 says of a model."""

from __future__ import annotations

from dataclasses import dataclass

from samebits.errors import DataError
from samebits_study.stereology.agreement import NO_CELL, CellCounts, ImageAgreement, Overlap, error_rate
from samebits_study.stereology.count import Score, mean


@dataclass(frozen=True)
class AnimalAgreement:
    """All test images of one animal (the paper's ninth mouse, LU3, has 121). Raises DataError without an image."""

    images: tuple[ImageAgreement, ...]

    def __post_init__(self) -> None:
        if not self.images:
            raise DataError("There is no image of the animal to count cells in.")

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
        """Equation 3 on the total count, in percent, as in the paper. Errors of opposite sign cancel across images."""
        return error_rate(self.true_count, self.predicted_count)

    @property
    def dice(self) -> Score:
        """The mean of the images' Dice coefficients: the one in the tables. Images with empty masks are left out."""
        return mean([image.dice for image in self.images], NO_CELL)

    @property
    def without_dice(self) -> tuple[str, ...]:
        """The names of the images that `dice` leaves out, for a note under the table."""
        return tuple(image.name for image in self.images if image.dice.value is None)

    @property
    def dice_of_all_pixels(self) -> Score:
        """Equation 4 once, over the pixels of all images together: images with much cell weigh more."""
        return sum((image.pixels for image in self.images), Overlap()).dice

    @property
    def cells(self) -> CellCounts:
        """TP, FP and FN summed over the images; precision, recall and F1 are of these sums."""
        return sum((image.cells for image in self.images), CellCounts())
