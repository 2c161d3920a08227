"""The counting frame of an image, read from the disector picture beside it."""

from __future__ import annotations

from pathlib import Path

from samebits.errors import DataError
from samebits_study.cells import pictures
from samebits_study.cells.fields import AUTHORS_MARGIN, Grey, Rectangle, sides
from samebits_study.stereology import CountingFrame, find_frame

_CORNER = "bottom-left"


def read_frame(path: Path, image: Grey, size: int) -> Rectangle:
    """The frame of a disector picture, in the pixels of its image when that is made `size` x `size`.

    A disector picture of the image's own size has the frame where it is in the image. Of a larger one, the image is
    taken to be what the authors' CropEDF_basedOnDisectorColor.m cuts out of it: the frame and 20 pixels on each side.
    Raises DataError where no clear frame is seen, or one whose exclusion lines are not left and bottom.
    """
    colour = pictures.read_colour(path)
    frame = _found(colour, path)
    height, width = colour.shape[:2]
    if (height, width) != image.shape:
        if height < image.shape[0] or width < image.shape[1]:
            raise DataError(f"{path} is {sides(colour)} pixels, smaller than its image of {sides(image)}.")
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
