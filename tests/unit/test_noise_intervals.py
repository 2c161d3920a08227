"""The intervals of versus, against numbers of the literature and of the paper, against SciPy, and simulated."""

import builtins
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from samebits.errors import UsageError
from samebits.noise import statistics

# the paper's Tables 3 and 5: error rates in percent
KERAS = [7.28, 8.03, 7.28, 6.54, 5.79, 7.1, 8.03]
PYTORCH = [6.54] * 7


def test_noether_asks_for_29_trainings_as_in_bouthillier_et_al():
    assert statistics.trainings_needed(0.75) == 29
    assert statistics.trainings_needed(0.25) == 29
    assert statistics.trainings_needed(0.5) is None
    assert statistics.trainings_needed(0.75, paired=True) == 43  # a sign test


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("number", [5, 7, 20])
def test_the_difference_that_is_named_is_found_in_80_of_100_comparisons(monkeypatch, sides, number):
    monkeypatch.setattr(statistics, "RESAMPLES", 199)
    rng = np.random.default_rng(number)
    named = np.mean([statistics.interval(*rng.normal(size=(sides, number))).findable for _ in range(300)])
    drawn = (rng.normal(size=(sides, number)) for _ in range(300))
    found = [statistics.interval(*one[:-1], one[-1] + named).low > 0 for one in drawn]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


def test_the_page_names_the_differences_that_so_many_seeds_find():
    page = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "noise.md"
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", page.read_text(), re.MULTILINE)
    assert len(rows) == 4
    for seeds, *named in rows:
        n = int(seeds)
        share = [stats.t.ppf(0.975, degrees) + stats.t.ppf(0.8, degrees) for degrees in (n - 1, 2 * n - 2)]
        assert list(map(float, named)) == pytest.approx([share[0] / n**0.5, share[1] * (2 / n) ** 0.5], abs=0.005)


@pytest.mark.parametrize("n", [5, 7, 19])
def test_the_difference_that_is_named_is_that_of_the_page(n):
    values = np.linspace(-1, 1, n) / np.linspace(-1, 1, n).std(ddof=1)
    one, two = statistics.interval(values), statistics.interval(values, values)
    assert one.findable == pytest.approx((stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) / n**0.5)
    assert two.findable == pytest.approx((stats.t.ppf(0.975, 2 * n - 2) + stats.t.ppf(0.8, 2 * n - 2)) * (2 / n) ** 0.5)


def test_the_interval_of_a_probability_is_wilsons():
    theirs = stats.binomtest(5, 7).proportion_ci(method="wilson")
    assert statistics.better_interval(5 / 7, 7) == pytest.approx((theirs.low, theirs.high))
    assert statistics.better_interval(1.0, 5)[1] == 1.0


def test_welch_is_that_of_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=6), rng.normal(1, 3, size=11)
    theirs = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    ours = statistics.interval(a, b)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_the_paired_t_is_that_of_scipy_and_gives_way_to_the_bootstrap_at_20():
    rng = np.random.default_rng(2)
    few, many = rng.normal(size=19), rng.normal(size=20)
    theirs = stats.ttest_1samp(few, 0).confidence_interval(0.95)
    ours = statistics.interval(few)
    assert ours.method == "t, paired"
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert statistics.interval(many).method == "studentised bootstrap"
    assert statistics.interval(few, many).method.startswith("t,")
    assert statistics.interval(many, many + 1).method == "studentised bootstrap"


def test_the_bootstrap_is_nearly_the_t_interval_for_normal_values_and_the_same_each_time():
    values = stats.norm.ppf((np.arange(40) + 0.5) / 40)
    t = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    ours = statistics.interval(values)
    assert (ours.low, ours.high) == pytest.approx((t.low, t.high), abs=0.03)
    assert statistics.interval(values) == ours


def test_the_bootstrap_covers_what_it_should_where_bca_does_not(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 999)
    rng = np.random.default_rng(4)
    held = []
    for _ in range(1000):
        a, b = rng.exponential(size=20), rng.exponential(size=20)
        found = statistics.interval(b - a)
        held.append(found.low <= 0 <= found.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_a_side_that_repeats_and_20_of_the_other_have_a_bootstrap():
    b = np.random.default_rng(5).normal(1, size=20)
    found = statistics.interval([0.0] * 20, b)
    assert found.method == "studentised bootstrap"
    assert found[:2] == pytest.approx(statistics.interval(b)[:2], rel=0.03)  # other samples


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, 4.0], [0.3] * 7, [0.1 + 0.2] * 3 + [0.3] * 4])
def test_too_few_or_equal_values_have_no_interval(values):
    assert statistics.interval(values) is None
    assert statistics.interval(values, values) is None


def test_a_side_that_repeats_leaves_the_interval_of_the_other_one():
    welch, t = statistics.interval(PYTORCH, KERAS), statistics.interval(np.subtract(KERAS, PYTORCH))
    assert (welch.low, welch.high) == pytest.approx((t.low, t.high))


def test_pairs_count_only_with_their_own():
    assert statistics.better_probability([1, 2, 3], [2, 2, 1], paired=True) == pytest.approx(1.5 / 3)
    assert statistics.better_probability([1, 2, 3], [2, 2, 1], paired=True, lower=True) == pytest.approx(1.5 / 3)
    assert math.isclose(statistics.better_probability([1, 2, 3], [2, 2, 1]), 3.5 / 9)


def test_without_scipy_the_extra_is_named(monkeypatch):
    imported = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("scipy"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError, match="samebits versus needs SciPy") as raised:
        statistics.needs_scipy()
    assert "pip install" in raised.value.advice
