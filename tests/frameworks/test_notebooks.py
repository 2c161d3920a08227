"""Notebooks: their kernels are seen to their last cell, however they are ended."""

import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent.parent / "samples" / "runs_a_notebook.py"
pytest.importorskip("nbclient", reason="nbclient runs the notebooks of these tests")
pytest.importorskip("ipykernel", reason="ipykernel is the kernel of these tests")


def test_a_kernel_that_is_killed_has_an_end_after_its_last_cell(shared_run):
    trial = shared_run(sys.executable, SAMPLE, "immediate")
    assert (trial.exit_code, trial.only.failures) == (0, []), trial.stderr
    assert (trial.only.end["steps"], trial.only.end["reason"]) == (4, "cell")


def test_a_kernel_that_leaves_by_itself_has_the_same_records(shared_run):
    killed, graceful = (shared_run(sys.executable, SAMPLE, how) for how in ("immediate", "graceful"))
    assert [r[:4] for r in killed.only.records] == [r[:4] for r in graceful.only.records]


def test_a_kernel_that_dies_within_a_cell_has_no_end(watched_run):
    trial = watched_run(sys.executable, SAMPLE, "immediate", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert trial.exit_code != 0
    assert trial.only.end is None
