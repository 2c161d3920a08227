"""Tasks of Ray: their workers have an end after each task, since Ray kills them."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="ray is not installed: no workers of Ray to watch")
pytest.importorskip("torch", reason="torch is not installed: the task of this test trains with it")

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "ray_trains.py"


def test_a_worker_of_ray_has_an_end_after_its_task(watched_run):
    trial = watched_run(sys.executable, SAMPLE, timeout=600)
    assert trial.exit_code == 0, trial.stderr
    assert (trial.only.failures, trial.probe_failures) == ([], [])
    assert (trial.only.steps, trial.only.end["steps"], trial.only.end["reason"]) == (3, 3, "task")


def test_a_task_of_ray_has_the_same_records_in_each_run_unless_it_differs(watched_run):
    one, two, different = (watched_run(sys.executable, SAMPLE, *more, timeout=600) for more in ((), (), ("noise",)))
    assert one.only.prints("end") == two.only.prints("end") != different.only.prints("end")
