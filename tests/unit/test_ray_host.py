"""Trials on a Ray cluster, on the side of samebits: what goes to the bridge, and when. Nothing of Ray is needed here."""

import subprocess

import pytest

from samebits.errors import UsageError
from samebits.launch.node.orders import OrderFiles
from samebits.launch.remote import ray_host
from samebits.launch.remote.ray_host import Bridge, RayHost


@pytest.fixture
def cluster(monkeypatch):
    """A bridge without a cluster, which keeps what it was sent."""
    bridge = Bridge.__new__(Bridge)
    bridge.sent = []
    monkeypatch.setattr(Bridge, "ask", lambda *_: 2)
    monkeypatch.setattr(Bridge, "send", lambda _, *message: bridge.sent.append(message))
    monkeypatch.setattr(Bridge, "has_ended", False)
    monkeypatch.setattr("samebits.launch.remote.ray_host.bridge_to", lambda address: bridge)
    return bridge


def test_the_working_folder_travels_only_if_the_user_asks_for_it(cluster, tmp_path):
    (tmp_path / "train.py").write_text("")
    assert RayHost("ray", "", {"num_gpus": "1"}).reach(tmp_path) == ""
    said = "the working folder (1 file, 0 bytes) is sent to the nodes, because --each asks for it"
    assert RayHost("ray", "", {"folder": "packed"}).reach(tmp_path) == said


def test_an_order_is_started_and_cancelled_by_its_files(cluster):
    files, needs = OrderFiles("/record/.samebits-1/1-7"), {"num_cpus": "2"}
    task = RayHost("ray", "", needs).begin(7, files)
    assert not task.look().is_over
    task.kill()
    assert cluster.sent == [("start", files, 7, needs), ("cancel", files)]


def test_a_bridge_that_does_not_answer_is_ended(monkeypatch, tmp_path):
    """A late answer would be taken for that to the next question."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(ray_host, "_BOOT", "import time; time.sleep(600)")
    monkeypatch.setattr(ray_host, "STARTS", 0.1)
    begun, popen = [], subprocess.Popen
    monkeypatch.setattr(
        ray_host.subprocess, "Popen", lambda *words, **given: begun.append(popen(*words, **given)) or begun[0]
    )
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(UsageError, match="could not connect to the Ray cluster of this machine: it did not answer"):
        Bridge("")
    assert begun[0].returncode is not None
