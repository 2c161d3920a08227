"""What holding a control costs in step time."""

import pytest

from samebits.causes.confirmation import cost


def test_a_cost_has_a_median_and_a_range():
    assert cost([2.0, 2.2, 2.4], [1.0, 1.1, 1.2]) == (2.0, 1.67, 2.4)


@pytest.mark.parametrize("held", [[1.15, 3.0, 3.0], [0.5, 0.6, 1.05], []])
def test_times_that_overlap_tell_no_cost(held):
    assert cost(held, [1.0, 1.1, 1.2]) is None
