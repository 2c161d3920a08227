"""How far two tensors are apart, and what that looks like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.comparison import measure

NORMAL = np.random.default_rng(0).normal(size=(64, 32))


def size(a, b, dtype=None):
    return measure(a.tobytes(), b.tobytes(), dtype or str(a.dtype), a.shape)


def test_values_that_have_little_in_common_are_unrelated_and_rounding_and_factors_are_not():
    assert size(NORMAL, NORMAL[::-1].copy()).unrelated
    assert size(NORMAL[:2], np.stack([NORMAL[0], NORMAL[5]])).unrelated
    tiny = np.array([1.0, 1e-20])
    assert not size(tiny, np.array([1.0, -1e-20])).unrelated
    assert not size(NORMAL, NORMAL * 1.5).unrelated
    assert not size(NORMAL, NORMAL + 1e-3).unrelated


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_one_unit_in_the_last_place(dtype):
    a = NORMAL.astype(dtype)
    b = a.copy()
    b[3, 4] = np.nextafter(a[3, 4], a.dtype.type(9))
    found = size(a, b)
    assert (found.different, found.max_ulp) == (1, 1)
    assert found.looks == "like rounding: same sums in a different order, in few values"


def test_bfloat16_is_known_though_numpy_has_none():
    a = (NORMAL.astype("f4").view("u4") >> 16).astype("u2")
    b = a.copy()
    b[0, 0] += 1
    found = size(a, b, "torch.bfloat16")
    assert (found.different, found.max_ulp) == (1, 1)
    assert found.max_relative == pytest.approx(1 / 128, rel=0.6)


def test_units_are_counted_through_zero():
    tiny = np.float32(1e-45)
    assert size(np.array([tiny]), np.array([-tiny])).max_ulp == 3


def test_a_sum_in_another_order_looks_like_rounding():
    terms = np.random.default_rng(1).normal(size=(500, 1000)).astype("f4")
    found = size(terms.sum(axis=1, dtype="f4"), terms[:, ::-1].cumsum(axis=1, dtype="f4")[:, -1])
    assert found.looks.startswith("like rounding")


@pytest.mark.parametrize("factor", [1.02, 0.5, -1.0, 1.00001])
def test_one_common_factor(factor):
    a = NORMAL.astype("f4")
    assert size(a, a * np.float32(factor)).looks.startswith(
        "like a different computation: the values differ by one common factor of "
    )


def test_a_constant_added_to_all():
    a = NORMAL.astype("f4")
    assert size(a, a + np.float32(0.5)).looks == "like a different computation: 0.5 was added to all values"


def test_rows_in_another_order():
    a = NORMAL.astype("f4")
    assert size(a, a[::-1].copy()).looks == "like the same rows in a different order"


def test_labels_in_another_order():
    labels = np.arange(50) % 7
    assert size(labels, labels[::-1].copy()).looks == "like the same values in a different order"


def test_some_other_samples():
    a = NORMAL.astype("f4")
    b = a.copy()
    b[5] = a[5] ** 2 + 3
    assert size(a, b).looks == "like different rows: 1 of 64 differs"


def test_another_sample():
    b = np.random.default_rng(2).normal(size=NORMAL.shape)
    assert size(NORMAL, b).looks == "like a different sample: the values have little in common"


def test_nan_in_one():
    b = NORMAL.copy()
    b[0, 0] = np.nan
    assert size(NORMAL, b).looks.startswith("like an overflow")


def test_signs_of_zeros():
    a = np.zeros(4, "f4")
    found = size(a, -a)
    assert found.different == 4
    assert found.looks.startswith("like different zeros or NaNs")


def test_another_length_is_another_shape():
    assert measure(b"1234", b"12345678", "float32", (1,)).looks == "like a different shape"


DTYPES = ["float16", "bfloat16", "float32", "float64", "int64", "bool", "complex64", "float8_e4m3fn", "unknown"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=3), st.data())
def test_any_bytes_of_any_dtype_can_be_measured(dtype, shape, data):
    sizes = {"float16": 2, "bfloat16": 2, "float32": 4, "bool": 1, "float8_e4m3fn": 1}
    length = int(np.prod(shape, dtype=int)) * sizes.get(dtype, 8)
    a, b = (data.draw(st.binary(min_size=length, max_size=length)) for _ in range(2))
    found, back = measure(a, b, dtype, tuple(shape)), measure(b, a, dtype, tuple(shape))
    assert (found.different == 0) == (a == b)
    assert (found.different, found.max_ulp, found.max_relative) == (back.different, back.max_ulp, back.max_relative)
    assert bool(found.looks) == (a != b)
