"""Rotation and elastic deformation: laws, and that image and mask move alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits_study.cells.arrays import Deformation, deform, displaced
from samebits_study.cells.generator import generate

NONE = Deformation(degrees=0, shift=0, smoothness=4)
SOME = Deformation.for_size(64)

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(8, 40), st.integers(8, 40))


def picture(shape, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, shape, np.uint8), np.where(rng.uniform(size=shape) < 0.5, 255, 0).astype(np.uint8)


def grid(size=96, step=24, square=12):
    """Bright squares on black, away from the edge, as an image and as labels."""
    labels, number = np.zeros((size, size), np.int32), 0
    for row in range(step // 4, size - square, step):
        for column in range(step // 4, size - square, step):
            number += 1
            labels[row : row + square, column : column + square] = number
    return np.where(labels > 0, 255, 0).astype(np.uint8), labels


@given(seeds, sizes)
def test_equal_generators_give_equal_bits_and_stay_equal(seed, shape):
    image, mask = picture(shape, seed)
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    first, second = deform(image, mask, one, SOME), deform(image, mask, other, SOME)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert one.bit_generator.state == other.bit_generator.state


@given(seeds, sizes)
def test_no_strength_changes_no_bit(seed, shape):
    image, mask = picture(shape, seed)
    moved = deform(image, mask, np.random.default_rng(seed), NONE)
    assert np.array_equal(moved[0], image)
    assert np.array_equal(moved[1], mask)


@given(seeds, sizes)
def test_a_mask_stays_of_0_and_255(seed, shape):
    image, mask = picture(shape, seed)
    moved = deform(image, mask, np.random.default_rng(seed), SOME)[1]
    assert moved.dtype == np.uint8
    assert set(np.unique(moved)) <= {0, 255}


@given(seeds)
def test_the_generator_goes_on_alike_whatever_the_strength(seed):
    image, mask = picture((16, 16), seed)
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    deform(image, mask, one, NONE)
    deform(image, mask, other, SOME)
    assert one.bit_generator.state == other.bit_generator.state


@given(seeds)
def test_image_and_mask_are_moved_alike(seed):
    image, _ = grid()
    moved, mask = deform(image, image, np.random.default_rng(seed), Deformation.for_size(96))
    # both are the same picture, one interpolated: they may part by the rounding of an edge, nowhere else
    assert np.mean((moved > 127) != (mask > 0)) < 0.01
    assert not (mask[moved == 0] > 0).any()
    assert (mask[moved == 255] > 0).all()


def test_each_square_of_a_grid_is_moved_by_about_the_shift_asked_for():
    points = displaced((96, 96), np.random.default_rng(1), Deformation(degrees=0, shift=3, smoothness=8))
    moved = points - np.indices((96, 96))
    assert np.sqrt((moved**2).sum(axis=0).mean()) == pytest.approx(3)
    steps = np.abs(np.diff(moved, axis=1)).max()
    assert steps < 1  # smooth: neighbours stay neighbours, no pixel overtakes another


def test_a_turn_alone_keeps_distances_from_the_middle():
    points = displaced((33, 33), np.random.default_rng(5), Deformation(degrees=180, shift=0, smoothness=4))
    before = np.hypot(*(np.indices((33, 33)) - 16))
    assert np.hypot(*(points - 16)) == pytest.approx(before)
    assert not np.allclose(points, np.indices((33, 33)))


def test_deformed_cells_are_still_dark_under_their_mask():
    field = generate(64, 1, seed=3).animals["M1"][0]
    image, mask = deform(field.image, field.mask, np.random.default_rng(0), SOME)
    assert image[mask > 0].mean() < image[mask == 0].mean() - 25
    assert not np.array_equal(image, field.image)
