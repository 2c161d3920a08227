"""The trials of one setting of explain: how many steps they may make."""

from types import SimpleNamespace

import pytest

from samebits.causes.settings import Setting


class Rounds:
    """An experiment that notes the limits of its rounds."""

    def __init__(self):
        self.limits, self.record = [], SimpleNamespace(trials=[])

    def next_numbers(self, more):
        return list(range(1, more + 1))

    def change(self, **options):
        pass

    def run(self, limits, ids):
        self.limits.append(limits)
        return SimpleNamespace(files=[], seconds=1.0)

    def judge(self):
        return SimpleNamespace(trials=[])


def limits(steps, enough):
    made = Rounds()
    Setting(made, steps, enough=enough).run(2)
    return made.limits[0]


def test_a_new_trial_ends_where_it_has_diverged_from_the_first_one_and_goes_on_if_not():
    few = limits(149, 5)
    assert (few.steps, few.most, few.reference, few.steps_in_all) == (5, 149, 1, 149)


@pytest.mark.parametrize(("steps", "enough"), [(149, None), (149, 149), (20, 25), (None, 5)])
def test_all_trials_make_all_steps_if_no_fewer_are_enough_or_if_they_are_whole(steps, enough):
    whole = limits(steps, enough)
    assert (whole.steps, whole.reference) == (steps, None)
