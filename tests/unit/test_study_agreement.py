"""Error rate, Dice, precision, recall and F1: worked by hand, and said where they are undefined."""

import itertools
import math

import numpy as np
import pytest
from builders import labels_of
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.errors import DataError
from samebits_study.stereology.agreement import (
    AnimalAgreement,
    CellCounts,
    Overlap,
    agreement,
    error_rate,
    overlap,
    same_cells,
)
from samebits_study.stereology.count import CountingFrame, Score

FEW = settings(max_examples=60, deadline=None)


def dice(truth, prediction):
    return overlap(truth, prediction).dice


def cell_counts(truth, prediction):
    """All cells of two label images: the frame takes everything."""
    return agreement(truth, prediction, CountingFrame(0, 0, truth.shape[1], truth.shape[0])).cells


# --- a number, or why there is none


@pytest.mark.parametrize("wrong", [(math.nan,), (math.inf,), (None,), (1.0, "why"), (math.nan, "why")])
def test_a_score_is_never_nan_and_never_both(wrong):
    with pytest.raises(ValueError, match="a score is a finite number or says why"):
        Score(*wrong)


# --- Equation 3


@pytest.mark.parametrize(
    ("true", "predicted", "percent"), [(200, 186, 7), (200, 214, 7), (8, 8, 0), (8, 0, 100), (4, 13, 225)]
)
def test_the_error_rate_is_equation_3_in_percent(true, predicted, percent):
    """200 true and 186 predicted: |200 - 186| / 200 x 100 = 7."""
    assert error_rate(true, predicted) == Score(percent)


@pytest.mark.parametrize("predicted", [0, 5])
def test_without_a_true_cell_the_error_rate_is_undefined(predicted):
    assert error_rate(0, predicted) == Score(None, "no cell in the ground truth")


def test_a_negative_count_is_an_error():
    with pytest.raises(DataError, match="-1 true, 3 predicted"):
        error_rate(-1, 3)


# --- Equation 4

TRUTH = np.array([[1, 1, 0, 0], [1, 1, 0, 0]])
PREDICTION = np.array([[0, 1, 1, 0], [0, 1, 0, 0]])


def test_dice_is_equation_4():
    """|A| = 4, |B| = 3, both 2: 2 x 2 / (4 + 3) = 4/7."""
    assert overlap(TRUTH, PREDICTION) == Overlap(both=2, truth=4, prediction=3)
    assert dice(TRUTH, PREDICTION) == Score(4 / 7)


def test_masks_of_0_and_255_have_the_dice_of_masks_of_0_and_1():
    assert dice((TRUTH * 255).astype(np.uint8), PREDICTION.astype(bool)) == Score(4 / 7)


def test_dice_is_1_for_equal_masks_0_for_masks_apart_and_0_where_only_one_is_empty():
    empty = np.zeros_like(TRUTH)
    assert (dice(TRUTH, TRUTH), dice(TRUTH, 1 - TRUTH)) == (Score(1), Score(0))
    assert (dice(TRUTH, empty), dice(empty, PREDICTION)) == (Score(0), Score(0))


def test_of_two_empty_masks_dice_is_undefined():
    empty = np.zeros((3, 3), bool)
    assert dice(empty, empty) == Score(None, "no cell in the ground truth or the prediction")


def test_masks_of_different_shape_are_an_error_that_names_both():
    with pytest.raises(DataError, match=r"a\.png: the ground truth is 2 x 4 and the prediction 4 x 2"):
        overlap(TRUTH, PREDICTION.T, "a.png")


@pytest.mark.parametrize(("truth", "prediction"), [(TRUTH * 3, PREDICTION), (TRUTH, PREDICTION * 3)])
def test_a_mask_that_is_not_binary_is_an_error_that_names_which_and_the_values(truth, prediction):
    which = "ground truth" if truth is not TRUTH else "prediction"
    with pytest.raises(DataError, match=f"The {which} of a.png is not binary: it holds 0, 3"):
        overlap(truth, prediction, "a.png")


# --- cells, one to one

ROW = labels_of("1111.2222.3333.....")


