"""Which values in an estimator are moments or durations of the run."""

import datetime as dates
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits_probe.watchers.tabular.content import is_moment, is_time, is_time_of

BEFORE = time.time() - 60.0


@pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9])
def test_a_number_is_a_moment_if_the_clock_could_have_shown_it(unit):
    assert is_moment(time.time() * unit)
    assert is_moment(int(time.time() * unit))
    assert not is_moment(BEFORE * unit)
    assert not is_moment((time.time() + 60) * unit)


@pytest.mark.parametrize("zone", [None, dates.timezone.utc, dates.timezone(dates.timedelta(hours=5))])
def test_a_date_is_a_moment_in_any_zone(zone):
    assert is_moment(dates.datetime.now(zone))
    assert not is_moment(dates.datetime.fromtimestamp(BEFORE, zone))


def test_a_date_in_universal_time_may_have_no_zone():
    assert is_moment(dates.datetime.now(dates.timezone.utc).replace(tzinfo=None))


@given(st.one_of(st.integers(max_value=10**9), st.floats(max_value=1e9), st.datetimes(), st.text(), st.none()))
def test_no_other_value_is_a_moment(value):
    is_now = isinstance(value, dates.datetime) and abs(value.timestamp() - time.time()) < 1e5 if value else False
    assert is_now or not is_moment(value)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, 10**400, dates.datetime.min, dates.datetime.max, dates.date(2026, 1, 1), [time.time()]],
)
def test_a_value_that_no_clock_shows_is_none(value):
    assert not is_moment(value)


TOOK = [0.5, 3, np.float64(0.5), np.array([0.5, 1.0]), [0.5, 1.0], {"fit": 0.5}, "0:00:01", dates.timedelta(1)]


@pytest.mark.parametrize("value", TOOK)
@pytest.mark.parametrize(
    "name", ["elapsed", "fit_time_", "mean_fit_time", "time_taken", "elapsed_ms", "time_per_epoch"]
)
def test_a_value_named_like_a_time_is_one_if_a_clock_could_have_measured_it(name, value):
    assert is_time(name, value)


RESULTS = [-0.5, np.array([0.5, -1.0]), np.ones((2, 3)), [0.5, -1.0], {"fit": [object()]}, object(), True, None, "best"]


@pytest.mark.parametrize("value", RESULTS)
def test_a_value_that_no_clock_measures_is_no_time_whatever_its_name_is(value):
    assert not is_time("fit_time_", value)


@pytest.mark.parametrize("name", ["time_embedding", "timestamp_weights", "timer", "lifetime", "runtimes_of", ""])
def test_a_part_of_a_model_may_be_named_after_a_time(name):
    assert not is_time(name, 0.5)


def test_a_list_that_holds_itself_is_no_time():
    endless = [0.5]
    endless.append(endless)
    assert not is_time("times", endless)


def test_an_only_key_may_be_the_name_of_a_feature():
    alone, beside, searched = {"elapsed": 0.5}, {"elapsed": 0.5, "epoch": 1}, {"fit_time": 0.5}
    assert [is_time_of(*(key, around, around[key])) for around in (alone, beside, searched) for key in [*around][:1]] == [
        False, True, True,
    ]  # fmt: skip
