"""What a trial's environment tells Ray about the workers of a cluster that runs already."""

import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from samebits.launch.local import end_all
from samebits.launch.ray_programs import may_meet_cluster, variables
from samebits_probe.watchers import ray_tasks

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


class Manager:
    """Stands for the class of Ray that knows the functions of a process."""

    def get_execution_info(self, job, function):
        return None

    def export(self, function):
        return f"exported {function}"

    def export_actor_class(self, actor, *, methods):
        return f"exported {actor} with {methods}"


def test_a_process_that_gives_ray_something_to_run_says_so_once():
    events = []
    probe = SimpleNamespace(pid=7, event=events.append, guard=lambda _, function, *words: function(*words))

    class Own(Manager):
        pass

    ray_tasks.install(SimpleNamespace(FunctionActorManager=Own), probe)
    manager = Own()
    assert events == []
    assert [manager.export("f"), manager.export("g")] == ["exported f", "exported g"]
    assert events == ["gave-ray"]
    probe.pid = 8  # a forked copy
    assert manager.export_actor_class("A", methods=["m"]) == "exported A with ['m']"
    assert events == ["gave-ray"] * 2


def test_a_process_that_uses_ray_client_says_so():
    events = []
    probe = SimpleNamespace(pid=7, event=events.append, guard=lambda _, function, *words: function(*words))

    class Worker:
        def __init__(self, address, *, secure):
            self.given = address, secure

    ray_tasks.install(SimpleNamespace(Worker=Worker), probe)
    assert events == []
    assert [Worker("h:1", secure=True).given, Worker("h:2", secure=False).given] == [("h:1", True), ("h:2", False)]
    assert events == ["client-of-ray"]
