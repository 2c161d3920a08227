"""Initial weights: the distribution of synthetic draws is told, and what is a little off is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits_parity.init import cases, distributions, formulas, report

MANY = 2**15
SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.floats(2**-10, 32, width=32)
OFF = st.sampled_from([1.01, 1 / 1.01, math.sqrt(2), 1 / math.sqrt(2)])


def uniform(seed, limit, count=MANY, low=None):
    """What a library draws: whole numbers of 23 bits, mapped in float32."""
    unit = np.random.default_rng(seed).integers(0, 2**23, count) / 2.0**23
    high = np.float64(np.float32(limit))
    low = -high if low is None else low
    return (unit * (high - low)).astype(np.float32) + np.float32(low)


def normal(seed, deviation, count=MANY):
    return (np.random.default_rng(seed).standard_normal(count) * deviation).astype(np.float32)


def truncated(seed, whole, count=MANY):
    values = np.random.default_rng(seed).standard_normal(2 * count)
    return (values[np.abs(values) < 2][:count] * whole).astype(np.float32)


def can_be(values, asked):
    return report.can_be(values, distributions.estimate(values[None]), asked)


@settings(max_examples=25, deadline=None)
@given(SEEDS, SCALES)
def test_the_limit_of_a_uniform_distribution_is_the_largest_value_drawn(seed, limit):
    values = uniform(seed, limit)
    found = distributions.estimate(values[None]).distribution
    assert (found.family, found.limit) == ("uniform", np.abs(values).max())
    assert limit * (1 - 30 / MANY) < found.limit <= limit
    assert can_be(values, distributions.uniform(limit))


@settings(max_examples=25, deadline=None)
@given(SEEDS, SCALES)
def test_each_family_is_told_and_is_what_it_was_drawn_from(seed, scale):
    for values, asked in (
        (uniform(seed, scale), distributions.uniform(scale)),
        (uniform(seed, scale, low=0.0), distributions.uniform(scale, 0.0)),
        (normal(seed, scale), distributions.normal(scale)),
        (truncated(seed, scale), distributions.truncated(scale)),
        (np.full(1000, scale, np.float32), distributions.constant(scale)),
    ):
        assert can_be(values, asked), asked


@settings(max_examples=15, deadline=None)
@given(SEEDS, SCALES, OFF)
def test_a_limit_or_a_deviation_that_is_off_is_refused(seed, scale, off):
    assert not can_be(uniform(seed, scale), distributions.uniform(scale * off))
    assert not can_be(uniform(seed, scale, low=0.0), distributions.uniform(scale * off, 0.0))
    assert not can_be(truncated(seed, scale, 2**17), distributions.truncated(scale * off))


@settings(max_examples=3, deadline=None)
@given(SEEDS, SCALES, OFF)
def test_a_deviation_of_half_a_million_values_that_is_off_by_two_percent_is_refused(seed, scale, off):
    values = normal(seed, scale, 2**19)
    assert can_be(values, distributions.normal(scale))
    assert not can_be(values, distributions.normal(scale * (1.02 if off > 1 else 1 / 1.02)))


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_deviation_after_a_cut_is_not_taken_for_the_one_before(seed):
    values = truncated(seed, 0.05)
    assert not can_be(values, distributions.truncated(0.05 / distributions.SHRINK))
    assert not can_be(values, distributions.normal(0.05 * distributions.SHRINK))
    assert not can_be(normal(seed, 0.05), distributions.truncated(0.05))


def test_one_value_outside_the_limits_refuses_them():
    values = truncated(3, 0.05)
    values[7] = 0.11
    found = distributions.estimate(values[None])
    assert found.distribution.family == "truncated normal"
    assert found.distribution.limit == np.float32(0.11)
    assert not report.can_be(values, found, distributions.truncated(0.05))


@pytest.mark.parametrize("draw", ["laplace", "two humps", "shifted", "discrete"])
def test_what_is_of_no_family_is_other(draw):
    rng = np.random.default_rng(5)
    values = {
        "laplace": lambda: rng.laplace(size=MANY),
        "two humps": lambda: np.where(rng.random(MANY) < 0.5, 1, -1) * rng.normal(3, 1, MANY),
        "shifted": lambda: rng.beta(2, 5, MANY),
        "discrete": lambda: rng.integers(0, 5, MANY).astype(float),
    }[draw]()
    assert distributions.estimate(values.astype(np.float32)[None]).distribution.family == "other"


@pytest.mark.parametrize("values", [np.arange(5.0), np.array([0.0, np.nan] * 2000), np.array([np.inf, 1.0] * 2000)])
def test_few_values_or_values_that_are_not_finite_are_other(values):
    assert distributions.estimate(values[None]).distribution.family == "other"


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (3, 3, 8, 20)])
def test_an_orthogonal_matrix_is_told_with_its_gain(shape):
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((max(rows, columns), min(rows, columns))))
    matrix = 1.5 * (q if rows >= columns else q.T).reshape(shape)
    found = distributions.estimate(matrix.astype(np.float32)[None])
    assert found.distribution.family == "orthogonal"
    assert found.distribution.gain == pytest.approx(1.5, rel=1e-5)
    assert report.can_be(matrix, found, distributions.orthogonal(1.5))
    assert not report.can_be(matrix, found, distributions.orthogonal(1.0))


def test_blocks_are_described_in_words():
    bias = np.repeat([0.0, 1.0, 0.0], [4, 4, 8])
    assert distributions.estimate(bias[None]).distribution.detail == "0 to 4: 0, 4 to 8: 1, 8 to 16: 0"


@given(SEEDS, st.integers(50, 3000), st.integers(100, 3000))
def test_the_equations_of_the_paper_are_told_apart(seed, connections, count):
    for equation, limit in enumerate(formulas.limits(connections), 1):
        values = uniform(seed, limit, count)
        assert formulas.decide(values, connections) == equation
    assert formulas.decide(uniform(seed, formulas.limits(connections)[0] / 3, count), connections) is None


def test_that_a_right_limit_is_refused_has_the_chance_that_is_said():
    """(largest / limit) ** count is uniform: refused below CHANCE, whatever the count."""
    for count in (10, 1000, 10**6):
        edge = 0.5 * formulas.CHANCE ** (1 / count)
        assert formulas.can_be_limit(0.5, edge * (1 + 1e-9), count)
        assert not formulas.can_be_limit(0.5, edge * (1 - 1e-6 / count), count)


def test_all_questions_of_a_report_together_refuse_what_is_right_with_less_than_one_in_a_million():
    questions_of_a_weight, weights = 6, 1000
    assert distributions.CHANCE * questions_of_a_weight * weights < 1e-6


def test_fans_are_counted_by_hand():
    assert cases.fans_of_layer((250, 530), "dense", "last") == (250, 530)
    assert cases.fans_of_layer((530, 250), "dense", "first") == (250, 530)
    assert cases.fans_of_layer((3, 3, 60, 250), "convolution", "last") == (540, 2250)
    assert cases.fans_of_layer((3, 3, 250, 60), "transposed", "last") == (540, 2250)
    assert cases.fans_of_layer((60, 250, 3, 3), "transposed", "first") == (540, 2250)
    assert cases.fans_of_layer((3, 3, 100, 4), "depthwise", "last") == (9, 36)
    assert cases.fans_of_layer((400, 1, 3, 3), "depthwise", "first", groups=100) == (9, 36)
    assert cases.ordinary_fans((3, 3, 250, 60), "last") == (2250, 540)
