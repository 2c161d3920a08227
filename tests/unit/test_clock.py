"""The clock of trials: a sleep that ends with an event."""

import os

import pytest

from samebits import clock

LONG = 60.0  # seconds, far more than an event takes


@pytest.fixture
def pipe():
    """The two ends of a pipe."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as there, os.fdopen(writing, "wb", buffering=0) as here:
        yield there, here


def slept(seconds, handles):
    """How long a sleep took."""
    began = clock.now()
    clock.sleep(seconds, handles)
    return clock.now() - began


def test_a_sleep_ends_when_a_descriptor_can_be_read(pipe):
    there, here = pipe
    here.write(b".")
    assert slept(LONG, [there.fileno()]) < LONG / 2


def test_a_sleep_ends_when_the_other_end_is_closed(pipe):
    there, here = pipe
    here.close()
    assert slept(LONG, [there.fileno()]) < LONG / 2


@pytest.mark.parametrize("seconds", [0.0, 0.0101, 0.05])
def test_a_sleep_without_an_event_lasts_all_the_time(pipe, seconds):
    assert slept(seconds, [pipe[0].fileno()]) >= seconds


def test_a_work_that_takes_turns_sleeps_all_the_time(pipe):
    there, here = pipe
    here.write(b".")
    simulated = clock.SimulatedClock()
    with clock.replaced(simulated):
        clock.sleep(LONG, [there.fileno()])
    assert simulated.now() == LONG
