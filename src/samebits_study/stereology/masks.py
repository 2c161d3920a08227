"""What is asked of masks and label images, and what is said of those that are something else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from skimage import measure

from samebits.errors import DataError
from samebits_study.stereology.frame import Mask

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
