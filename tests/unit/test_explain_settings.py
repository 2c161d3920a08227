"""The trials of one setting of explain: how many steps they may make."""

from types import SimpleNamespace

import pytest

from samebits.causes.settings import Setting


class Rounds:
    """An experiment that notes the limits of its rounds. `cuts`: a round with a reference cuts its trials."""

    def __init__(self, verdict="repeated", *, cuts=False, at_a_time=1):
        self.limits, self.record = [], SimpleNamespace(trials=[])
        self.verdict, self.cuts, self.capacity = verdict, cuts, SimpleNamespace(at_a_time=at_a_time)

    def next_numbers(self, more):
        return list(range(1, more + 1))

    def change(self, **options):
        pass

    def run(self, limits, ids):
        self.limits.append(limits)
        is_cut = self.cuts and limits.reference is not None
        return SimpleNamespace(files=[], seconds=1.0, is_cut_short=is_cut)

    def judge(self):
        return SimpleNamespace(trials=[], verdict=self.verdict)


def limits(steps, early_end):
    made = Rounds()
    Setting(made, steps, early_end=early_end).run(2)
    return made.limits[0]


def test_a_new_trial_ends_where_it_has_diverged_from_the_first_one_and_goes_on_if_not():
    few = limits(149, 5)
    assert (few.steps, few.most, few.reference, few.steps_in_all) == (5, 149, 1, 149)


@pytest.mark.parametrize(("steps", "early_end"), [(149, None), (149, 149), (20, 25), (None, 5)])
def test_all_trials_make_all_steps_without_an_early_end_or_if_they_are_whole(steps, early_end):
    whole = limits(steps, early_end)
    assert (whole.steps, whole.reference) == (steps, None)


@pytest.mark.parametrize(("verdict", "steps"), [("diverged", [5]), ("repeated", [5, 149]), ("inconclusive", [5, 149])])
def test_trials_that_were_cut_although_they_agree_make_all_steps_again(verdict, steps):
    made = Rounds(verdict, cuts=True)
    setting = Setting(made, 149, early_end=5)
    setting.run(2)
    assert [limits.steps for limits in made.limits] == steps
    assert setting.seconds == len(steps)


def test_trials_that_run_beside_the_first_one_make_all_steps():
    made = Rounds(at_a_time=2)
    setting = Setting(made, 149, early_end=5)
    setting.run(2)
    setting.result = SimpleNamespace(trials=[1, 2])
    setting.run(2)
    assert [(limits.steps, limits.reference) for limits in made.limits] == [(149, None), (5, 1)]
