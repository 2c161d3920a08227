"""Which values in an estimator are moments or durations of the run."""

import datetime as dates
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from samebits_probe.fingerprint import make_hasher
from samebits_probe.watchers.tabular.content import Content, is_moment, kept_sum

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


def print_of(value):
    return Content(make_hasher("blake2b", None)).with_leaves(value)


class Counting:
    """As a CountVectorizer of scikit-learn, which keeps `id(self.stop_words)`."""

    def __init__(self, words, number=None):
        self.words = words
        self._words_id = id(words) if number is None else number


def test_the_address_of_what_an_object_holds_is_no_content():
    one, two = Counting(["a"]), Counting(["a"])
    assert one._words_id != two._words_id
    assert print_of([one]) == print_of([two])
    assert print_of([one]) != print_of([Counting(["a"], 70_000_000)])
    assert print_of([one]) != print_of([Counting(["b"])])


def test_a_function_that_a_library_compiled_is_no_content_and_one_of_the_program_is(monkeypatch):
    one, two = Counting(["a"]), Counting(["b"])
    one.__wrapped__ = two.__wrapped__ = print_of
    monkeypatch.setattr(Counting, "__call__", print_of, raising=False)
    assert print_of([one]) != print_of([two])
    monkeypatch.setattr(Counting, "__module__", "sklearn")
    assert print_of([one]) == print_of([two])


def test_floats_and_short_arrays_of_floats_are_leaves_of_their_own():
    values = {"at": 0.5, "each": np.ones(3), "one": np.float64(2.0), "log": [0.5, 1.0], "n": 3, "w": np.ones((2, 2))}
    content, leaves = print_of([values, np.ones(2000)])
    assert [leaf.path for leaf in leaves] == ["0.at", "0.each", "0.log", "0.one"]
    values.update(at=0.6, each=np.zeros(3), one=np.float64(3.0), log=[1.0])
    other, others = print_of([values, np.ones(2000)])
    assert other == content
    assert all(one.content != two.content for one, two in zip(leaves, others, strict=True))


def test_parameters_of_an_estimator_are_no_leaves():
    content, leaves = print_of([Ridge(alpha=0.5)])
    assert leaves == []
    assert content != print_of([Ridge(alpha=0.25)])[0]


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0.5, 0.5), (np.float64(0.5), 0.5), (np.array([0.5, 1.0]), 1.5), ([0.5, 1], 1.5), (dates.timedelta(1), 86400.0),
     (-0.5, None), (np.array([-0.5, 1.0]), None), ([0.5, math.inf], None), ([True], None), (3, None), ("0.5", None),
     (np.ones((2, 2)), None), (np.ones(2000), None), (np.zeros(0), None), ([], None), (np.ones(2, int), None)],
)  # fmt: skip
def test_only_numbers_that_may_be_times_are_kept(value, kept):
    assert kept_sum(value) == kept
