"""What was found, tried over more of the training."""

from types import SimpleNamespace

import pytest

from samebits.causes import confirmation
from samebits.causes.decision_rule import Observation

START, EACH, WHOLE = 1.0, 0.01, 5000  # seconds, seconds a step, steps


class LongTraining:
    """Settings of one set, whose trials diverge at a step (None: nowhere). `runs`: (steps, trials) of each length."""

    room = 1

    def __init__(self, diverges_at=None):
        self.steps, self.diverges_at, self.runs = 20, diverges_at, {20: 0}

    def look(self, names, trials):
        made = self.runs[self.steps] = max(self.runs[self.steps], trials)
        diverges = self.diverges_at is not None and self.diverges_at < self.steps
        where = (0, self.diverges_at, 2) if diverges else None
        return Observation(frozenset(names), (made - 1, 1) if diverges else (made,), where)

    def steps_tried_next(self, names):
        return None  # no earlier search was stopped

    def lengthen(self, steps):
        self.steps = steps
        self.runs[steps] = 0

    def setting(self, names):
        number, made = self.runs[self.steps], min(self.steps, WHOLE)
        status = "complete" if self.steps > WHOLE else "stopped"
        result = SimpleNamespace(
            trials=[SimpleNamespace(status=status)] * number, scope=SimpleNamespace(steps_compared=made)
        )
        return SimpleNamespace(steps=self.steps, number=number, seconds=number * (START + EACH * made), result=result)


@pytest.fixture(autouse=True)
def paced(monkeypatch):
    monkeypatch.setattr(confirmation, "step_time", lambda setting, trial: EACH)


def test_two_trials_of_each_length_lead_to_all_of_the_longest():
    training = LongTraining()
    confirmed = confirmation.confirm(training, ["numpy-seed"], 12, seconds=3600.0)
    lengths = list(training.runs)
    assert lengths[:2] == [20, 2000]
    assert [training.runs[length] for length in lengths] == [2] * (len(lengths) - 1) + [12]
    assert lengths[-1] > WHOLE
    assert confirmed.words == "whole trials of 5,000 steps"
    assert confirmed.seen.agrees(12)


def test_where_there_is_no_time_for_more_steps_all_trials_make_those_of_the_search():
    training = LongTraining()
    confirmed = confirmation.confirm(training, ["numpy-seed"], 50, seconds=60.0)
    assert training.runs == {20: 50}
    assert confirmed.words == "the first 20 steps"


def test_as_many_steps_are_made_as_fit_for_all_trials():
    training = LongTraining()
    confirmation.confirm(training, ["numpy-seed"], 12, seconds=60.0)
    longest = max(training.runs)
    assert 200 <= longest < 410
    assert training.runs[longest] == 12


def test_a_later_cause_ends_it_at_the_length_that_shows_it():
    training = LongTraining(diverges_at=150)
    confirmed = confirmation.confirm(training, ["numpy-seed"], 12, seconds=3600.0)
    assert confirmed.seen.diverges()
    assert set(training.runs) == {20, 2000}


def test_a_set_that_is_tried_over_more_steps_has_few_trials_until_the_search_asks_for_all():
    training = LongTraining()
    assert not confirmation.extend(training, ["numpy-seed"], 12, seconds=60.0).diverges()
    longest = max(training.runs)
    assert training.runs == {20: 2, longest: 2}
    confirmation.run_all(training, ["numpy-seed"], 12)
    assert training.runs == {20: 2, longest: 12}


def test_a_cost_has_a_median_and_a_range():
    assert confirmation.cost([2.0, 2.2, 2.4], [1.0, 1.1, 1.2]) == (2.0, 1.67, 2.4)


@pytest.mark.parametrize("held", [[1.15, 3.0, 3.0], [0.5, 0.6, 1.05], []])
def test_times_that_overlap_tell_no_cost(held):
    assert confirmation.cost(held, [1.0, 1.1, 1.2]) is None
