"""samebits says before a search for a cause how many trials it will need."""

from hypothesis import given
from hypothesis import strategies as st

from samebits import controls
from samebits.causes import estimate
from samebits.causes.candidates import Clues
from samebits.causes.decision_rule import LEAST, Observation
from samebits.experiment.estimates import Estimate

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
    assert Estimate("most searches need another", 8, 30, 2.0, 2).sentence == (
        "most searches need another 8 to 30 trials, about 8 s to 30 s"
    )
