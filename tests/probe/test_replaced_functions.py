"""A program that replaces functions of the system gets no error of the probe, and is seen as any other."""

import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "replaces_functions_of_the_system.py"


@pytest.mark.parametrize("library", ["nothing", "torch"])
def test_a_program_that_mocks_the_system_is_watched_as_any_other(watched_run, library):
    if library != "nothing":
        pytest.importorskip(library)
    trial = watched_run(sys.executable, SAMPLE, library)
    assert (trial.exit_code, trial.stderr) == (0, "")
    assert trial.stdout == "called: []\n"
    assert trial.only.failures == []
    assert trial.only.steps == 3
    assert trial.only.end["steps"] == 3


def test_the_trace_is_whole_if_the_functions_stay_replaced_to_the_end(watched_run):
    trial = watched_run(sys.executable, SAMPLE, "to-the-end")
    assert (trial.exit_code, trial.stderr) == (0, "")
    assert trial.only.failures == []
    assert trial.only.end["steps"] == 3
    assert [event for event in trial.only.events if event["event"] in ("in-force", "packages")]
