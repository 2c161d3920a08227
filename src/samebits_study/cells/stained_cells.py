"""Real cells: the stained or the fluorescent pictures of the 2018 Data Science Bowl, cut into square tiles.

The set was made by the Carpenter lab of the Broad Institute and is in the public domain (CC0). It does not say which
animal a picture shows. So the pictures are put into nine groups in the order of their names, and a group stands for an
animal. Names are digests, so the groups are random. Pictures of one slide can be in several groups, so a score on the
ninth group says nothing about new slides; it serves to compare trials with each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samebits import words
from samebits.errors import DataError, NotFoundError
from samebits_study.cells import fields
from samebits_study.cells.fields import CellData, Field, Grey, Labels, inset_frame, left_out, mask_of, renumbered, sides

ABOUT = "real {} (2018 Data Science Bowl, CC0); groups of pictures take the place of nine animals"
STAINED, FLUORESCENT = "stained cells", "fluorescent nuclei, grey levels stretched and inverted"
GROUPS, TESTED = 9, "G9"
# pixels: 99 of 100 of the 4,550 nuclei marked in the 107 stained pictures are larger; fluorescent nuclei are smaller
SMALLEST = {STAINED: 25, FLUORESCENT: 10}
_RED = 0
_STRETCHED = (1, 99.8)  # percentiles of a fluorescent picture that become white and black

Tile = tuple[str, Grey, Labels]


def read(folder: Path, size: int, fields_per_animal: int | None = None, *, nuclei: int = 0) -> CellData:
    """Return tiles of `size` x `size` pixels with a cell in them, at most `fields_per_animal` a group.

    G9 is the test. `folder`: as `stained_pictures` has it. `nuclei`: as in `CellSettings`. Pictures are not resized.
    The grey level is the red light that comes through: purple stains absorb it and pink ones do not. So nuclei are dark
    on a light ground, like neurons in NeuN, even in the pinkest picture. A picture in grey shows fluorescence, so it is
    inverted. Raises NotFoundError if there is no such folder, DataError if images and labels do not match, or are
    smaller than a tile.
    """
    every = stained_pictures(folder)
    found = [picture for picture in every if not nuclei or fields.widest_cell(picture.labels()) <= nuclei]
    if len(found) < GROUPS:
        fit = f" with no cell wider than {nuclei} pixels" if nuclei else ""
        what = f"{folder} holds {words.count(len(found), 'image')}{fit}; {GROUPS} groups need at least {GROUPS}."
        raise DataError(what, "Add images.")
    groups = {f"G{number + 1}": found[number::GROUPS] for number in range(GROUPS)}
    tested = f"G8 and {TESTED}" if nuclei else TESTED
    if nuclei:
        groups[tested] = groups.pop("G8") + groups.pop(TESTED)
    kind = FLUORESCENT if all(fields.read(picture.image).ndim == 2 for picture in found) else STAINED
    animals, empty, beyond = {}, {}, {}
    for group, pictures in groups.items():
        cut = [_tiles(picture, size, gaps=bool(nuclei)) for picture in pictures]
        tiles = [[tile for tile in one if tile[2].any()] for one in cut]
        animals[group] = _fields(group, tiles, fields_per_animal)
        with_cells = sum(map(len, tiles))
        empty[group], beyond[group] = sum(map(len, cut)) - with_cells, with_cells - len(animals[group])
    wide = words.count(len(every) - len(found), "picture")
    missing = (
        f"{wide} with a cell wider than {nuclei} pixels" if len(every) > len(found) else "",
        left_out(empty, "tiles without a cell", tested),
        left_out(beyond, f"tiles beyond {fields_per_animal} per group", tested),
    )
    said = "; ".join(part for part in missing if part)
    return CellData(ABOUT.format(kind), animals, test_animal=tested, smallest=SMALLEST[kind], left_out=said)


def _light(path: Path) -> Grey:
    """Return the grey levels of a picture, with dark cells."""
    picture = fields.read(path)
    if picture.ndim != 2:
        return fields.read_colour(path)[:, :, _RED]
    low, high = np.percentile(picture, _STRETCHED)
    stretched = ((picture - low) / max(high - low, 1)).clip(0, 1)
    return np.asarray(np.rint(255 * (1 - stretched)), np.uint8)


def with_gaps(labels: Marks) -> Marks:
    """Return the labels without the pixels that touch a different cell, also at a corner."""
    others = np.where(labels > 0, labels, np.iinfo(labels.dtype).max)
    touching = (ndimage.maximum_filter(labels, 3) > labels) | (ndimage.minimum_filter(others, 3) < labels)
    return np.where(touching, 0, labels)


def _tiles(picture: Slide, size: int, *, gaps: bool) -> list[Tile]:
    """Return the tiles of a picture, row by row, centred."""
    light, labels = _light(picture.image), picture.labels()
    fields.check_sizes(light, picture.image, labels, picture.marked)
    labels = with_gaps(labels) if gaps else labels
    down, across = (side // size for side in labels.shape)
    if not down or not across:
        raise DataError(
            f"{picture.image} is {sides(labels)} pixels: no tile of {size} x {size} fits.",
            f"A tile has at most {min(labels.shape) // 16 * 16} pixels a side here.",
        )
    top, left = (labels.shape[0] - down * size) // 2, (labels.shape[1] - across * size) // 2
    tiles = []
    for number in range(down * across):
        row, column = top + number // across * size, left + number % across * size
        part = np.s_[row : row + size, column : column + size]
        name, grey = f"{picture.name}_{number + 1}", np.ascontiguousarray(light[part])
        tiles.append((name, grey, renumbered(labels[part])))
    return tiles


def _fields(group: str, tiles: list[list[Tile]], most: int | None) -> tuple[Field, ...]:
    """Return the first tile of each picture, then the second of each, and so on."""
    in_turn = [tile for turn in zip_longest(*tiles) for tile in turn if tile is not None]
    return tuple(
        Field(animal=group, name=name, image=image, mask=mask_of(labels), labels=labels, frame=inset_frame(len(image)))
        for name, image, labels in in_turn[:most]
    )


# The stained pictures of the 2018 Data Science Bowl and their labels: with a label image for each, or as published.

ADDRESS = "https://github.com/lopuhin/kaggle-dsb-2018"
HOW_TO_GET = f"git clone {ADDRESS}, and give that folder: its stage1_train is the set, with corrected labels, CC0."
PUBLISHED = "stage1_train"
_SHAPE = (256, 320)  # the size of the stained pictures with which this was tried
_NAMED = 16  # so many digits of a name distinguish pictures

Marks = NDArray[np.integer]


class Slide(NamedTuple):
    """A picture in colour or in grey, and how its labels are read: 0 for the background, a number for each cell.

    `marked`: the file or folder of the labels.
    """

    name: str
    image: Path
    marked: Path
    labels: Callable[[], Marks]


def stained_pictures(folder: Path) -> list[Slide]:
    """Return the stained pictures of a folder, in the order of their names.

    The folder holds images/NAME.png (colour or grey) and labels/NAME.png; or, as published, stage1_train (or what is in
    it): NAME/images/NAME.png and NAME/masks/*.png, one mask for each cell. Of these, only the colour pictures of 320 x
    256 pixels are read. Raises NotFoundError if it holds neither, DataError if images and labels do not match.
    """
    if (folder / "images").is_dir() and (folder / "labels").is_dir():
        return _labelled(folder)
    published = folder / PUBLISHED if (folder / PUBLISHED).is_dir() else folder
    if published.is_dir() and any(published.glob("*/masks")):
        return _published(published)
    raise NotFoundError(
        f"{folder} holds no stained cells: no images/ with labels/, and no {PUBLISHED}/ with a folder for each "
        "picture.",
        HOW_TO_GET,
    )


