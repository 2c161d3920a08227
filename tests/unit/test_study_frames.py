"""The counting frame: what is inside, what is beyond its exclusion line, and frames drawn in images."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.errors import DataError
from samebits_study.stereology.count import CountingFrame
from samebits_study.stereology.disector_drawings import find_frame, frame_lines, paint

CORNERS = ("bottom-left", "bottom-right", "top-left", "top-right")
ENDS = ("vertical", "horizontal")
WAYS = list(itertools.product(CORNERS, ENDS))


def drawn(frame, shape):
    """The plane as text: `F` the frame, `x` beyond the exclusion line, `.` elsewhere."""
    signs = np.full(shape, ".")
    signs[frame.beyond(shape)] = "x"
    signs[frame.inside(shape)] = "F"
    return ["".join(row) for row in signs]


def test_the_exclusion_line_comes_down_the_left_side_and_goes_on_down_from_the_bottom_right_corner():
    assert drawn(CountingFrame(2, 1, 5, 3), (5, 7)) == ["xx.....", "xxFFF..", "xxFFF..", "xxxxx..", "xxxxx.."]


def test_the_other_corners_are_its_mirror_images():
    base = CountingFrame(2, 1, 5, 3)
    plane = drawn(base, (5, 7))
    right = CountingFrame(7 - 5, 1, 7 - 2, 3, exclusion="bottom-right")
    top = CountingFrame(2, 5 - 3, 5, 5 - 1, exclusion="top-left")
    both = CountingFrame(7 - 5, 5 - 3, 7 - 2, 5 - 1, exclusion="top-right")
    assert drawn(right, (5, 7)) == [row[::-1] for row in plane]
    assert drawn(top, (5, 7)) == plane[::-1]
    assert drawn(both, (5, 7)) == [row[::-1] for row in plane[::-1]]


def test_horizontal_ends_run_to_the_left_from_the_top_and_to_the_right_from_the_bottom():
    assert drawn(CountingFrame(2, 1, 5, 3, ends="horizontal"), (5, 7)) == [
        ".......",
        "xxFFF..",
        "xxFFF..",
        "xxxxxxx",
        "xxxxxxx",
    ]


@pytest.mark.parametrize("rectangle", [(5, 0, 5, 9), (6, 0, 5, 9), (0, 3, 5, 3), (0, 4, 5, 3)])
def test_a_frame_without_a_pixel_is_an_error_that_names_its_sides(rectangle):
    x0, y0, x1, y1 = rectangle
    with pytest.raises(DataError, match=f"x from {x0} to {x1} and y from {y0} to {y1} holds no pixel"):
        CountingFrame(*rectangle)


@pytest.mark.parametrize("wrong", [{"exclusion": "left"}, {"ends": "diagonal"}])
def test_an_unknown_corner_or_direction_is_an_error(wrong):
    with pytest.raises(DataError, match="A counting frame cannot have"):
        CountingFrame(0, 0, 5, 5, **wrong)


@given(
    st.sampled_from(WAYS),
    st.integers(1, 3),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(12, 30),
    st.integers(12, 30),
)
@settings(max_examples=60, deadline=None)
def test_a_painted_frame_is_found_as_it_was(way, thickness, left, top, width, height):
    exclusion, ends = way
    x0, y0 = 4 + left, 4 + top
    frame = CountingFrame(x0, y0, x0 + width, y0 + height, exclusion=exclusion, ends=ends)
    picture = paint(np.full((y0 + height + 9, x0 + width + 9), 90, np.uint8), frame, thickness=thickness)
    assert find_frame(picture) == frame


@pytest.mark.parametrize("exclusion", CORNERS)
def test_a_frame_cut_out_with_its_lines_is_found_as_the_authors_cut_theirs(exclusion):
    """Nothing is left of the ends: the frame's own outline, lines 4 pixels wide."""
    frame = CountingFrame(10, 12, 60, 52, exclusion=exclusion)
    picture = paint(np.zeros((64, 72), np.uint8), frame, thickness=4)
    down, right = ("bottom" in exclusion) * 4, ("right" in exclusion) * 4
    x0, y0 = 10 - (4 - right), 12 - (4 - down)
    cut = picture[y0 : 52 + down, x0 : 60 + right]
    assert find_frame(cut) == frame.moved(-x0, -y0)


def example(thickness=2):
    return paint(np.zeros((50, 60), np.uint8), CountingFrame(10, 10, 50, 40), thickness=thickness)


def test_a_mark_over_a_line_does_not_hide_the_frame():
    picture = example()
    picture[8:14, 20:24] = (0, 0, 255)
    picture[30:33, 6:12] = (0, 0, 255)
    assert find_frame(picture) == CountingFrame(10, 10, 50, 40)


def test_specks_in_the_colours_of_the_lines_do_not_move_the_frame():
    picture = example()
    picture[2:4, 2:4], picture[45, 55] = (0, 255, 0), (255, 0, 0)
    assert find_frame(picture) == CountingFrame(10, 10, 50, 40)


def test_transparency_is_passed_over():
    picture = np.dstack([example(), np.full((50, 60), 255, np.uint8)])
    assert find_frame(picture) == CountingFrame(10, 10, 50, 40)


def without(colour, where):
    picture = example()
    picture[where][(picture[where] == colour).all(axis=-1)] = 0
    return picture


GREEN, RED = (0, 255, 0), (255, 0, 0)
UNCLEAR = {
    "no pixel is pure green": without(GREEN, np.s_[:, :]),
    "no pixel is pure red": without(RED, np.s_[:, :]),
    "no horizontal inclusion line": without(GREEN, np.s_[:12, :48]),
    "no vertical inclusion line": without(GREEN, np.s_[12:, :]),
    "no vertical exclusion line": without(RED, np.s_[:40, :]),
    "no horizontal exclusion line": without(RED, np.s_[40:42, :]),
    "% of the horizontal inclusion line is drawn": without(GREEN, np.s_[:12, 20:32]),
    "% of the vertical exclusion line is drawn": without(RED, np.s_[15:30, :10]),
    "2 vertical inclusion lines": np.concatenate([example(), example()], axis=1),
    "it is 50 x 60 of uint8": example()[..., 0],
    "it is 50 x 60 x 3 of float64": example() / 255,
}  # fmt: skip


@pytest.mark.parametrize("why", UNCLEAR)
def test_a_frame_that_is_absent_or_unclear_is_an_error_that_says_what_is_missing(why):
    with pytest.raises(DataError, match=why) as error:
        find_frame(UNCLEAR[why], "a.png")
    assert error.value.message.startswith("a.png has no clear counting frame")
    assert "PNG" in error.value.advice


def test_colours_that_are_not_pure_are_no_lines():
    blurred = example().astype(np.int16)
    blurred[blurred == 255] = 250
    with pytest.raises(DataError, match="no pixel is pure green"):
        find_frame(blurred.astype(np.uint8))


def test_lines_of_one_pixel_lie_inside_for_inclusion_and_outside_for_exclusion():
    inclusion, exclusion = frame_lines(CountingFrame(2, 1, 6, 4), (6, 8))
    signs = np.full((6, 8), ".")
    signs[inclusion], signs[exclusion] = "g", "r"
    assert ["".join(row) for row in signs] == [".r......", ".rgggg..", ".r...g..", ".r...g..", ".rrrrr..", ".....r.."]
