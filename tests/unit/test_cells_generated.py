"""Generated fields: every cell is known, and one seed gives one set of pictures."""

import numpy as np
import pytest
from scipy import ndimage

from samebits.errors import DataError
from samebits_study.cells.fields import Field, inset_frame, mask_of, renumbered
from samebits_study.cells.generator import HARD, generate, make_field, mice

EIGHT_NEIGHBOURS = np.ones((3, 3))


@pytest.fixture(scope="module")
def cells():
    return generate(96, 2, seed=2019)


@pytest.fixture(scope="module")
def all_fields(cells):
    return [field for fields in cells.animals.values() for field in fields]


def same(a, b):
    return np.array_equal(a.image, b.image) and np.array_equal(a.labels, b.labels)


def test_there_are_nine_mice_and_the_ninth_is_the_test(cells):
    assert list(cells.animals) == [f"M{number}" for number in range(1, 10)]
    assert {field.animal for field in cells.test} == {"M9"}
    assert len(cells.training) == 16
    assert len(cells.test) == 2


def test_one_seed_gives_the_same_bits_and_another_seed_others(cells):
    again, other = generate(96, 2, seed=2019), generate(96, 2, seed=2020)
    for mouse, fields in cells.animals.items():
        assert all(same(a, b) for a, b in zip(fields, again.animals[mouse], strict=True))
        assert not any(same(a, b) for a, b in zip(fields, other.animals[mouse], strict=True))


def test_a_field_is_the_same_however_many_are_made(cells):
    assert same(generate(96, 1, seed=2019).animals["M4"][0], cells.animals["M4"][0])


def test_labels_count_from_one_without_gaps_and_mark_the_mask(all_fields):
    for field in all_fields:
        assert np.array_equal(np.unique(field.labels), np.arange(field.cells + 1))
        assert np.array_equal(field.mask, np.where(field.labels > 0, 255, 0))


def test_every_cell_is_in_one_piece(all_fields):
    for field in all_fields:
        for number in range(1, field.cells + 1):
            assert ndimage.label(field.labels == number, EIGHT_NEIGHBOURS)[1] == 1


def test_no_field_is_without_a_cell_inside_its_frame(all_fields):
    for field in all_fields:
        x0, y0, x1, y1 = field.frame
        assert field.labels[y0:y1, x0:x1].any()


def test_cells_are_darker_than_what_lies_between(all_fields):
    for field in all_fields:
        assert field.image[field.mask > 0].mean() < field.image[field.mask == 0].mean() - 30


def test_some_cells_touch_so_that_the_mask_alone_does_not_tell_their_number(all_fields):
    blobs = sum(ndimage.label(field.mask, EIGHT_NEIGHBOURS)[1] for field in all_fields)
    assert blobs < sum(field.cells for field in all_fields)


def test_at_400_pixels_whole_cells_are_20_to_45_pixels_across_and_survive_the_papers_smallest_blob():
    mouse = mice(2019)[0]
    fields = [make_field(mouse, np.random.default_rng(number), 400, name="M1_001") for number in range(3)]
    whole = []
    for field in fields:
        edge = np.unique(np.concatenate([field.labels[0], field.labels[-1], field.labels[:, 0], field.labels[:, -1]]))
        areas = np.bincount(field.labels.ravel())
        whole += [area for number, area in enumerate(areas) if number and number not in edge]
    across = 2 * np.sqrt(np.array(whole) / np.pi)
    assert across.min() > 20
    assert across.max() < 45
    assert np.mean(np.array(whole) >= 250) == 1


def test_mice_differ_and_each_quality_is_spread_over_its_range():
    nine = mice(2019)
    assert nine == mice(2019)
    assert sorted(mouse.cells for mouse in nine) == pytest.approx(np.linspace(8, 20, 9))
    assert len({mouse.stain for mouse in nine}) == 9


def test_an_inset_frame_leaves_a_twentieth_on_each_side():
    assert inset_frame(400) == (20, 20, 380, 380)
    assert inset_frame(64) == (3, 3, 61, 61)


def test_labels_are_renumbered_in_their_order():
    labels = np.array([[7, 0], [3, 7]], np.uint16)
    assert renumbered(labels).tolist() == [[2, 0], [1, 2]]
    assert renumbered(np.array([[5, 5]])).tolist() == [[1, 1]]


def field_with(**parts):
    labels = np.array([[0, 1], [2, 2]], np.int32)
    arrays = {"image": np.zeros((2, 2), np.uint8), "mask": mask_of(labels), "labels": labels}
    return Field(animal="M1", name="M1_007", **{**arrays, **parts})


def test_a_field_whose_arrays_belong_together_knows_its_number_of_cells():
    assert field_with().cells == 2
    assert field_with(labels=None).cells is None


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"image": np.zeros((2, 3), np.uint8)}, "the image is 3 x 2 pixels, its mask 2 x 2"),
        ({"mask": np.full((2, 2), 7, np.uint8)}, "the mask is not binary"),
        ({"mask": np.zeros((2, 2), np.uint8)}, "do not mark the same pixels"),
    ],
)
def test_a_field_whose_arrays_do_not_belong_together_is_refused_by_its_name(parts, said):
    with pytest.raises(DataError, match=f"M1_007: .*{said}"):
        field_with(**parts)


def test_hard_fields_show_larger_cells_of_which_some_touch(cells):
    plain, hard = cells, generate(96, 2, 2019, HARD)
    assert (plain.smallest, hard.smallest) == (None, round(250 * (96 / HARD.across) ** 2))

    def shares(cells):
        fields = [field for fields in cells.animals.values() for field in fields]
        numbers = sum(field.cells for field in fields)
        blobs = sum(ndimage.label(field.mask, EIGHT_NEIGHBOURS)[1] for field in fields)
        return sum((field.mask > 0).sum() for field in fields) / numbers, 1 - blobs / numbers

    (area, _), (larger, touching) = shares(plain), shares(hard)
    assert larger > 3 * area
    assert touching > 0.1


def test_the_ground_of_hard_fields_is_as_dark_in_places_as_cells_are_elsewhere():
    fields = generate(96, 4, 2019, HARD, tested=1).training
    ground = np.concatenate([field.image[field.mask == 0] for field in fields])
    cells = np.concatenate([field.image[field.mask > 0] for field in fields])
    assert (ground < np.median(cells)).mean() > 0.02
