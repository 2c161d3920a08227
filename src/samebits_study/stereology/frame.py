"""The unbiased counting frame in the plane, and what lies inside it and beyond its exclusion line.

H. J. G. Gundersen, "Notes on the estimation of the numerical density of arbitrary profiles: the edge effect",
J. Microsc. 111 (1977) 219-223. Two sides of a rectangle are inclusion lines, two are exclusion lines, and these do not
end at the corners. As the frame is usually drawn they are the left and the bottom side: the line comes down from
infinity along the left side, runs along the bottom, and goes down to infinity from the corner at the bottom right. So
it cuts the plane in two. Without these ends a long cell is counted by several neighbouring frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from samebits.errors import DataError

Corner = Literal["bottom-left", "bottom-right", "top-left", "top-right"]
Ends = Literal["vertical", "horizontal"]
Mask = npt.NDArray[np.bool_]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class CountingFrame:
    """The pixels `x0 <= x < x1` and `y0 <= y < y1`; x grows to the right, y downwards, as in images.

    The lines have no width and lie between pixels: an inclusion line belongs to the frame, an exclusion line to what is
    outside, so that frames side by side share no pixel and leave none out. Frames may reach over the edge of an image.

    `exclusion`: the corner at which the two exclusion lines meet. `ends`: whether the exclusion line runs to infinity
    along y (as usually drawn) or along x; the rule is unbiased both ways.

    Raises DataError for a frame without a pixel, or an unknown corner or direction.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    exclusion: Corner = field(default="bottom-left", kw_only=True)
    ends: Ends = field(default="vertical", kw_only=True)

    def __post_init__(self) -> None:
        if self.x0 >= self.x1 or self.y0 >= self.y1:
            x, y = f"x from {self.x0} to {self.x1}", f"y from {self.y0} to {self.y1}"
            raise DataError(f"A counting frame with {x} and {y} holds no pixel.")
        for value, known in ((self.exclusion, get_args(Corner)), (self.ends, get_args(Ends))):
            if value not in known:
                raise DataError(f"A counting frame knows no {value!r}.", f"It can be: {', '.join(known)}.")

    def moved(self, dx: int, dy: int) -> CountingFrame:
        """The same frame elsewhere."""
        return replace(self, x0=self.x0 + dx, x1=self.x1 + dx, y0=self.y0 + dy, y1=self.y1 + dy)

    def inside(self, shape: Shape) -> Mask:
        """The pixels of the frame, in an image of `shape` (rows, columns)."""
        y, x = _axes(shape)
        return (self.y0 <= y) & (y < self.y1) & (self.x0 <= x) & (x < self.x1)

    def beyond(self, shape: Shape) -> Mask:
        """The pixels on the far side of the exclusion line with its ends, in an image of `shape` (rows, columns).

        A cell in one piece that has a pixel in the frame touches the exclusion line just if it has a pixel here.
        """
        y, x = _axes(shape)
        left, bottom = self.exclusion.endswith("left"), self.exclusion.startswith("bottom")
        past_x, past_y = x < self.x0 if left else x >= self.x1, y >= self.y1 if bottom else y < self.y0
        if self.ends == "vertical":
            return past_x | (past_y & (x < self.x1 if left else x >= self.x0))
        return past_y | (past_x & (y >= self.y0 if bottom else y < self.y1))


def _axes(shape: Shape) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """The y of each row, standing, and the x of each column."""
    return np.arange(shape[0])[:, None], np.arange(shape[1])
