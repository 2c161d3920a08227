"""A folder in the layout of the authors' code, for those who have the NeuN set: it is not public.

It is what the code at github.com/saeedalahmari3/DeepLearningRepeatability reads (README.md, Keras_code/util.py,
post_processing_code/). NAME is MOUSE_SECTION_STACK, as in LU2_Section2_Stack9:

    images/[train|test]/NAME.png                                fields, grey
    masks/[train|test]/NAME.png                                 their masks
    Annotation_disector_countFiles/masks/NAME.png               masks too (those of the test images)
    Annotation_disector_countFiles/Disector_box_images/NAME.png the frame, its lines in pure green and red
    Annotation_disector_countFiles/countFiles/*.csv             columns Name, Count: cells counted by hand

`Disector_box_images` and `countFiles` may also lie in the folder itself. Count files whose name begins with ASA hold
what another program counted; they are not read.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

from samebits import words
from samebits.errors import DataError, NotFoundError
from samebits_study.cells import fields
from samebits_study.cells.fields import AUTHORS_MARGIN, CellData, Field, Grey, Rectangle, left_out, sides
from samebits_study.stereology.count import CountingFrame
from samebits_study.stereology.disector_drawings import find_frame

ABOUT = "NeuN-stained mouse neocortex, a folder in the layout of the authors' code"
TEST_MOUSE = "LU3"  # the paper's, section VIII.A
ANNOTATIONS = "Annotation_disector_countFiles"
FRAMES, COUNTS = "Disector_box_images", "countFiles"
_COUNT_FILES = "Count files are CSV with the columns Name and Count."
_OF_A_PROGRAM = "ASA"
_NAME = re.compile(r"([^_]+)_([^_]+)_(.+)")


def read(folder: Path, size: int, fields_per_animal: int | None = None) -> CellData:
    """Return the fields, resized to `size` x `size`; for each mouse at most so many, spread over its sections.

    The mouse left out is LU3 as in the paper; if there is none, the last. Its fields need a frame and a count each;
    those of the others need none. Raises NotFoundError if there is no such folder, and DataError if files do not belong
    together. Each error names the file.
    """
    images, masks = _pairs(folder)
    mice = _by_mouse(images, folder)
    tested = TEST_MOUSE if TEST_MOUSE in mice else list(mice)[-1]
    frames, counts = fields.by_name(_below(folder, FRAMES)), read_counts(_below(folder, COUNTS))
    animals, beyond = {}, {}
    for mouse, names in mice.items():
        chosen = _spread(names, fields_per_animal)
        beyond[mouse] = len(names) - len(chosen)
        if mouse == tested:
            _refuse_missing(chosen, frames, counts, folder)
        animals[mouse] = tuple(
            _field(mouse, FieldFiles(images[name], masks[name], frames.get(name), counts.get(name)), size)
            for name in chosen
        )
    missing = left_out(beyond, f"images beyond {fields_per_animal} per mouse", tested)
    return CellData(ABOUT, animals, test_animal=tested, left_out=missing)


def _pairs(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    if not (folder / "images").is_dir() or not (folder / "masks").is_dir():
        raise NotFoundError(
            f"{folder} is not in the layout of the authors' code: there are no images/ and masks/ in it.",
            "The authors of the NeuN set give it on request.",
        )
    images = fields.by_name(folder / "images")
    masks = {**fields.by_name(folder / ANNOTATIONS / "masks"), **fields.by_name(folder / "masks")}
    fields.check_pairs(images, masks, "masks", folder)
    return images, masks


def _by_mouse(images: dict[str, Path], folder: Path) -> dict[str, list[str]]:
    """Return the names of fields by mouse. Mice and fields are in the order of their numbers (LU2 before LU14)."""
    mice: dict[str, list[str]] = {}
    for name in sorted(images, key=_natural):
        match = _NAME.fullmatch(name)
        if match is None:
            what = f"{images[name]}: its name is not MOUSE_SECTION_STACK, as in LU2_Section2_Stack9."
            raise DataError(what, "Rename the image and its mask.")
        mice.setdefault(match[1], []).append(name)
    if len(mice) < 2:
        what = f"{folder} holds the images of one mouse only: one mouse has to be left out of the training."
        raise DataError(what, "Add the images of a second mouse.")
    return mice


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", name)]


def _below(folder: Path, name: str) -> Path:
    near = (folder / ANNOTATIONS / name, folder / name)
    return next((path for path in near if path.is_dir()), near[0])


def _spread(names: list[str], most: int | None) -> list[str]:
    if most is None or most >= len(names):
        return names
    return [names[number * len(names) // most] for number in range(most)]


def _refuse_missing(names: list[str], frames: dict[str, Path], counts: dict[str, int], folder: Path) -> None:
    for name in names:
        if name not in frames:
            what = f"{name} has no frame: there is no {_below(folder, FRAMES) / name}.png."
            raise DataError(what, "Put the disector picture of this image there.")
        if name not in counts:
            raise DataError(
                f"{name} has no count: no file of {_below(folder, COUNTS)} has a line for it.", _COUNT_FILES
            )


class FieldFiles(NamedTuple):
    """The files of one field, and what people counted in it. `frame`, `counted`: None if there is none."""

    image: Path
    mask: Path
    frame: Path | None
    counted: int | None


def _field(mouse: str, files: FieldFiles, size: int) -> Field:
    grey, marked = fields.read_grey(files.image), fields.read_mask(files.mask)
    fields.check_sizes(grey, files.image, marked, files.mask)
    return Field(
        animal=mouse,
        name=files.image.stem,
        image=fields.resized(grey, size),
        mask=fields.resized_mask(marked, size),
        frame=read_frame(files.frame, grey, size) if files.frame else None,
        count=files.counted,
    )


def read_counts(folder: Path) -> dict[str, int]:
    """Return the hand counts of cells, by field.

    Raises DataError if a field is missing, counted twice, or has something that is not a count.
    """
    paths = [path for path in sorted(folder.glob("*.csv")) if not path.name.startswith((".", _OF_A_PROGRAM))]
    if not paths:
        raise DataError(f"There are no count files: {folder} holds no CSV file of cells counted by hand.", _COUNT_FILES)
    counts: dict[str, int] = {}
    for path in paths:
        for name, count in _read_file(path):
            if counts.setdefault(name, count) != count:
                here = words.count(count, "cell")
                what = f"{path}: {name} has {here} here, {counts[name]} in a different line or file."
                raise DataError(what, "Keep one of the two lines.")
    return counts


def _read_file(path: Path) -> list[tuple[str, int]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise DataError(f"{path} cannot be read: {why}", _COUNT_FILES) from None
    if not lines or not {"Name", "Count"} <= set(lines[0]):
        raise DataError(f"{path} is not a count file: it has no columns Name and Count, or no line.", _COUNT_FILES)
    return [(line["Name"].strip(), _count(line["Count"], path, number)) for number, line in enumerate(lines, 2)]


def _count(text: str | None, path: Path, number: int) -> int:
    value = text.strip() if text else ""
    if not value.isdecimal():
        raise DataError(f"{path}, line {number}: {value!r} is not a count of cells.", "Write a whole number there.")
    return int(value)


# The counting frame of an image, read from the disector picture beside it.

_CORNER = "bottom-left"


def read_frame(path: Path, image: Grey, size: int) -> Rectangle:
    """Return the frame of a disector picture, in the pixels of its image after it is resized to `size` x `size`.

    A disector picture of the image's own size has the frame where it is in the image. If the picture is larger, the
    image is taken to be the part that the authors' CropEDF_basedOnDisectorColor.m cuts out: the frame and 20 pixels on
    each side. Raises DataError if there is no clear frame, or if its exclusion lines are not left and bottom.
    """
    colour = fields.read_colour(path)
    frame = _found(colour, path)
    height, width = colour.shape[:2]
    if (height, width) != image.shape:
        if height < image.shape[0] or width < image.shape[1]:
            what = f"{path} is {sides(colour)} pixels, smaller than its image of {sides(image)}."
            raise DataError(what, "Give a disector picture that is at least as large as the image.")
        frame = frame.moved(AUTHORS_MARGIN - frame.x0, AUTHORS_MARGIN - frame.y0)
        width, height = frame.x1 + AUTHORS_MARGIN, frame.y1 + AUTHORS_MARGIN
    across, down = size / width, size / height
    return round(frame.x0 * across), round(frame.y0 * down), round(frame.x1 * across), round(frame.y1 * down)


def _found(colour: Grey, path: Path) -> CountingFrame:
    frame = find_frame(colour, str(path))
    if frame.exclusion != _CORNER:
        raise DataError(
            f"{path}: the red lines meet at the {frame.exclusion}; in the authors' pictures at the {_CORNER}.",
            "Turn or mirror the field's image, mask and disector picture alike.",
        )
    return frame
