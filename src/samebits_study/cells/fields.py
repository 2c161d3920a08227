"""What every source of cells gives: fields by animal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samebits.errors import DataError

Grey = NDArray[np.uint8]
Labels = NDArray[np.int32]
Rectangle = tuple[int, int, int, int]

AUTHORS_SIDE = 400  # pixels of the paper's images
AUTHORS_MARGIN = 20  # pixels that the authors leave around the frame when they crop to it
CELL = 255


@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """One field under the microscope, of one animal. Raises DataError where its arrays do not belong together.

    `image`: grey (H, W), cells dark. `mask`: (H, W) of 0 and 255. `labels`: (H, W), 0 for the background and 1 to n for
    n cells, whose union is the mask; None where cells were not told apart. `frame`: the counting frame as (x0, y0, x1,
    y1), columns x0 to x1 - 1 and rows y0 to y1 - 1. `count`: the cells that people counted with that frame; None where
    the labels say it.
    """

    animal: str
    name: str
    image: Grey
    mask: Grey
    labels: Labels | None = None
    frame: Rectangle | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        for name, part in (("mask", self.mask), ("labels", self.labels)):
            if part is not None and part.shape != self.image.shape:
                raise DataError(f"{self.name}: the image is {sides(self.image)} pixels, its {name} {sides(part)}.")
        if not np.isin(self.mask, (0, CELL)).all():
            raise DataError(f"{self.name}: the mask is not binary: it must hold 0 and {CELL} only.")
        if self.labels is not None and not np.array_equal(self.labels > 0, self.mask > 0):
            raise DataError(f"{self.name}: labels and mask do not mark the same pixels as cells.")

    @property
    def cells(self) -> int | None:
        """How many cells the labels tell apart, whole or cut by the edge of the field."""
        return None if self.labels is None else int(self.labels.max())


@dataclass(frozen=True)
class CellData:
    """Fields by animal.

    `about`: what they are, in a sentence for the report. `test_animal`: the one left out. `smallest`: blobs of fewer
    pixels are no cells; None: the paper's 250 in 400 x 400 pixels, scaled with the image. `left_out`: what of a folder
    was not taken, in words.
    """

    about: str
    animals: dict[str, tuple[Field, ...]]
    test_animal: str
    smallest: int | None = None
    left_out: str = ""

    @property
    def training(self) -> list[Field]:
        """The fields of all animals but the one left out."""
        return [field for animal, fields in self.animals.items() if animal != self.test_animal for field in fields]

    @property
    def test(self) -> list[Field]:
        """The fields of the animal left out."""
        return list(self.animals[self.test_animal])


def inset_frame(size: int) -> Rectangle:
    """A frame for a square field that comes without one: inset by 20 pixels of 400, as in the authors' crops."""
    margin = round(size * AUTHORS_MARGIN / AUTHORS_SIDE)
    return margin, margin, size - margin, size - margin


def mask_of(labels: NDArray[np.integer]) -> Grey:
    """The mask (0 and 255) of labelled cells."""
    return np.where(labels > 0, CELL, 0).astype(np.uint8)


def renumbered(labels: NDArray[np.integer]) -> Labels:
    """Labels 1 to n, in the order of the old ones, without gaps."""
    _, numbers = np.unique(np.append(0, labels.ravel()), return_inverse=True)
    return numbers[1:].reshape(labels.shape).astype(np.int32)


def left_out(numbers: dict[str, int], what: str, tested: str) -> str:
    """What was not taken of the animals, in words: `17 images beyond 2 a mouse (15 of LU3, the test)`."""
    every = sum(numbers.values())
    return f"{every:,} {what} ({numbers.get(tested, 0):,} of {tested}, the test)" if every else ""


def sides(picture: NDArray[np.generic]) -> str:
    """Width and height, for people."""
    return f"{picture.shape[1]} x {picture.shape[0]}"
