"""The result of every source of cells: fields by animal.

This module also reads pictures from files, and resizes them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import io, segmentation, transform

from samebits.errors import DataError
from samebits.words import count, first_few

Grey = NDArray[np.uint8]
Labels = NDArray[np.int32]
Rectangle = tuple[int, int, int, int]

AUTHORS_SIDE = 400  # pixels of the paper's images
AUTHORS_MARGIN = 20  # pixels that the authors leave around the frame when they crop to it
CELL = 255


@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """One field under the microscope, of one animal. Raises DataError if its arrays do not belong together.

    `image`: grey (H, W), cells dark. `mask`: (H, W) of 0 and 255. `labels`: (H, W), 0 for the background and 1 to n for
    n cells, whose union is the mask; None if single cells are not marked. `frame`: the counting frame as (x0, y0, x1,
    y1), columns x0 to x1 - 1 and rows y0 to y1 - 1. `count`: how many cells people counted with that frame; None if the
    labels give the count.
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
                what = f"{self.name}: the image is {sides(self.image)} pixels, its {name} {sides(part)}."
                raise DataError(what, _SAME_SIZE)
        if not np.isin(self.mask, (0, CELL)).all():
            raise DataError(f"{self.name}: the mask is not binary.", f"Use the values 0 and {CELL} only.")
        if self.labels is not None and not np.array_equal(self.labels > 0, self.mask > 0):
            what = f"{self.name}: labels and mask do not mark the same pixels as cells."
            raise DataError(what, "Make the mask from the labels.")

    @property
    def cells(self) -> int | None:
        """How many cells the labels have, whole or cut by the edge of the field."""
        return None if self.labels is None else int(self.labels.max())


@dataclass(frozen=True)
class CellData:
    """Fields by animal.

    `about`: what they are, in a sentence for the report. `test_animal`: the one left out. `smallest`: blobs of fewer
    pixels are no cells; None: the paper's 250 in 400 x 400 pixels, scaled with the image. `left_out`: what was left out
    of a folder, in words.
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
    """Return a frame for a square field that comes without one: inset by 20 pixels of 400, as in the authors' crops."""
    margin = round(size * AUTHORS_MARGIN / AUTHORS_SIDE)
    return margin, margin, size - margin, size - margin


def mask_of(labels: NDArray[np.integer]) -> Grey:
    """Return the mask (0 and 255) of labelled cells."""
    return np.where(labels > 0, CELL, 0).astype(np.uint8)


def widest_cell(labels: NDArray[np.integer]) -> int:
    """Return the width or height in pixels of the largest cell; 0 if there is none."""
    found = ndimage.find_objects(labels)
    return max((side.stop - side.start for cell in found if cell for side in cell), default=0)


def renumbered(labels: NDArray[np.integer]) -> Labels:
    """Return the labels 1 to n, in the order of the old ones, without gaps."""
    return np.asarray(segmentation.relabel_sequential(labels)[0], np.int32)


def left_out(numbers: dict[str, int], what: str, tested: str) -> str:
    """Describe which images of the animals were left out: `17 images beyond 2 per mouse (15 of LU3, the test)`."""
    every = sum(numbers.values())
    return f"{every:,} {what} ({numbers.get(tested, 0):,} of {tested}, the test)" if every else ""


def sides(picture: NDArray[np.generic]) -> str:
    """Return the width and height as text."""
    return f"{picture.shape[1]} x {picture.shape[0]}"


_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)  # what readers raise for broken PNGs
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MANY = 3  # names in an error
_SAME_SIZE = "Bring both to the same size."


def read(path: Path) -> NDArray[Any]:
    """Return a picture as it is in a PNG file: (H, W) or (H, W, channels). Raises DataError."""
    try:
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE:  # otherwise every available reader would try the file
                raise ValueError("it is not a PNG file")
        return np.asarray(io.imread(path))
    except BROKEN as why:
        raise DataError(f"{path} cannot be read as a picture: {why}", "Save it as PNG, or remove it.") from None


