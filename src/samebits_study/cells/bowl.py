"""The stained pictures of the 2018 Data Science Bowl and their labels: with a label image each, or as published."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.errors import DataError, NotFound
from samebits_study.cells import pictures

ADDRESS = "https://github.com/lopuhin/kaggle-dsb-2018"
HOW_TO_GET = f"git clone {ADDRESS}, and give that folder: its stage1_train is the set, with labels mended, CC0."
PUBLISHED = "stage1_train"
_SHAPE = (256, 320)  # of the stained pictures that this was tried with
_NAMED = 16  # digits of a name that tell pictures apart

Marks = NDArray[np.integer]


class Slide(NamedTuple):
    """A picture in colour, and how its labels are read: 0 for the background, a number for each cell. `marked`: the
    file or folder they are in."""

    name: str
    image: Path
    marked: Path
    labels: Callable[[], Marks]


def stained_pictures(folder: Path) -> list[Slide]:
    """The stained pictures of a folder, in the order of their names.

    The folder holds images/NAME.png (colour) and labels/NAME.png; or, as published, stage1_train (or what is in it):
    NAME/images/NAME.png and NAME/masks/*.png, one mask a cell, of which the coloured pictures of 320 x 256 pixels are
    taken. Raises NotFound where it holds neither, DataError where images and labels do not match.
    """
    if (folder / "images").is_dir() and (folder / "labels").is_dir():
        return _labelled(folder)
    published = folder / PUBLISHED if (folder / PUBLISHED).is_dir() else folder
    if published.is_dir() and any(published.glob("*/masks")):
        return _published(published)
    raise NotFound(
        f"{folder} holds no stained cells: no images/ with labels/, and no {PUBLISHED}/ with a folder a picture.",
        HOW_TO_GET,
    )


def _labelled(folder: Path) -> list[Slide]:
    images, labels = pictures.by_name(folder / "images"), pictures.by_name(folder / "labels")
    pictures.check_pairs(images, labels, "labels", folder)
    return [Slide(name, images[name], labels[name], partial(_label_image, labels[name])) for name in sorted(images)]


def _label_image(path: Path) -> Marks:
    labels = pictures.read(path)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path} is no label image: it has one whole number for each pixel.")
    return labels


def _published(folder: Path) -> list[Slide]:
    found = []
    for image in sorted(folder.glob("*/images/*.png")):
        masks = image.parent.parent / "masks"
        colour = pictures.read(image)
        if colour.shape[:2] == _SHAPE and colour.ndim == 3 and (colour[:, :, 0] != colour[:, :, 1]).any():
            if not any(masks.glob("*.png")):
                raise DataError(f"{image} has no masks: there is no PNG file in {masks}.")
            found.append(Slide(image.stem[:_NAMED], image, masks, partial(_numbered, masks, _SHAPE)))
    return found


def _numbered(folder: Path, shape: tuple[int, int]) -> Marks:
    """Labels of masks, one a cell, in the order of their names. Where two overlap, the later one has the pixel."""
    labels = np.zeros(shape, np.int32)
    for number, path in enumerate(sorted(folder.glob("*.png")), 1):
        mask = pictures.read(path)
        pictures.check_sizes(labels, folder, mask, path)
        labels[(mask if mask.ndim == 2 else mask[:, :, 0]) > 0] = number
    return labels
