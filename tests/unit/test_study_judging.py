"""What masks are worth where some fields hold no cell, and with touching cells split or not."""

import numpy as np

from samebits_study import collection
from samebits_study.cells.arrays import Truth

SIDE = 40


def disc(y, x, radius):
    rows, columns = np.ogrid[:SIDE, :SIDE]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


PAIR = disc(20, 14, 6) | disc(20, 24, 6)


def truth(*masks, counts=None):
    stacked = np.stack([np.where(mask, 255, 0).astype(np.uint8) for mask in masks])
    frames = np.array([[2, 2, 38, 38]] * len(masks), np.int32)
    names = [f"field {number}" for number in range(1, len(masks) + 1)]
    return Truth(stacked, None, frames, counts, names, smallest=20)


def predicted(*masks):
    return np.stack([np.where(mask, 0.9, 0.1) for mask in masks]).astype(np.float32)


NOTHING = np.zeros((SIDE, SIDE), bool)


def test_a_field_in_which_neither_mask_has_a_cell_is_left_out_of_the_mean_dice_and_named():
    found = collection.judge_cells(predicted(PAIR, NOTHING), truth(PAIR, NOTHING))
    assert (found.dice, found.dice_of_all_pixels) == (1.0, 1.0)
    assert (found.fields, found.without_dice) == (2, ["field 2"])


def test_without_any_cell_all_is_undefined_and_says_why():
    found = collection.judge_cells(predicted(NOTHING), truth(NOTHING))
    assert found.dice is found.dice_of_all_pixels is found.error_rate is None
    assert found.undefined["error_rate"] == "no cell in the ground truth"
    assert found.undefined["dice_of_all_pixels"] == "no cell in the ground truth or the prediction"


def test_cells_that_touch_are_one_unless_the_watershed_is_asked_for():
    right = truth(PAIR, counts=np.array([2]))
    assert collection.judge_cells(predicted(PAIR), right).counted == 1
    assert collection.judge_cells(predicted(PAIR), right, watershed=True).counted == 2


def test_each_true_cell_that_is_not_found_is_named():
    near, far = disc(10, 10, 4), disc(30, 30, 4)
    found = collection.judge_cells(predicted(near, far), truth(near | far, NOTHING))
    assert (found.cells, found.recall) == (2, 0.5)
    assert found.missed == ["field 1, cell 2"]