@pytest.mark.parametrize(
    ("truth", "found", "least", "pairs"),
    [
        # 1 and 1: 3 pixels in both, 5 in either, 0.6. 2 and 2: 2 of 5, 0.4, not the same. 3 has no partner
        ("1111..2222..33", ".1111...222...", 0.5, [(1, 1)]),
        ("1111", "11..", 0.5, [(1, 1)]),  # 2 of 4 pixels: one half is enough
        # from 0.1 on: 1 and 1 are 8 of 10 pixels, but leave 2 and 2 without a partner; 1 with 2 and 2 with 1 are 1 of 9 each
        ("2111111111", "1111111112", 0.1, [(1, 2), (2, 1)]),
        ("77..4", "33..9", 0.5, [(4, 9), (7, 3)]),  # numbers need not begin at 1
    ],
)
def test_cells_are_the_same_from_half_their_union_on_and_more_pairs_are_worth_more_than_better_ones(
    truth, found, least, pairs
):
    assert same_cells(labels_of(truth), labels_of(found), least=least) == pairs


def best(truth, prediction, least):
    """(pairs, sum of shares) of the best one-to-one matching, by trying all."""
    true, found = np.unique(truth[truth > 0]).tolist(), np.unique(prediction[prediction > 0]).tolist()

    def share(a, b):
        return ((truth == a) & (prediction == b)).sum() / ((truth == a) | (prediction == b)).sum()

    swap = len(true) > len(found)
    few, many = (found, true) if swap else (true, found)
    tried = (
        [value for a, b in zip(few, chosen, strict=True) if (value := share(b, a) if swap else share(a, b)) >= least]
        for chosen in itertools.permutations(many, len(few))
    )
    return max((len(values), round(sum(values), 9)) for values in tried)


@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.2, 0.5, 0.8]))
@FEW
def test_no_other_matching_has_more_pairs_or_better_ones(seed, least):
    random = np.random.default_rng(seed)
    truth, prediction = random.integers(0, 5, (2, 3, 6))
    if random.random() < 0.5:
        prediction = np.where(random.random((3, 6)) < 0.8, truth, prediction)
    pairs = same_cells(truth, prediction, least=least)
    shares = [((truth == a) & (prediction == b)).sum() / ((truth == a) | (prediction == b)).sum() for a, b in pairs]
    assert min(shares, default=1) >= least
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    assert (len(pairs), round(sum(shares), 9)) == best(truth, prediction, least)


@pytest.mark.parametrize("least", [0, -1, 1.5])
def test_a_share_that_cannot_be_asked_for_is_an_error(least):
    with pytest.raises(DataError, match="between 0 and 1"):
        same_cells(ROW, ROW, least=least)


def test_label_images_of_different_shape_or_type_are_an_error():
    with pytest.raises(DataError, match="The ground truth is 1 x 19 and the prediction 1 x 4"):
        cell_counts(ROW, ROW[:, :4])
    with pytest.raises(DataError, match="holds bool, not whole numbers"):
        cell_counts(ROW, ROW > 0)


# --- precision, recall, F1


def test_precision_recall_and_f1_of_counts():
    """6 found, 2 false, 4 missed: 6/8, 6/10, and 12/18 = 2 x 0.75 x 0.6 / (0.75 + 0.6)."""
    cells = CellCounts(tp=6, fp=2, fn=4)
    assert (cells.precision, cells.recall, cells.f1) == (Score(6 / 8), Score(6 / 10), Score(12 / 18))


@pytest.mark.parametrize(
    ("cells", "precision", "recall", "f1"),
    [
        (CellCounts(0, 0, 0), "no cell in the prediction", "no cell in the ground truth", "no cell in the ground truth or the prediction"),
        (CellCounts(0, 0, 3), "no cell in the prediction", 0, 0),
        (CellCounts(0, 3, 0), 0, "no cell in the ground truth", 0),
    ],
)  # fmt: skip
def test_what_is_undefined_says_why(cells, precision, recall, f1):
    for score, expected in ((cells.precision, precision), (cells.recall, recall), (cells.f1, f1)):
        assert score == (Score(None, expected) if isinstance(expected, str) else Score(expected))


# --- an image

FRAME = CountingFrame(1, 0, 6, 3)  # columns 1 to 5, rows 0 to 2; red at the left and below
IMAGE_TRUTH = labels_of("11..22.", "11..22.", "....2..", ".33....")
IMAGE_PREDICTION = labels_of(".1..22.", "11..22.", "...3...", ".44....")


