"""What is shown of two tensors that differ: samples, distances, order; small, and never wrong about what differs."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from samebits.comparison import TensorPair, measure, shown_difference
from samebits.tensor_pairs import MOST_SIDE, PicturePair, ShownDifference

DRAWN = np.random.default_rng(0)
IMAGES = DRAWN.normal(size=(6, 1, 28, 28)).astype("f4")


def shown(a, b, kind="batch", dtype=None):
    name = dtype or str(a.dtype)
    size = measure(a.tobytes(), b.tobytes(), name, a.shape)
    found = shown_difference(TensorPair(a.tobytes(), b.tobytes(), name, a.shape), kind, is_related=not size.unrelated)
    if found is not None:  # a record that holds it can be read again
        assert ShownDifference.model_validate(json.loads(found.model_dump_json()), strict=True) == found
    return found


def pixels(text):
    return np.frombuffer(base64.b64decode(text), "u1")


def test_nothing_is_shown_of_equal_tensors_and_of_tensors_of_two_sizes():
    assert shown(IMAGES, IMAGES) is None
    assert shown_difference(TensorPair(b"1234", b"12", "float32", (1,)), "batch", is_related=True) is None


def test_the_first_two_samples_that_differ_are_pictures_with_their_difference():
    other = IMAGES.copy()
    other[2, 0, 5, 7] += 3
    other[4] = IMAGES[3]
    found = shown(IMAGES, other)
    assert [(one.row, one.different, one.form) for one in found.samples] == [(2, 1, "picture"), (4, 784, "picture")]
    picture = found.samples[0].picture
    assert (picture.height, picture.width, picture.channels) == (28, 28, 1)
    assert picture.largest == pytest.approx(3)
    assert np.flatnonzero(pixels(picture.difference)).tolist() == [5 * 28 + 7]
    unequal = np.flatnonzero(pixels(picture.one) != pixels(picture.other))
    assert set(unequal.tolist()) >= {5 * 28 + 7} or len(unequal) == 0


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (3, 28, 28), (224, 224, 3), (1, 300, 100), (28, 28, 4)])
def test_every_shape_of_a_picture_is_known_and_made_small(shape):
    a = DRAWN.integers(0, 256, size=(2, *shape), dtype="u1")
    b = a.copy()
    b[1].flat[-1] ^= 255
    picture = shown(a, b).samples[0].picture
    assert max(picture.height, picture.width) <= MOST_SIDE
    assert picture.channels == (3 if 3 in shape or 4 in shape else 1)
    assert pixels(picture.difference).max() == 255  # one pixel of all that a small picture leaves out still shows


@pytest.mark.parametrize("shape", [(784,), (6, 5), (5, 5, 6), (2, 28), (3, 1000, 8), (28, 28, 5)])
def test_what_has_not_the_shape_of_a_picture_is_numbers(shape):
    a = DRAWN.normal(size=(2, *shape))
    assert {one.form for one in shown(a, a + 1).samples} == {"numbers"}


def test_weights_are_no_pictures():
    assert [one.form for one in shown(IMAGES, IMAGES[::-1].copy(), "start").samples] == ["numbers", "numbers"]


def test_not_a_number_and_infinity_can_be_drawn():
    other = IMAGES.copy()
    other[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    found = shown(IMAGES, other)
    assert pixels(found.samples[0].picture.difference)[:3].tolist() == [255, 255, 255]
    assert found.not_finite == 3


def test_numbers_begin_shortly_before_the_first_that_differs():
    a = np.arange(400).reshape(2, 200)
    b = a.copy()
    b[1, 150] = 7
    (sample,) = shown(a, b).samples
    assert (sample.row, sample.start, sample.different, sample.values) == (1, 146, 1, 200)
    assert sample.one[:5] == ["346", "347", "348", "349", "350"]
    assert sample.other[:5] == ["346", "347", "348", "349", "7"]


def test_bytes_that_are_letters_are_text():
    a, b = (np.frombuffer(words, "u1")[None] for words in ("the cat säß\n".encode(), "the dog säß\n".encode()))
    (sample,) = shown(a, b).samples
    assert (sample.form, sample.one, sample.other) == ("text", ["the cat säß\n"], ["the dog säß\n"])
    binary = np.frombuffer(b"\x00\xff\x17 abcdef", "u1")[None]
    assert shown(binary, binary ^ 1).samples[0].form == "numbers"


def test_a_dtype_that_numpy_has_not_is_shown_in_hexadecimal():
    a = np.array([[1, 2, 3]], "u1")
    (sample,) = shown(a, a + 1, dtype="torch.float8_e4m3fn").samples
    assert (sample.one, sample.other) == (["01", "02", "03"], ["02", "03", "04"])


def test_the_histogram_counts_each_pair_that_differs_once():
    a = np.ones(100, "f4")
    b = a.copy()
    b.view("u4")[:9] += np.array([1, 1, 2, 3, 4, 5, 8, 9, 16], "u4")
    found = shown(a, b, "gradient")
    assert [(one.first, one.last, one.values) for one in found.ulps] == [
        (1, 1, 2), (2, 2, 1), (3, 4, 2), (5, 8, 2), (9, 16, 2),
    ]  # fmt: skip
    assert found.samples == []


def test_values_that_have_nothing_in_common_have_no_histogram():
    found = shown(IMAGES, IMAGES[::-1].copy(), "start")
    assert found.ulps == []
    assert found.samples


def test_an_order_says_which_rows_moved_and_which_only_one_has():
    a = np.arange(8 * 3).reshape(8, 3)
    b = a[[0, 2, 1, 3, 5, 4, 6, 7]].copy()
    b[7] = 99
    order = shown(a, b).order
    assert (order.rows, order.same, order.moved, order.alone) == (8, 3, 4, 1)
    assert order.places == [[1, 2], [2, 1], [4, 5], [5, 4]]


def test_without_a_row_that_moved_there_is_no_order():
    assert shown(IMAGES, IMAGES + 1).order is None
    assert shown(IMAGES[:1], IMAGES[1:2]).order is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_numbers_of_an_order_add_up(data):
    rows = data.draw(arrays.arrays("u1", st.tuples(st.integers(2, 12), st.just(2)), elements=st.integers(0, 2)))
    other = data.draw(arrays.arrays("u1", rows.shape, elements=st.integers(0, 2)))
    found = shown(rows, other)
    if found is None or found.order is None:
        return
    order = found.order
    assert order.same + order.moved + order.alone == order.rows
    assert len({one for one, _ in order.places}) == len({two for _, two in order.places}) == len(order.places)
    assert all((rows[one] == other[two]).all() and one != two for one, two in order.places)


def test_what_is_shown_stays_small_however_large_the_tensors_are():
    a = DRAWN.normal(size=(2, 3, 224, 224)).astype("f4")
    assert len(shown(a, -a).model_dump_json()) < 25_000


@pytest.mark.parametrize("fields", [{"height": 33, "width": 33}, {"channels": 2}, {"one": "AA=="}, {"difference": "!"}])
def test_a_picture_without_its_pixels_is_refused(fields):
    other = IMAGES.copy()
    other[0] += 1
    known = shown(IMAGES, other).samples[0].picture.model_dump()
    with pytest.raises(ValueError, match=r"picture|base64|Base64|Only"):
        PicturePair.model_validate({**known, **fields})
