"""What predicted digits are worth, NaN among them."""

import numpy as np

from samebits_study import collection, conductor

LABELS = np.array([0, 0, 1, 2], np.uint8)
RIGHT = np.eye(3, dtype=np.float32)[LABELS]


def with_nan(*rows):
    predictions = RIGHT.copy()
    predictions[list(rows)] = np.nan
    return predictions


def test_predictions_that_are_all_right():
    found = collection.judge_digits(RIGHT, LABELS)
    assert (found.accuracy, found.wrong, found.undecided) == (1.0, 0, 0)
    assert found.confusion == [[2, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_prediction_that_is_not_a_number_is_wrong_and_not_of_class_0():
    found = collection.judge_digits(with_nan(0, 2), LABELS)
    assert (found.accuracy, found.wrong, found.undecided) == (0.5, 2, 2)
    assert found.confusion == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert found.missed == [0, 2]


def test_one_number_among_the_probabilities_that_is_none_is_enough():
    predictions = RIGHT.copy()
    predictions[3, 0] = np.nan
    assert collection.judge_digits(predictions, LABELS).undecided == 1


def test_a_retest_that_gives_nan_does_not_decide_as_class_0_or_no_cell_does():
    assert not np.array_equal(conductor.decisions(RIGHT), conductor.decisions(with_nan(0)))
    pixels = np.zeros((1, 2, 2), np.float32)
    assert not np.array_equal(conductor.decisions(pixels), conductor.decisions(np.full_like(pixels, np.nan)))
