"""samebits says before a search for a cause how many trials it will need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits import controls
from samebits.causes import estimate
from samebits.causes.candidates import Clues
from samebits.causes.decision_rule import LEAST, Observation
from samebits.experiment.estimates import CostEstimate

ALL = controls.of_sources()


def trials(groups, unseeded=()):
    clues = Clues("start", [c.id for c in controls.table() if set(unseeded).intersection(c.generators)], [], None)
    return estimate.trials(Observation(frozenset(), tuple(groups)), ALL, clues)


def test_a_missing_seed_is_expected_to_be_the_cause():
    assert trials([1] * 5, ["torch"])[0] < trials([1] * 5)[0]


def test_with_two_trials_further_ones_with_nothing_held_are_counted():
    assert trials([1, 1], ["torch"])[0] > trials([1] * 5, ["torch"])[0]


def test_a_rare_difference_needs_more_trials():
    assert trials([9, 1])[0] > trials([5, 5])[0] > trials([1] * 10)[0]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=8))
def test_the_most_is_never_below_the_fewest(groups):
    fewest, most = trials(groups, ["torch"])
    assert LEAST <= fewest <= most


def test_the_line_names_trials_and_times():
    made = CostEstimate("most searches need another", 8, 30, 2.0, 2)
    assert made.sentence == "most searches need another 8 to 30 trials, about 8 s to 30 s"


@pytest.mark.parametrize(
    ("made", "now", "said"),
    [
        (2, 8.0, []),
        (1, 60.0, []),
        (4, 20.0, ["a trial of the search takes 5 s, not 2 s. So the search needs another 20 s to 2 min"]),
        (4, 3.0, ["a trial of the search takes 0.8 s, not 2 s. So the search needs another 3 s to 20 s"]),
        (61, 100.0, ["61 trials ran, not at most 30. Several or rare causes need more"]),
    ],
)
def test_an_estimate_that_is_wrong_by_more_than_2_is_corrected_once(made, now, said):
    corrections = estimate.Corrections(CostEstimate("needs", 8, 30, 2.0, 1), 0.0)
    assert list(corrections.after(made, now)) == [f"the estimate was wrong: {text}" for text in said]
    assert list(corrections.after(made, now)) == []
