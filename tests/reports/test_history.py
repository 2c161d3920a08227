"""The map and the curves are those of the trials."""

import time
import tracemalloc

import numpy as np
import pytest

from samebits.reports import figures
from samebits.reports.history import COLUMNS, Series, Stretch, distance, history, means, together
from samebits.reports.result_words import later_leavers


def test_groups_part_in_the_map_where_they_part_in_the_record(judged):
    result, record = judged("AABAC", 1000, {"B": 300, "C": 640})
    past = history(result, record)
    assert past.steps == 1000
    assert past.parted == 300
    assert past.stretches[1] == [Stretch(-1, 300, ""), Stretch(300, 1000, "A")]
    assert past.stretches[3] == [Stretch(-1, 300, ""), Stretch(300, 1000, "B")]
    assert past.stretches[5] == [Stretch(-1, 300, ""), Stretch(300, 640, "A"), Stretch(640, 1000, "C")]


def test_trials_that_leave_later_are_told_with_their_step(judged):
    result, _ = judged("AABAC", 1000, {"B": 300, "C": 640})
    assert later_leavers(result) == {5: 640}
    assert [point and point.step for point in result.diverges_at] == [None, 300, 640]
    assert [(one.first, one.second, one.step) for one in result.splits] == [(0, 1, 300), (0, 2, 640), (1, 2, 300)]


def test_trials_that_agree_have_one_stretch(judged):
    past = history(*judged("AAA", 50))
    assert past.parted is None
    assert set(map(tuple, past.stretches.values())) == {(Stretch(-1, 50, ""),)}
    assert all(not curve.apart for curve in past.curves)


def test_curves_are_reduced_to_some_hundred_columns_and_part_at_the_divergence(judged):
    past = history(*judged("AAB", 5000, {"B": 2000}))
    assert [curve.name for curve in past.curves] == ["loss", "norm:weights"]
    for curve in past.curves:
        assert all(len(line.x) == COLUMNS for line in curve.lines)
        assert min(curve.apart[0].x) >= 2000 - 5000 / COLUMNS


def test_without_a_record_there_is_no_history(diverged):
    assert history(diverged, None).steps == 0


def test_numbers_that_are_not_finite_are_left_out():
    series = Series(np.arange(4), np.array([1.0, np.nan, np.inf, 4.0]))
    x, y = means(series, 4)
    assert x.tolist() == [0, 3]
    assert y.tolist() == [1, 4]


def test_sums_of_huge_losses_do_not_overflow():
    _, y = means(Series(np.zeros(3, np.int64), np.full(3, 1.5e308)), 1)
    assert y.tolist() == pytest.approx([1.5e308])


def test_distance_is_taken_at_the_steps_that_both_have():
    at, far = distance(Series(np.array([0, 1, 2]), np.array([1.0, 2, 3])), Series(np.array([1, 2]), np.array([2.5, 3])))
    assert at.tolist() == [1, 2]
    assert far.tolist() == [0.5, 0]


def test_of_many_groups_each_is_compared_with_the_reference_only():
    splits = {(0, other): 10 * other for other in range(1, 20)}
    assert together(19, 20, splits, 500)[-1] == Stretch(190, 500, "T")


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 40, 999, 1_000, 1_234_567])
def test_ticks_lie_within_the_figure(steps):
    for before in (0, 1):
        ticks = figures.step_ticks(steps, before)
        assert 1 <= len(ticks) <= 6
        assert all(0 <= tick.place <= 100 for tick in ticks)


@pytest.mark.parametrize("numbers", [(0, 1), (2.3, 2.3), (-1e308, 1e308), (1e-300, 2e-300), (5, 1e9), (0, 5e-324)])
def test_value_ticks_are_few_and_lie_within_the_figure(numbers):
    lines = [type("Line", (), {"y": np.array(numbers), "x": np.arange(2)})]
    low, high = figures.span(lines, logarithmic=False)
    assert low < high
    ticks = figures.value_ticks(low, high, logarithmic=False)
    assert len(ticks) <= 8
    assert all(-1e-6 <= tick.place <= 100 + 1e-6 for tick in ticks)


def test_a_million_steps_are_drawn_in_little_time_and_memory(judged):
    result, record = judged("AB", 1_000_000, {"B": 400_000})
    from samebits.reports.presenters import html
    from samebits.reports.result_report import report

    began = time.process_time()
    tracemalloc.start()
    page = html.render(report(result, record))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(page) < 200_000
    assert peak < 400 * 2**20
    assert time.process_time() - began < 60
