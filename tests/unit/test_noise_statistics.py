"""The statistics of noise, against numbers by hand, of the paper, and drawn ones."""

import math

import numpy as np
import pytest

from samebits.noise import statistics

# the paper's Table 3: error rates in percent
KERAS = [7.28, 8.03, 7.28, 6.54, 5.79, 7.1, 8.03]


def test_the_layers_are_those_of_an_analysis_of_variance():
    # by hand: within 1; the means 2 and 3, so 3 * 0.5 = 1.5 between; (1.5 - 1) / 3 is added
    found = statistics.layers([[1, 2, 3], [2, 3, 4]])
    assert found.same_seed == pytest.approx(1)
    assert found.other_seeds == pytest.approx(math.sqrt(0.5 / 3))


def test_seeds_whose_trainings_repeat_have_a_floor_of_zero():
    found = statistics.layers([[1.0] * 3, [2.0] * 3, [3.0] * 3])
    assert found == (0.0, pytest.approx(1.0))


@pytest.mark.parametrize("value", [0.802, 0.1, 1 / 3, 98.9, 1e-300, -7e300])
@pytest.mark.parametrize("trainings", [2, 3, 7, 10])
def test_equal_trainings_have_a_floor_of_exactly_zero(value, trainings):
    assert statistics.layers([[value] * trainings]).same_seed == 0.0
    assert statistics.layers([[value] * trainings, [value] * 2]) == (0.0, 0.0)
    assert statistics.mean_of([value] * trainings) == value


def test_the_floor_of_the_paper_is_the_deviation_of_its_table():
    # the paper prints 0.737, which divides by 7 instead of 6
    assert statistics.layers([KERAS]).same_seed * math.sqrt(6 / 7) == pytest.approx(0.737, abs=5e-4)
    assert statistics.layers([KERAS]).other_seeds is None
    assert statistics.layers([[1.0], [2.0]]).same_seed is None


def test_unequal_groups_are_unbiased():
    rng = np.random.default_rng(3)
    sizes = (2, 3, 5, 8)
    found = [statistics.layers([rng.normal(rng.normal(0, 2), 1, size) for size in sizes]) for _ in range(2000)]
    assert np.mean([one.same_seed**2 for one in found]) == pytest.approx(1, abs=0.05)
    assert np.mean([one.other_seeds**2 for one in found]) == pytest.approx(4, abs=0.3)
