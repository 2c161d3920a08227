"""What a trial's environment tells Ray about the workers of a cluster that runs already."""

import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from samebits.launch.processes.local import end_all
from samebits.launch.ray_programs import may_meet_cluster, variables

JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"


def test_workers_get_what_a_trial_has():
    found = variables({"PYTHONPATH": "/p", "SEED": "1", "OTHER": "x"}, ["PYTHONPATH", "SEED", "ABSENT"])
    assert json.loads(found[JOB]) == {"runtime_env": {"env_vars": {"PYTHONPATH": "/p", "SEED": "1"}}}
    assert found["RAY_OVERRIDE_JOB_RUNTIME_ENV"] == "1"


def test_what_a_job_has_said_already_stays():
    job = {"metadata": {"a": "b"}, "runtime_env": {"working_dir": "/w", "env_vars": {"SEED": "2"}}}
    found = json.loads(variables({JOB: json.dumps(job), "SEED": "1", "PYTHONPATH": "/p"}, ["SEED", "PYTHONPATH"])[JOB])
    assert found["metadata"] == {"a": "b"}
    assert found["runtime_env"] == {"working_dir": "/w", "env_vars": {"SEED": "2", "PYTHONPATH": "/p"}}


@pytest.mark.parametrize("text", ["no JSON", "[1]", ""])
def test_what_nobody_can_read_is_replaced(text):
    assert json.loads(variables({JOB: text, "SEED": "1"}, ["SEED"])[JOB]) == {
        "runtime_env": {"env_vars": {"SEED": "1"}}
    }


def test_a_cluster_is_known_by_its_address_or_its_file(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert may_meet_cluster()
    monkeypatch.delenv("RAY_ADDRESS")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("10.0.0.1:6379")
    assert may_meet_cluster()


@pytest.fixture
def worker(tmp_path):
    """A process that runs outside of the trial, and has left files in its folder."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (tmp_path / f"{1:020d}-{process.pid}").mkdir()
    yield process
    process.communicate()


def test_the_seal_waits_for_workers_of_a_cluster(tmp_path, worker):
    closed, waited = [], []

    class Running:
        def close(self):
            closed.append(True)

    ended = threading.Thread(target=lambda: waited.append(end_all(Running(), tmp_path, 600)))
    ended.start()
    assert waited == []
    worker.communicate(b"\n")  # it ends
    ended.join(600)
    assert (closed, waited) == ([True], [None])


def test_the_seal_does_not_wait_for_ever(tmp_path, worker):
    end_all(SimpleNamespace(close=lambda: None), tmp_path, 0.0)
    end_all(SimpleNamespace(close=lambda: None), tmp_path / "absent")
    assert worker.poll() is None