def _labelled(folder: Path) -> list[Slide]:
    images, labels = fields.by_name(folder / "images"), fields.by_name(folder / "labels")
    fields.check_pairs(images, labels, "labels", folder)
    return [Slide(name, images[name], labels[name], partial(_label_image, labels[name])) for name in sorted(images)]


def _label_image(path: Path) -> Marks:
    labels = fields.read(path)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        what = f"{path} is not a label image, which has one whole number for each pixel."
        raise DataError(what, "Save the labels without colours, as whole numbers.")
    if len(np.unique(labels[labels > 0])) == 1 and ndimage.label(labels, np.ones((3, 3)))[1] > 1:
        raise DataError(f"{path} is a mask: all its cells have the same number.", "Give each cell its own number.")
    return labels


def _published(folder: Path) -> list[Slide]:
    found = []
    for image in sorted(folder.glob("*/images/*.png")):
        masks = image.parent.parent / "masks"
        colour = fields.read(image)
        if colour.shape[:2] == _SHAPE and colour.ndim == 3 and (colour[:, :, 0] != colour[:, :, 1]).any():
            if not any(masks.glob("*.png")):
                raise DataError(f"{image} has no masks: there is no PNG file in {masks}.", HOW_TO_GET)
            found.append(Slide(image.stem[:_NAMED], image, masks, partial(_numbered, masks, _SHAPE)))
    return found


def _numbered(folder: Path, shape: tuple[int, int]) -> Marks:
    """Return the labels from masks, one for each cell, in the order of their names.

    Where two overlap, the later one gets the pixel.
    """
    labels = np.zeros(shape, np.int32)
    for number, path in enumerate(sorted(folder.glob("*.png")), 1):
        mask = fields.read(path)
        fields.check_sizes(labels, folder, mask, path)
        labels[(mask if mask.ndim == 2 else mask[:, :, 0]) > 0] = number
    return labels
