"""The strip of a metric: a dot for each trial, their mean and their deviation, as they are."""

import statistics

import pytest

from samebits.model import Trial
from samebits.reports.figures import strips
from samebits.reports.presenters import html
from samebits.reports.result_report import report


def with_metrics(result, values, status="complete"):
    trials = [
        Trial(id=number, status=status, exit_code=0, steps=9, seconds=1.0, final=None, metrics=metrics)
        for number, metrics in enumerate(values, 1)
    ]
    return result.model_copy(update={"trials": trials})


def of(result, *values):
    return with_metrics(result, [{"loss": value} for value in values])


@pytest.mark.parametrize("values", [(1.0, 2.0, 4.0), (0.1, 0.1, 0.1000001, 0.3, 0.2), (-5.0, 5.0), (1e30, 2e30)])
def test_dots_mean_and_deviation_are_at_their_places(repeated, values):
    (strip,) = strips(of(repeated, *values)).strips
    scale = (strip.dots[-1].place - strip.dots[0].place) / (values[-1] - values[0])
    assert [dot.place for dot in strip.dots] == pytest.approx(
        [strip.dots[0].place + scale * (v - values[0]) for v in values]
    )
    assert strip.mean == pytest.approx(strip.dots[0].place + scale * (statistics.fmean(values) - values[0]))
    assert strip.high - strip.low == pytest.approx(2 * scale * statistics.stdev(values))
    assert min(strip.low, *(dot.place for dot in strip.dots)) >= 0
    assert max(strip.high, *(dot.place for dot in strip.dots)) <= 100


def test_the_strip_is_said_in_words_too(repeated):
    (strip,) = strips(of(repeated, 1.0, 2.0, 3.0)).strips
    assert strip.said == "mean 2, standard deviation 1, 1 to 3 in 3 trials"
    assert strip.dots[1].said == "trial 2, group A: 2.0"
    page = html.render(report(of(repeated, 1.0, 2.0, 3.0)))
    assert strip.said in page
    assert strip.dots[1].said in page


def test_equal_numbers_and_those_that_are_none_are_said(repeated):
    (strip,) = strips(of(repeated, 0.5, 0.5, float("nan"))).strips
    assert strip.said == "0.5 in all of 2 trials; not a number in 1 trial"
    assert [dot.place for dot in strip.dots] == pytest.approx([50.0, 50.0])


def test_one_trial_stopped_trials_and_no_metrics_have_no_strip(repeated):
    assert strips(of(repeated, 1.0)) is None
    assert strips(of(repeated, float("inf"), float("nan"), 1.0)) is None
    assert strips(with_metrics(repeated, [{"loss": 1.0}, {"loss": 2.0}], "stopped")) is None
    assert strips(with_metrics(repeated, [{}, {}])) is None
    assert "Metrics of the trials" not in html.render(report(with_metrics(repeated, [{}, {}])))
