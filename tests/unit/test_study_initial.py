"""The paper's Equations 1 and 2 are told apart by the weights."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits_study import collection


def test_connections_are_counted_by_hand():
    assert collection.connections((5, 5, 1, 6), "keras2") == 25 * (1 + 6)
    assert collection.connections((6, 1, 5, 5), "pytorch") == 25 * (1 + 6)
    assert collection.connections((400, 120), "keras3") == 520


@given(st.integers(0, 2**32 - 1), st.integers(50, 2000))
def test_draws_of_each_equation_are_told(seed, n):
    rng = np.random.default_rng(seed)
    first, second = math.sqrt(6 / n), math.sqrt(6 / max(1.0, n / 2))
    assert second == pytest.approx(first * math.sqrt(2))
    for equation, limit in ((1, first), (2, second)):
        kernel = rng.uniform(-limit, limit, 400).astype(np.float32)
        found = collection.judge("w", kernel, n)
        assert found.equation == equation
        assert found.largest == abs(kernel).max()


def test_few_weights_or_larger_ones_are_left_open():
    assert collection.judge("w", np.zeros(10, np.float32), 100).equation is None
    assert collection.judge("w", np.full(400, 9.0, np.float32), 100).equation is None
