"""Counting frames as lines in an image: finds drawn frames, and paints frames.

The images of the paper's authors show the frame in pure green, (0, 255, 0), for inclusion and pure red, (255, 0, 0),
for exclusion (Figure 1). Drawn lines have a width. A cell that touches red anywhere is excluded, and a cell that
touches only green is included. So the frame reaches from the inner edge of red to the outer edge of green.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from samebits.errors import DataError
from samebits_study.stereology.count import Corner, CountingFrame, Ends, Image, Mask, Shape, size

GREEN, RED = (0, 255, 0), (255, 0, 0)
DRAWN = 0.8  # the share of each side that must be visible, because annotators' marks may cover a line
ADVICE = (
    "One frame is needed: two sides in pure green (0, 255, 0), two in pure red (255, 0, 0), saved without loss"
    " (PNG, not JPEG). Or give the frame as a rectangle."
)


class Band(NamedTuple):
    """The rows or columns `start <= i < stop` that a drawn line fills."""

    start: int
    stop: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.stop - self.start

    @property
    def slice(self) -> slice:
        """The slice of rows or columns."""
        return slice(self.start, self.stop)


def find_frame(image: Image, what: str = "The image") -> CountingFrame:
    """Find the counting frame drawn in an RGB image: uint8 of shape (rows, columns, 3), or 4 with transparency.

    The image shows which sides exclude. If the red line goes on past the frame, it also shows the direction of the
    ends; otherwise they are vertical. Raises DataError if there is no frame, half a frame, or more than one. `what`:
    the subject of that sentence.
    """
    try:
        return _frame(image)
    except _Unclear as why:
        raise DataError(f"{what} has no clear counting frame: {why}.", ADVICE) from None


class _Unclear(Exception):
    """Why no frame was found."""


def _frame(image: Image) -> CountingFrame:
    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise _Unclear(f"it is {size(image)} of {image.dtype}, not rows x columns x 3 of uint8")
    green, red = _colour(image, GREEN, "green"), _colour(image, RED, "red")
    columns, rows = _line(green, 0, "inclusion"), _line(green, 1, "inclusion")
    # the ends of the exclusion line run on in the rows or columns of the inclusion lines
    red_columns = _line(_without(red, 1, columns), 0, "exclusion")
    red_rows = _line(_without(red, 0, rows), 1, "exclusion")
    left, bottom = red_columns < columns, red_rows > rows
    x0, x1 = (red_columns.stop, columns.stop) if left else (columns.start, red_columns.start)
    y0, y1 = (rows.start, red_rows.start) if bottom else (red_rows.stop, rows.stop)
    _all_drawn((green[rows.slice, x0:x1], green[y0:y1, columns.slice].T), "inclusion")
    _all_drawn((red[red_rows.slice, x0:x1], red[y0:y1, red_columns.slice].T), "exclusion")
    past = red[red_rows.slice, x1:] if left else red[red_rows.slice, :x0][:, ::-1]
    return CountingFrame(x0, y0, x1, y1, exclusion=CORNERS[bottom, left], ends=_ends(past))


CORNERS: dict[tuple[bool, bool], Corner] = {  # by (bottom, left)
    (True, True): "bottom-left",
    (True, False): "bottom-right",
    (False, True): "top-left",
    (False, False): "top-right",
}


def _colour(image: Image, colour: tuple[int, int, int], name: str) -> Mask:
    mask: Mask = (image[..., :3] == colour).all(axis=-1)
    if not mask.any():
        raise _Unclear(f"no pixel is pure {name}")
    return mask


def _without(mask: Mask, axis: int, band: Band) -> Mask:
    """Return the mask with the rows (axis 0) or columns (axis 1) of a band set to empty."""
    rest: Mask = mask.copy()
    np.moveaxis(rest, axis, 0)[band.slice] = False
    return rest


def _line(mask: Mask, axis: int, name: str) -> Band:
    """Return the one band of columns (axis 0) or rows (axis 1) that is a line.

    It is longer than wide, and at least half as full as the fullest.
    """
    counts = mask.sum(axis=axis)
    full = np.concatenate(([False], counts * 2 >= max(counts.max(), 1), [False]))
    borders = np.flatnonzero(full[1:] != full[:-1]).tolist()
    bands = [Band(start, stop) for start, stop in zip(borders[::2], borders[1::2], strict=True)]
    lines = [band for band in bands if band.width < counts.max()]
    if len(lines) != 1:
        raise _Unclear(f"{len(lines) or 'no'} {('vertical', 'horizontal')[axis]} {name} line{'s' * (len(lines) > 1)}")
    return lines[0]


def _all_drawn(sides: tuple[Mask, Mask], name: str) -> None:
    """Refuse a kind of line if one of its two sides is not drawn across its width.

    Pixels along the line are the last axis.
    """
    for side, direction in zip(sides, ("horizontal", "vertical"), strict=True):
        share = side.any(axis=0).mean()
        if share < DRAWN:
            raise _Unclear(f"only {share * 100:.0f} % of the {direction} {name} line is drawn")


def _ends(past: Mask) -> Ends:
    """Return `horizontal` if that exclusion line goes on past the frame by more than its width.

    Such a line has a blunt corner.
    """
    further = past[:, : len(past) + 1]
    return "horizontal" if further.shape[1] > len(past) and further.any(axis=0).all() else "vertical"


def frame_lines(frame: CountingFrame, shape: Shape, *, thickness: int = 1) -> tuple[Mask, Mask]:
    """Return the inclusion lines and the exclusion line with its ends, as masks of `shape` (rows, columns).

    Inclusion lines are the outermost `thickness` pixels inside of the frame, and the exclusion line the first
    `thickness` pixels beyond it. A connected cell with a pixel in the frame is counted if and only if it does not touch
    this line.
    """
    around = (shape[0] + 2 * thickness, shape[1] + 2 * thickness)
    moved = frame.moved(thickness, thickness)
    inside, beyond = moved.inside(around), moved.beyond(around)
    middle = (slice(thickness, -thickness),) * 2
    inclusion, exclusion = inside & _near(~inside & ~beyond, thickness), beyond & _near(~beyond, thickness)
    return inclusion[middle], exclusion[middle]


def _near(mask: Mask, distance: int) -> Mask:
    """Return the pixels at most so many steps from the mask. Diagonal steps count."""
    near: Mask = ndimage.maximum_filter(mask, size=2 * distance + 1)
    return near


def paint(image: Image, frame: CountingFrame, *, thickness: int = 1) -> Image:
    """Return a copy of an image (uint8, grey or RGB) in RGB, with the frame painted.

    It is pure green and red, as `find_frame` reads it.
    """
    painted = np.stack([image] * 3, axis=-1) if image.ndim == 2 else image[..., :3].copy()
    inclusion, exclusion = frame_lines(frame, painted.shape[:2], thickness=thickness)
    painted[inclusion], painted[exclusion] = GREEN, RED
    return painted
