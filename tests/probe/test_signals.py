"""Signals, and exceptions that come from elsewhere, while the probe works: the program gets what it would get alone."""

import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


@pytest.fixture(params=["3.6", "3.8", "3.12"])
def python(request, pythons):
    """One interpreter of each way in which Python runs handlers."""
    if request.param not in pythons:
        pytest.skip(f"Python {request.param} was not found")
    return pythons[request.param]


def answers(trial):
    assert trial.exit_code == 0, trial.stderr
    return dict(line.split(": ") for line in trial.stdout.splitlines())


def test_a_handler_of_the_program_waits_for_the_probe_and_what_it_raises_reaches_the_program(watched_run, python):
    trial = watched_run(python, SAMPLES / "gets_signals_while_it_is_watched.py")
    told = answers(trial)
    assert told["alarm in a guard"] == "work done, then Late in the program"
    assert told["interrupt in a guard"] == "work done, then KeyboardInterrupt in the program"
    assert told["two signals"] == "work done, then Late in the program, and Late soon"
    assert told["nested guards"] == "work done, then Late in the program"
    assert told["a finalizer of the probe"] == "work done, then Late in the program"
    assert told["observe"] == "work done, then Late in the program"
    assert told["opening a file"] == "work done, then Late in the program"
    assert trial.only.failures == []
    assert told["getsignal"] == "the handler itself"
    assert told["signal gives"] == "the handler itself"
    assert told["interrupt at start"] == "default_int_handler"
    assert told["frame"] == "the program's"


def test_an_exception_that_a_thread_sets_goes_on_and_the_loss_is_said(watched_run, python):
    trial = watched_run(python, SAMPLES / "gets_signals_while_it_is_watched.py", "from-a-thread")
    assert answers(trial)["set by a thread"] == "Limit in the program"
    assert [failure["foreign"] for failure in trial.processes[0].failures if "Limit" in failure["error"]] == [True]


def test_a_failure_of_the_probe_itself_still_never_reaches_the_program(watched_run):
    trial = watched_run(sys.executable, SAMPLES / "gets_signals_while_it_is_watched.py", "failure")
    assert answers(trial)["failure"] == "None"
    (failure,) = trial.processes[0].failures
    assert "division by zero" in failure["error"]
    assert not failure["foreign"]