def read_colour(path: Path) -> Grey:
    """Return a picture of red, green and blue, (H, W, 3). Raises DataError."""
    picture = read(path)
    if picture.ndim != 3 or picture.shape[2] < 3 or picture.dtype != np.uint8:
        raise DataError(f"{path} is not a picture in colour.", "Save it with 8 bits each of red, green and blue.")
    return picture[:, :, :3]


def read_grey(path: Path) -> Grey:
    """Return a picture as grey levels (H, W): colours by their luminance. Raises DataError."""
    picture = read(path)
    if picture.dtype != np.uint8:
        raise DataError(f"{path} has {picture.dtype} pixels, not bytes.", "Save it with 8 bits for each channel.")
    if picture.ndim == 2 or picture.shape[2] < 3:  # grey, or grey with transparency
        return _first_channel(picture)
    grey: Grey = np.rint(picture[:, :, :3] @ np.array(_LUMINANCE)).astype(np.uint8)
    return grey


def read_mask(path: Path) -> Grey:
    """Return a mask of 0 and 255.

    It may be without cells. The file may hold 1 instead of 255. Raises DataError if it is not binary.
    """
    picture = read(path)
    if picture.ndim == 3 and (picture[:, :, :3] != picture[:, :, :1]).any() and picture.shape[2] > 2:
        raise DataError(f"{path} is in colour: a mask has one channel.", "Save it in grey, without smoothing.")
    picture = _first_channel(picture)
    values = np.unique(picture)
    if not set(values.tolist()) <= {0, 1} and not set(values.tolist()) <= {0, CELL}:
        many = f"{len(values)} different values, from {values[0]} to {values[-1]}"
        raise DataError(
            f"{path} is not binary: it holds {many if len(values) > 1 else f'only the value {values[0]}'}.",
            f"A mask holds 0 for the background and {CELL} (or 1) for cells.",
        )
    return mask_of(picture)


def _first_channel(picture: NDArray[Any]) -> NDArray[Any]:
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[:, :, 0])


def resized(image: Grey, size: int) -> Grey:
    """Return a grey picture resized to size x size. It is smoothed first if it becomes smaller."""
    if image.shape == (size, size):
        return image
    grey: Any = transform.resize(image.astype(np.float64), (size, size), order=1, anti_aliasing=True)
    return np.asarray(np.rint(grey).clip(0, 255), np.uint8)


def resized_mask(mask: Grey, size: int) -> Grey:
    """Return a mask resized to size x size: every pixel is its nearest neighbour."""
    if mask.shape == (size, size):
        return mask
    return np.asarray(transform.resize(mask, (size, size), order=0, anti_aliasing=False, preserve_range=True), np.uint8)


def by_name(folder: Path) -> dict[str, Path]:
    """Return the PNG files below a folder by their names without the ending. Raises DataError if a name comes twice."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.png")):
        if path.name.startswith("."):
            continue  # files that macOS leaves beside others
        if path.stem in found:
            what = f"{path} and {found[path.stem]} have the same name, but each field needs its own."
            raise DataError(what, "Rename or remove one of the two.")
        found[path.stem] = path
    return found


def check_pairs(images: dict[str, Path], masks: dict[str, Path], what: str, folder: Path) -> None:
    """Refuse images without masks (or without labels: `what`), and masks without images. Raises DataError."""
    if not images:
        raise DataError(f"{folder} holds no images.", "Put PNG files there.")
    without, alone = sorted(set(images) - set(masks)), sorted(set(masks) - set(images))
    if without or alone:
        lines = [f"{folder}: {count(len(images), 'image')} and {len(masks)} {what} do not belong together."]
        lines += [f"   without {what}: {first_few(without, _MANY)}"] if without else []
        lines += [f"   {what} without image: {first_few(alone, _MANY)}"] if alone else []
        raise DataError("\n".join(lines), f"Each image needs {what} of the same name: add or remove files.")


def check_sizes(image: NDArray[Any], path: Path, other: NDArray[Any], other_path: Path) -> None:
    """Refuse two pictures of different sizes. Raises DataError."""
    if image.shape[:2] != other.shape[:2]:
        raise DataError(f"{path} is {sides(image)} pixels, {other_path} is {sides(other)}.", _SAME_SIZE)
