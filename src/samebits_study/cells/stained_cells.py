"""Real stained cells: the stained pictures of the 2018 Data Science Bowl, cut into square tiles.

The set was made by the Carpenter lab of the Broad Institute and is in the public domain (CC0). It knows of no animals:
its pictures are dealt into nine groups by the order of their names (which are digests, so this is a draw), and a group
stands in for an animal. Pictures of one slide can be in several groups, so a score on the ninth group says nothing
about new slides; it serves to compare trials with each other.
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

import numpy as np

from samebits.errors import DataError
from samebits_study.cells import pictures
from samebits_study.cells.bowl import Slide, stained_pictures
from samebits_study.cells.fields import CellData, Field, Grey, Labels, inset_frame, left_out, mask_of, renumbered, sides

ABOUT = "real stained cells (2018 Data Science Bowl, CC0); groups of pictures stand in for nine animals"
GROUPS, TESTED = 9, "G9"
SMALLEST = 25  # pixels: of the 4,550 nuclei that are marked in the 107 pictures, 99 of 100 are larger
_RED = 0

Tile = tuple[str, Grey, Labels]


def read(folder: Path, size: int, fields_per_animal: int | None = None) -> CellData:
    """Tiles of `size` x `size` pixels with a cell in them, at most `fields_per_animal` a group; G9 is the test.

    `folder`: as `bowl.stained_pictures` has it. Pictures are not made smaller. Grey is the red light that comes
    through: purple stains take it away and pink ones do not, so nuclei are dark on a light ground as neurons are in
    NeuN, in the pinkest picture too. Raises NotFound where there is no such folder, DataError where images and labels
    do not match, or are smaller than a tile.
    """
    found = stained_pictures(folder)
    if len(found) < GROUPS:
        raise DataError(f"{folder} holds {len(found)} images; {GROUPS} groups need {GROUPS} at least.")
    animals, empty, beyond = {}, {}, {}
    for number in range(GROUPS):
        group = f"G{number + 1}"
        cut = [_tiles(picture, size) for picture in found[number::GROUPS]]
        tiles = [[tile for tile in one if tile[2].any()] for one in cut]
        animals[group] = _fields(group, tiles, fields_per_animal)
        with_cells = sum(map(len, tiles))
        empty[group], beyond[group] = sum(map(len, cut)) - with_cells, with_cells - len(animals[group])
    missing = (
        left_out(empty, "tiles without a cell", TESTED),
        left_out(beyond, f"tiles beyond {fields_per_animal} a group", TESTED),
    )
    said = "; ".join(part for part in missing if part)
    return CellData(ABOUT, animals, test_animal=TESTED, smallest=SMALLEST, left_out=said)


def _tiles(picture: Slide, size: int) -> list[Tile]:
    """The tiles of a picture, row by row, from the middle of it."""
    colour, labels = pictures.read_colour(picture.image), picture.labels()
    pictures.check_sizes(colour, picture.image, labels, picture.marked)
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
        name, grey = f"{picture.name}_{number + 1}", np.ascontiguousarray(colour[part][:, :, _RED])
        tiles.append((name, grey, renumbered(labels[part])))
    return tiles


def _fields(group: str, tiles: list[list[Tile]], most: int | None) -> tuple[Field, ...]:
    """The first tile of each picture, then the second of each, and so on."""
    in_turn = [tile for turn in zip_longest(*tiles) for tile in turn if tile is not None]
    return tuple(
        Field(
            animal=group,
            name=name,
            image=image,
            mask=mask_of(labels),
            labels=labels,
            frame=inset_frame(len(image)),
        )
        for name, image, labels in in_turn[:most]
    )
