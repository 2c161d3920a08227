"""How many trials must agree before a control is accepted."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.causes.decision_rule import CHANCE, LEAST, MOST, Rule, chance, further, needed

Q = (np.arange(200_000) + 0.5) / 200_000  # shares of the most frequent outcome


@pytest.mark.parametrize(("largest", "of", "trials"), [(3, 5, 2), (2, 5, 9), (10, 20, 12), (54, 60, 100)])
def test_the_chance_is_the_mean_of_what_a_useless_control_would_have_over_all_splits(largest, of, trials):
    density = Q**largest * (1 - Q) ** (of - largest)
    mean = (density * Q ** (trials - 1)).sum() / density.sum()
    assert chance(largest, of, trials) == pytest.approx(mean, rel=1e-3)


def test_a_split_that_is_well_known_to_be_half_and_half_asks_for_twelve_trials_of_twenty_settings():
    assert needed(5000, 10_000, CHANCE / 20) == 12


@given(of=st.integers(2, 200), share=st.floats(0.01, 0.99), settings=st.integers(1, 40))
def test_the_number_that_is_asked_for_is_the_least_that_keeps_the_chance(of, share, settings):
    largest = max(1, min(of - 1, round(share * of)))
    trials = needed(largest, of, CHANCE / settings)
    if trials < MOST:
        assert chance(largest, of, trials) < CHANCE / settings
    assert trials == 2 or chance(largest, of, trials - 1) >= CHANCE / settings


@given(of=st.integers(4, 100), settings=st.integers(1, 40))
def test_the_rarer_the_difference_the_more_trials_must_agree(of, settings):
    asked = [needed(largest, of, CHANCE / settings) for largest in range(1, of)]
    assert asked == sorted(asked)


@given(of=st.integers(2, 20), settings=st.integers(1, 40))
def test_if_all_trials_differ_no_share_lets_a_useless_control_pass_more_often_than_its_chance(of, settings):
    rule = Rule((1,) * of, settings)
    all_differ = (1 - Q) ** of + of * Q * (1 - Q) ** (of - 1)  # at most: all other outcomes are rare
    passes = all_differ * Q**rule.full
    assert passes.max() == pytest.approx(chance(1, of, rule.full), rel=1e-3)
    assert passes.max() < CHANCE / settings or rule.full == MOST


def test_a_second_source_that_half_of_all_runs_show_is_missed_in_fewer_than_1_of_100_searches():
    assert 2 * 0.5**LEAST < CHANCE <= 2 * 0.5 ** (LEAST - 1)


def test_a_rule_never_asks_for_fewer_than_notice_a_further_source():
    assert Rule((1,) * 50, 20).full == LEAST
    assert Rule((1,) * 50, 20).glance < LEAST


def test_more_trials_with_nothing_held_are_worth_it_until_the_split_is_known():
    assert further((3, 2), 20) == 1
    assert further((3, 2), 20, room=4) == 4
    assert further((1, 1, 1), 2, room=4) == 1
    assert not further((150, 150), 20)
    assert not further((1,) * 5, 2), "as many as notice a further source are enough"


def test_where_trials_mostly_agree_as_many_with_nothing_held_as_must_agree_tell_the_split():
    assert Rule((2, 2, 1), 20).is_known
    assert not Rule((4, 1), 20).is_known
    assert Rule((90, 10), 2).is_known


def test_where_more_trials_cannot_be_run_the_chance_that_is_reached_is_said():
    rule = Rule((199, 1), 20)
    assert rule.full == MOST
    assert CHANCE < rule.chance <= 1
    assert math.isclose(rule.chance, min(1.0, 20 * chance(199, 200, MOST)))