def test_an_image_is_compared_over_the_counted_cells_and_all_pixels():
    """1 crosses red in both and is counted in neither; 3 below likewise. Counted: 2 of the truth; 2 and 3 predicted.
    2 and 2 share 4 of 5 pixels: one found, one false. Pixels: 11 true, 10 predicted, 9 in both (3 + 4 + 2)."""
    image = agreement(IMAGE_TRUTH, IMAGE_PREDICTION, FRAME, name="a")
    assert (image.true_count, image.predicted_count) == (1, 2)
    assert image.cells == CellCounts(tp=1, fp=1, fn=0)
    assert image.pixels == Overlap(both=9, truth=11, prediction=10)
    assert image.dice == Score(18 / 21)


def test_a_count_by_hand_takes_the_place_of_the_masks_count():
    image = agreement(IMAGE_TRUTH, IMAGE_PREDICTION, FRAME, by_hand=4)
    assert (image.true_count, image.predicted_count, image.cells) == (4, 2, CellCounts(tp=1, fp=1, fn=0))


def test_an_image_against_itself_agrees_in_all():
    image = agreement(IMAGE_TRUTH, IMAGE_TRUTH, FRAME)
    assert (image.predicted_count - image.true_count, image.dice, image.cells.f1) == (0, Score(1), Score(1))


def test_images_of_different_shape_are_an_error_that_names_the_image_and_both():
    with pytest.raises(DataError, match="LU3_1_2: the ground truth is 4 x 7 and the prediction 7 x 4"):
        agreement(IMAGE_TRUTH, IMAGE_TRUTH.T, FRAME, name="LU3_1_2")


# --- an animal

EMPTY = np.zeros((4, 7), int)


def animal(*pairs):
    return AnimalAgreement(
        tuple(agreement(truth, prediction, FRAME, name=str(number)) for number, (truth, prediction) in enumerate(pairs))
    )


def test_an_animal_has_the_error_rate_of_its_total_count():
    """True 1 + 1 + 2, predicted 2 + 1 + 1: 4 and 4, an error rate of 0, though two images are wrong."""
    three = animal((IMAGE_TRUTH, IMAGE_PREDICTION), (IMAGE_TRUTH, IMAGE_TRUTH), (IMAGE_PREDICTION, IMAGE_TRUTH))
    assert (three.true_count, three.predicted_count, three.error_rate) == (4, 4, Score(0))
    assert [abs(image.predicted_count - image.true_count) / image.true_count for image in three.images] == [1, 0, 0.5]


def test_an_animal_has_the_mean_dice_of_its_images_and_that_of_all_pixels_apart():
    """18/21 and 1: their mean is 13/14. Of all pixels: 2 x (9 + 11) / (11 + 10 + 11 + 11) = 40/43."""
    two = animal((IMAGE_TRUTH, IMAGE_PREDICTION), (IMAGE_TRUTH, IMAGE_TRUTH))
    assert two.dice.value == pytest.approx(13 / 14)
    assert two.dice_of_all_pixels == Score(40 / 43)


def test_images_whose_dice_is_undefined_are_left_out_of_the_mean_and_named():
    two = animal((IMAGE_TRUTH, IMAGE_PREDICTION), (EMPTY, EMPTY))
    assert (two.dice, two.without_dice) == (Score(18 / 21), ("1",))


def test_an_image_whose_dice_is_0_counts_in_the_mean():
    assert animal((IMAGE_TRUTH, IMAGE_TRUTH), (IMAGE_TRUTH, EMPTY)).dice == Score(0.5)


def test_precision_recall_and_f1_of_an_animal_are_of_the_summed_cells():
    """Found 1 + 1, false 1 + 0, missed 0 + 1."""
    two = animal((IMAGE_TRUTH, IMAGE_PREDICTION), (IMAGE_PREDICTION, IMAGE_TRUTH))
    assert two.cells == CellCounts(tp=2, fp=1, fn=1)
    assert two.cells.f1 == Score(4 / 6)


def test_an_animal_without_a_cell_says_so_in_every_number():
    nothing = animal((EMPTY, EMPTY))
    scores = (nothing.error_rate, nothing.dice, nothing.dice_of_all_pixels, nothing.cells.precision, nothing.cells.f1)
    assert all(score.value is None and "no cell" in score.undefined for score in scores)


def test_an_animal_without_an_image_is_an_error():
    with pytest.raises(DataError, match="no image of the animal"):
        AnimalAgreement(())
