"""Which values in an estimator are moments of the run."""

import datetime as dates
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits_probe.watchers.tabular.content import is_moment

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
