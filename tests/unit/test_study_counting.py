"""From a prediction to counted cells, and that the counting rule is unbiased."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from builders import labels_of, module_of
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.errors import DataError
from samebits_study.stereology.count import CountingFrame, cells_of, counted, only, post_process, scaled_smallest, split
from samebits_study.stereology.disector_drawings import frame_lines

ROOT = Path(__file__).resolve().parents[2]
WAYS = list(itertools.product(("bottom-left", "bottom-right", "top-left", "top-right"), ("vertical", "horizontal")))
FEW = settings(max_examples=80, deadline=None)


# --- the counting rule, by hand

PLANE = labels_of(
    "..1.....2.",
    "..1..3..2.",
    "..1..3..2.",
    ".....3....",
    ".44....5..",
    ".4.....5..",
    "...6......",
    "...6..7.8.",
    "......7.8.",
    "9.......8.",
)
FRAME = CountingFrame(2, 2, 8, 7)  # columns 2 to 7, rows 2 to 6; red left and below, green above and right


def test_each_cell_of_a_small_plane_is_counted_as_by_hand():
    """1 lies right of the left line's upper end and reaches in: counted. 2 is right of the frame, outside. 3 crosses the top,
    an inclusion line: counted. 4 crosses the left line. 5 is inside. 6 crosses the bottom line. 7 is below, 8 is right of
    the lower end, neither in the frame. 9 is far off."""
    assert counted(PLANE, FRAME) == (1, 3, 5)


ROUND_THE_CORNER = labels_of(".......", "....11.", ".....1.", ".....1.", "....11.", ".......")
TWO_BY_TWO = [CountingFrame(x, y, x + 4, y + 3) for x, y in ((1, 0), (5, 0), (1, 3), (5, 3))]


def test_a_cell_that_goes_round_a_corner_is_stopped_by_the_end_of_the_exclusion_line():
    """It leaves the first frame through green, passes the corner, and comes back under it: across the line's lower end.
    Of the four frames the third counts it: the lowest of those that it reaches in the leftmost column."""
    assert [counted(ROUND_THE_CORNER, frame) for frame in TWO_BY_TWO] == [(), (), (1,), ()]


def test_a_cell_that_only_abuts_a_line_from_the_other_side_does_not_touch_it():
    """Lines lie between pixels. 1 has its first column inside and red at its left: counted. 2 begins right of the green."""
    plane = labels_of("......", ".1..2.", "......")
    assert counted(plane, CountingFrame(1, 0, 4, 3)) == (1,)


def test_a_frame_may_reach_over_the_edge_of_the_image_but_not_lie_outside():
    plane = labels_of(".1", "..")
    assert counted(plane, CountingFrame(-5, -5, 9, 9)) == (1,)
    with pytest.raises(DataError, match=r"x 2 to 9, y 0 to 9\) lies outside the image, which is 2 x 2"):
        counted(plane, CountingFrame(2, 0, 9, 9))


def test_a_frame_without_cells_counts_none():
    assert counted(np.zeros((5, 5), int), CountingFrame(0, 0, 5, 5)) == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((4, 4)), "holds float64, not whole numbers"),
        (np.zeros((4, 4), bool), "holds bool, not whole numbers"),
        (np.zeros((4, 4, 3), int), "is 4 x 4 x 3, not rows x columns"),
        (np.zeros((0, 4), int), "is 0 x 4, not rows x columns with a pixel"),
        (np.full((4, 4), -1), "holds -1"),
    ],
)
def test_what_is_no_label_image_is_an_error_that_says_what_it_is(wrong, message):
    with pytest.raises(DataError, match=message):
        counted(wrong, CountingFrame(0, 0, 4, 4))


def test_the_counted_cells_alone_are_kept_with_their_numbers():
    kept = only(PLANE, counted(PLANE, FRAME))
    assert np.unique(kept).tolist() == [0, 1, 3, 5]
    assert np.array_equal(kept == 3, PLANE == 3)


# --- it is unbiased


def tiling(shape, width, height, offset, way):
    """All frames of one size, side by side, that reach into an image."""
    exclusion, ends = way
    for x, y in itertools.product(
        range(offset[0] - width, shape[1], width), range(offset[1] - height, shape[0], height)
    ):
        if x + width > 0 and y + height > 0:
            yield CountingFrame(x, y, x + width, y + height, exclusion=exclusion, ends=ends)


@st.composite
def planes(draw):
    """Cells of any shape: noise of any density, whose cells are ragged, holed, and up to the size of the plane; or walks
    drawn over one another, long and concave, some torn apart by later ones."""
    shape = draw(st.tuples(st.integers(3, 24), st.integers(3, 24)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        return cells_of(random.random(shape) < draw(st.floats(0.05, 0.7)))
    plane = np.zeros(shape, int)
    for number in range(1, draw(st.integers(1, 6)) + 1):
        steps = random.integers(-1, 2, (draw(st.integers(1, 60)), 2))
        walk = (np.cumsum(steps, axis=0) + random.integers(0, shape)).clip(0, np.array(shape) - 1)
        plane[tuple(walk.T)] = number
    return plane


@given(planes(), st.sampled_from(WAYS), st.integers(1, 12), st.integers(1, 12), st.data())
@FEW
def test_of_the_frames_that_tile_the_plane_just_one_counts_each_cell(plane, way, width, height, data):
    offset = data.draw(st.tuples(st.integers(0, width - 1), st.integers(0, height - 1)))
    frames = tiling(plane.shape, width, height, offset, way)
    times = Counter(itertools.chain.from_iterable(counted(plane, frame) for frame in frames))
    assert times == {number: 1 for number in np.unique(plane).tolist() if number}


@given(planes(), st.sampled_from(WAYS), st.integers(1, 4), st.data())
@FEW
def test_counted_is_a_cell_in_one_piece_that_reaches_the_frame_and_leaves_the_drawn_line_free(
    plane, way, thickness, data
):
    cells = cells_of(plane != 0)
    x0, y0 = data.draw(st.integers(0, plane.shape[1] - 1)), data.draw(st.integers(0, plane.shape[0] - 1))
    width, height = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    frame = CountingFrame(x0, y0, x0 + width, y0 + height, exclusion=way[0], ends=way[1])
    line = frame_lines(frame, plane.shape, thickness=thickness)[1]
    touching, reaching = set(cells[line].tolist()), set(cells[frame.inside(plane.shape)].tolist())
    assert set(counted(cells, frame)) == reaching - touching - {0}


# --- post-processing


def prediction(*blobs, shape=(400, 400)):
    """Blobs (row, column, height, width) of 255 on 0."""
    image = np.zeros(shape, np.uint8)
    for y, x, height, width in blobs:
        image[y : y + height, x : x + width] = 255
    return image


def test_a_blob_of_249_pixels_goes_and_one_of_250_stays_in_an_image_of_400_by_400():
    labels = post_process(prediction((0, 0, 3, 83), (10, 0, 10, 25)))
    assert np.bincount(labels.ravel())[1:].tolist() == [250]


@pytest.mark.parametrize(
    ("image", "cells"),
    [
        (np.array([[126, 127, 128, 255]], np.uint8), [[0, 0, 1, 1]]),
        (np.array([[0.499, 0.5, 0.501]]), [[0, 1, 1]]),
        (np.array([[np.float32(1.0000001)]]), [[1]]),  # a softmax that rounds
        (np.array([[255, 0, 0], [0, 255, 0], [0, 0, 0], [0, 0, 255]], np.uint8), [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 2]]),
    ],
)  # fmt: skip
def test_a_pixel_is_cell_above_127_or_from_one_half_on_and_pixels_that_touch_at_a_corner_are_one_cell(image, cells):
    assert post_process(image, smallest=1).tolist() == cells


@pytest.mark.parametrize(
    ("shape", "smallest"), [((400, 400), 250), ((800, 800), 1000), ((200, 200), 63), ((128, 128), 26), ((8, 8), 1)]
)
def test_the_smallest_cell_scales_with_the_area_of_the_image(shape, smallest):
    """250 x 128 x 128 / 160,000 = 25.6, so a cell has at least 26 pixels."""
    assert scaled_smallest(shape) == smallest


def test_without_a_number_the_scaled_smallest_is_taken():
    image = prediction((0, 0, 5, 5), (10, 0, 2, 13), shape=(128, 128))
    assert np.bincount(post_process(image).ravel())[1:].tolist() == [26]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40), st.integers(0, 255))
@FEW
def test_floats_have_the_cells_of_the_picture_saved_of_them(values, threshold):
    floats = np.array([values], np.float32)
    saved = np.rint(floats * 255.0).astype(np.uint8)
    assert np.array_equal(
        post_process(floats, threshold=threshold, smallest=1), post_process(saved, threshold=threshold, smallest=1)
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array([[0.1, np.nan], [np.inf, 0.2]]), "2 values that are NaN or infinite"),
        (np.array([[-0.5, 1.5]]), "between -0.5 and 1.5"),
        (np.array([[0, 255]]), "is of int64, not of uint8"),
        (np.zeros((2, 2), bool), "is of bool, not of uint8"),
        (np.zeros((2, 2, 2), np.uint8), "The prediction is 2 x 2 x 2"),
    ],
)
def test_what_is_no_prediction_is_an_error_that_says_what_it_is(wrong, message):
    with pytest.raises(DataError, match=message):
        post_process(wrong)


def test_an_empty_prediction_has_no_cells():
    for image in (np.zeros((40, 40), np.uint8), np.zeros((40, 40))):
        assert not post_process(image).any()
        assert not post_process(image, watershed=True).any()


def disc(shape, y, x, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def test_the_watershed_splits_two_discs_that_touch_and_leaves_one_disc_whole():
    shape = (60, 90)
    pair = disc(shape, 20, 20, 12) | disc(shape, 20, 40, 12)
    image = np.where(pair | disc(shape, 40, 70, 14), 255, 0).astype(np.uint8)
    assert post_process(image).max() == 2
    labels = post_process(image, watershed=True)
    assert labels.max() == 3
    assert len({labels[20, 20], labels[20, 40], labels[40, 70]}) == 3


def test_small_blobs_go_before_the_watershed_whose_parts_all_stay():
    pair = disc((40, 60), 20, 18, 12) | disc((40, 60), 20, 38, 12)
    image = np.where(pair | disc((40, 60), 36, 56, 3), 255, 0).astype(np.uint8)
    between = int(pair.sum()) - 10
    assert post_process(image, smallest=between).max() == 1
    labels = post_process(image, smallest=between, watershed=True)
    assert labels.max() == 2
    assert np.array_equal(labels > 0, pair)


def test_a_pixel_that_hangs_on_a_disc_by_its_corner_belongs_to_the_disc():
    mask = disc((20, 20), 8, 8, 5)
    mask[12, 12] = mask[13, 13] = True
    assert not mask[13, 12]
    assert not mask[12, 13]
    assert np.array_equal(split(mask), mask)


def test_the_watershed_cuts_where_the_waist_is():
    labels = split(disc((40, 60), 20, 18, 12) | disc((40, 60), 20, 38, 12))
    assert (labels[:, :27][labels[:, :27] > 0] == labels[20, 18]).all()
    assert (labels[:, 30:][labels[:, 30:] > 0] == labels[20, 38]).all()


@given(planes())
@FEW
def test_the_watershed_gives_up_no_pixel_and_joins_no_two_blobs(plane):
    mask = plane != 0
    parts, blobs = split(mask), cells_of(mask)
    assert np.array_equal(parts > 0, mask)
    pairs = set(zip(parts[mask].tolist(), blobs[mask].tolist(), strict=True))
    assert len(pairs) == len(np.unique(parts[mask]))


@given(planes(), planes())
@FEW
def test_how_a_blob_is_split_does_not_depend_on_other_blobs(one, other):
    height = max(one.shape[0], other.shape[0])
    alone, apart = (np.pad(image != 0, ((0, height - len(image)), (1, 1))) for image in (one, other))
    together = split(np.concatenate([alone, apart], axis=1))[:, : alone.shape[1]]
    assert np.array_equal(cells_in_order(together), cells_in_order(split(alone)))


def cells_in_order(labels):
    """Numbered by first pixel."""
    _, first, inverse = np.unique(labels.ravel(), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


# --- masks


@pytest.mark.parametrize("mask", [np.eye(3, dtype=bool), np.eye(3), np.eye(3, dtype=np.uint8) * 255, np.zeros((3, 3))])
def test_a_mask_is_of_bool_or_0_and_1_or_0_and_255(mask):
    assert cells_of(mask).max() == bool(mask.any())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 1, 255], "holds 0, 1, 255"),
        ([0, 7], "holds 0, 7"),
        (range(0, 200, 10), r"holds 0, 10, 20, 30, 40, 50 and 14 more"),
        ([0.0, 0.5], "holds 0.0, 0.5"),
        ([0.0, np.nan], "holds 0.0, nan"),
    ],
)
def test_a_mask_that_is_not_binary_is_an_error_that_names_its_values(values, message):
    with pytest.raises(DataError, match=f"a.png is not binary: it {message}"):
        cells_of(np.array([list(values)]), "a.png")


# --- the figure of the documentation


def test_the_figure_of_the_counting_rule_is_what_its_script_makes():
    script = module_of(ROOT / "docs" / "counting_frame.py")
    assert script.figure() == (ROOT / "docs" / "explanation" / "counting-frame.svg").read_text()
