"""Works side by side: they take turns where they sleep, and end together."""

import signal

import pytest

from samebits import clock, interrupt
from samebits.clock import SimulatedClock
from samebits.experiment import Progress
from samebits.experiment.turns import Once, WorkEnded, WorkProgress, side_by_side
from samebits.vary import distance


@pytest.fixture(autouse=True)
def simulated():
    """A clock on which only sleep takes time."""
    made = SimulatedClock()
    with clock.replaced(made):
        yield made


def work(log, name, seconds, times=2):
    def run():
        for turn in range(times):
            log.append((name, turn, clock.now()))
            clock.sleep(seconds)
        return name

    return run


def test_works_go_on_while_others_sleep(simulated):
    log = []
    assert side_by_side([work(log, "a", 2.0), work(log, "b", 3.0)], most=2) == ["a", "b"]
    assert log == [("a", 0, 0.0), ("b", 0, 0.0), ("a", 1, 2.0), ("b", 1, 3.0)]
    assert simulated.now() == 6.0


@pytest.mark.parametrize(("most", "seconds"), [(1, 16.0), (2, 8.0), (3, 8.0), (4, 4.0), (9, 4.0)])
def test_at_most_so_many_run_at_a_time(simulated, most, seconds):
    side_by_side([work([], name, 2.0) for name in "abcd"], most=most)
    assert simulated.now() == seconds


def test_works_within_works_take_turns_too(simulated):
    def inner():
        return side_by_side([work([], name, 1.0) for name in "xy"], most=2)

    assert side_by_side([inner, work([], "b", 1.0)], most=2) == [["x", "y"], "b"]
    assert simulated.now() == 2.0


def fails():
    clock.sleep(1.0)
    raise ValueError("it failed")


def test_what_one_raises_ends_the_others_who_may_clean_up():
    log = []

    def cleans_up():
        try:
            clock.sleep(9.0)
        except WorkEnded:
            clock.sleep(0.5)
            log.append("cleaned up")
            raise

    with pytest.raises(ValueError, match="it failed"):
        side_by_side([fails, cleans_up, cleans_up], most=2)
    assert log == ["cleaned up"], "the third had not begun"


def test_a_signal_ends_all_works():
    ended = []

    def sleeps():
        try:
            clock.sleep(1.0)
            signal.raise_signal(signal.SIGINT)
            clock.sleep(1.0)
        except BaseException as why:
            ended.append(type(why))
            raise

    with interrupt.handled(to_the_end=False), pytest.raises(KeyboardInterrupt):
        side_by_side([sleeps, lambda: clock.sleep(5.0)], most=2)
    assert ended == [WorkEnded]


def test_a_value_that_several_works_need_is_made_once(simulated):
    made = []

    def make():
        clock.sleep(3.0)
        made.append("value")
        return len(made)

    once = Once(make)
    assert side_by_side([once.get] * 3, most=3) == [1, 1, 1]
    assert 3.0 <= simulated.now() < 3.1
    assert (once.get(), made) == (1, ["value"])


def test_a_value_that_could_not_be_made_is_tried_again():
    tries = []

    def make():
        tries.append(len(tries))
        if len(tries) == 1:
            raise ValueError("not yet")
        return "value"

    once = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        once.get()
    assert once.get() == "value"


def test_of_a_work_with_a_title_each_trial_is_told():
    told = []

    class Notes(Progress):
        def note(self, text):
            told.append(text)

    for title in ("seed 3", ""):
        progress = WorkProgress(Notes(), title)
        progress.trial_started(1, 2, None)
        progress.trial_ended(1, "complete", 7, 2.0)
        progress.note("a sentence")
    assert told == ["seed 3: trial 1: complete, 7 steps, 2 s", "seed 3: a sentence", "a sentence"]


def test_looks_at_the_base_of_vary_run_one_by_one(monkeypatch):
    """They run in one folder of its record."""
    log = []

    def look(record, wanted, steps):
        log.append(f"{record} begins")
        clock.sleep(1.0)
        log.append(f"{record} ends")

    monkeypatch.setattr(distance, "_look", look)
    looks = distance.SecondLooks()
    works = [lambda step=step: looks._both("base", "other", {"step": step}, None) for step in (1, 2, 2)]
    side_by_side(works, most=3)
    assert log == ["base begins", "base ends"] * 2


def test_a_work_that_fails_leaves_the_handling_of_signals_as_it_was():
    """A later Ctrl-C would only be noted, and never acted on."""

    def runs_a_round():
        with interrupt.waited_for():
            clock.sleep(5.0)

    with pytest.raises(ValueError, match="it failed"):
        side_by_side([fails, runs_a_round], most=2)
    assert interrupt._SIGNALS.mode == "leave"
