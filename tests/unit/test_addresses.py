"""The address of an array is what NumPy says, for every array, and also where NumPy's documented layout would not hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits_probe.watchers import addresses


def said(arrays):
    return [array.__array_interface__["data"][0] for array in arrays]


class Mine(np.ndarray):
    """A class of arrays of the program's own."""


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.sampled_from(["f4", "i8", "?", "O", "U3"]), st.data())
def test_addresses_are_those_that_numpy_says(shape, dtype, data):
    whole = np.zeros(shape, dtype)
    part = whole[data.draw(st.integers(0, 3)) :: data.draw(st.sampled_from([1, 2, -1]))]
    arrays = [whole, part, whole.T, whole.view(Mine), np.zeros((), dtype)]
    assert addresses.of(arrays) == said(arrays)


def test_an_array_over_read_only_memory_has_the_address_of_that_memory():
    arrays = [np.frombuffer(b"12345678" * 3, "f8"), np.broadcast_to(np.float32(3), (2, 2))]
    assert addresses.of(arrays) == said(arrays)


@pytest.mark.parametrize("is_there", [True, False])
def test_pointers_are_read_only_if_a_sample_shows_that_they_are_there(monkeypatch, is_there):
    if not is_there:
        monkeypatch.setattr(addresses, "_FIRST_FIELD", object.__basicsize__ + 8)  # the number of dimensions
    own, arrays = addresses._Addresses(), [np.ones(3), np.ones((2, 2))[1:]]
    assert own.of(arrays) == said(arrays)
    assert own._array is (np.ndarray if is_there else type(None))
