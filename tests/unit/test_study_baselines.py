"""What masks are set beside that no training made: the true mask counts right, and one grey level does not."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the extra study (scikit-image) is not installed")

from samebits_study import collection, scores
from samebits_study.catalog import STUDIES
from samebits_study.cells import arrays, methods


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The data of the scale that counts, with fewer fields."""
    made = tmp_path_factory.mktemp("data")
    known = STUDIES["unet"].scales["counting"].data
    fewer = {**known, "fields_per_animal": 4, "test_fields": 80, "augmented": 0}
    arrays.prepare(None, arrays.CellSettings(**fewer, seed=2019), made)
    return made


@pytest.fixture(scope="module")
def found(folder):
    study = STUDIES["unet"]
    judge = collection.judge_of(study, folder, watershed=study.scales["counting"].watershed)
    return {one.name: one.cells for one in scores.cell_baselines("cells", folder, judge)}


def test_the_true_mask_counts_right_on_the_fields_of_the_scale_that_counts(found):
    cells = found["the true mask"]
    assert cells.true_count > 40
    assert cells.error_rate <= 2
    assert cells.f1 > 0.97


def test_one_grey_level_does_not_count_right_there(found):
    assert found["one grey level"].error_rate > 20
    assert found["one grey level"].f1 < 0.7


def test_methods_without_a_network_come_nearer_the_more_they_look_at(found):
    names = ["one grey level", "Otsu's level", "a local level", "a pixel classifier", "the true mask"]
    f1 = [found[name].f1 for name in names]
    assert f1 == sorted(f1)
    assert f1[-2] > 0.8


def test_fields_of_one_grey_level_have_no_cell():
    nothing = np.full((2, 8, 8), 9, np.uint8)
    assert methods._otsu(nothing[0]) == -1
    assert not methods._classified(nothing, nothing * 0, nothing).any()


def test_the_grey_level_is_the_one_with_the_highest_dice_of_all():
    rng = np.random.default_rng(1)
    masks = rng.integers(0, 2, (3, 8, 8), dtype=np.uint8) * 255
    images = np.where(masks > 0, rng.normal(90, 20, masks.shape), rng.normal(130, 20, masks.shape)).astype(np.uint8)

    def dice(level):
        cell = images <= level
        return 2 * (cell & (masks > 0)).sum() / (cell.sum() + (masks > 0).sum())

    assert dice(methods.best_level(images, masks)) == max(map(dice, range(256)))


def test_training_fields_without_a_cell_have_a_level_at_which_nothing_is_divided_by_zero():
    nothing = np.zeros((1, 4, 4), np.uint8)
    assert methods.best_level(nothing + 9, nothing) == 0


def test_digits_have_no_baseline(tmp_path):
    assert (
        scores.cell_baselines("digits", tmp_path, partial(collection.judge_digits, labels=np.zeros(1, np.uint8))) == []
    )
