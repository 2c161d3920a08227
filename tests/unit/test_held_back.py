"""Which trials of a round are kept back until it is known whether their clock shall be faster."""

import math

import pytest

from samebits.experiment.held_back import HeldBack
from samebits.model import TrialFile


def ended(*numbers, status="complete", seconds=1.0):
    return [TrialFile(id=number, status=status, started="", seconds=seconds) for number in numbers]


def looking(answer=True, **more):
    """A `HeldBack` that gets this answer, and the questions that it asked."""
    asked = []

    def asks(whole):
        asked.append(list(whole))
        return answer

    return HeldBack(asks, **more), asked


@pytest.mark.parametrize(
    ("trials", "kept"), [(2, []), (3, [3]), (4, [3, 4]), (5, [4, 5]), (9, [8, 9])]
)  # fmt: skip
def test_the_last_two_are_kept_back_if_two_are_there_to_compare(trials, kept):
    back, asked = looking()
    to_come = list(range(1, trials + 1))
    back.begin(to_come, are_whole=True, room=1)
    assert (back.ids, to_come) == (kept, [n for n in range(1, trials + 1) if n not in kept])
    assert asked == []


def test_in_a_round_of_some_steps_the_first_trial_shows_whether_trials_are_whole():
    back, asked = looking()
    to_come = [1, 2, 3, 4, 5]
    back.begin(to_come, are_whole=False, room=1)
    assert to_come == [1, 2, 3, 4, 5]
    del to_come[0]
    back.look(to_come, ended(1), running=0, room=1)
    assert (to_come, back.ids, asked) == ([2, 3], [4, 5], [])


def test_a_trial_that_is_not_whole_lets_all_go_on():
    back, asked = looking()
    to_come = [1, 2, 3, 4, 5]
    back.begin(to_come, are_whole=True, room=1)
    back.look(to_come, ended(1, status="stopped"), running=0, room=1)
    back.look(to_come, ended(1, 2), running=0, room=1)
    assert (to_come, back.ids, asked) == ([1, 2, 3, 4, 5], [], [])


@pytest.mark.parametrize(("answer", "left", "come"), [(True, [4, 5], [3]), (False, [], [3, 4, 5])])
def test_two_whole_trials_decide_once(answer, left, come):
    back, asked = looking(answer)
    to_come = [1, 2, 3, 4, 5]
    back.begin(to_come, are_whole=True, room=1)
    del to_come[:2]
    back.look(to_come, ended(1), running=1, room=1)
    back.look(to_come, ended(1, 2), running=0, room=1)
    back.look(to_come, ended(1, 2, 3), running=0, room=1)
    assert (back.ids, to_come, asked) == (left, come, [[1, 2]])


def test_none_is_kept_back_if_all_fit_beside_each_other_unless_they_take_long():
    for seconds, kept in ((1.0, []), (601.0, [4, 5])):
        back, _ = looking(long=600.0)
        to_come = [2, 3, 4, 5]
        back.begin(to_come, are_whole=False, room=4)
        back.look(to_come, ended(1, seconds=seconds), running=0, room=4)
        assert back.ids == kept


def test_beside_earlier_trials_one_new_one_is_enough_to_decide():
    back, asked = looking(earlier=5)
    to_come = [6, 7]
    back.begin(to_come, are_whole=True, room=1)
    assert (to_come, back.ids) == ([6], [7])
    back.look([], ended(6), running=0, room=1)
    assert asked == [[6]]


def test_without_a_question_none_is_kept_back():
    back, to_come = HeldBack(), [1, 2, 3, 4, 5]
    back.begin(to_come, are_whole=True, room=1)
    back.look(to_come, ended(1, 2), running=0, room=1)
    assert (back.ids, to_come) == ([], [1, 2, 3, 4, 5])


def test_a_round_that_starts_again_decides_again():
    back, asked = looking(long=math.inf)
    for _ in range(2):
        to_come = [1, 2, 3]
        back.begin(to_come, are_whole=True, room=1)
        back.look(to_come, ended(1, 2), running=0, room=1)
        assert back.ids == [3]
    assert asked == [[1, 2], [1, 2]]
