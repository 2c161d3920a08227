"""The address of a Ray cluster. Nothing of Ray is needed here."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from samebits.errors import UsageError
from samebits.launch.remote import ray_host
from samebits.launch.remote.ray_address import find_cluster, late, refusal


@pytest.fixture
def listening():
    """The address of a server that accepts and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def refused(address):
    with pytest.raises(UsageError) as why:
        find_cluster(address)
    assert "the address that `ray start --head` has printed" in why.value.advice
    return why.value.message


def test_a_server_that_accepts_is_let_through(listening):
    assert find_cluster(listening) == listening


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An empty home folder, and no variable of Ray."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_without_an_address_that_of_the_environment_is_taken_and_else_ray_decides(listening, home, monkeypatch):
    assert find_cluster("") == ""
    monkeypatch.setenv("RAY_ADDRESS", listening)
    assert find_cluster("") == listening
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UsageError) as why:
        find_cluster("")
    assert why.value.message == "No Ray cluster answered at 127.0.0.1:1 within 5 s."
    assert why.value.advice == "give the right address in RAY_ADDRESS, or unset it."
    assert find_cluster(listening) == listening
    for name in ("auto", "local"):
        monkeypatch.setenv("RAY_ADDRESS", name)
        assert find_cluster("") == ""
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:10001")
    with pytest.raises(UsageError, match="does not run trials through the server of Ray Client"):
        find_cluster("")


def test_a_server_that_lets_nobody_in_is_told_with_what_ray_printed():
    said = "Trying.\nFailed to get cluster ID from GCS server: Unauthenticated: InvalidAuthToken.\n"
    what = "Ray could not join a cluster at h:1 within 7 s"
    token = f"{what}: Failed to get cluster ID from GCS server: Unauthenticated: InvalidAuthToken."
    assert late("h:1", 7.2, said)[0] == token
    assert late("h:1", 7.2, "")[0] == f"{what}."


def test_a_cluster_that_refuses_is_told_with_what_ray_said():
    what, advice = refusal("", "Version mismatch:\n too old")
    assert what == "samebits could not connect to the Ray cluster of this machine: Version mismatch: too old"
    assert "the same version of Ray and Python" in advice


def test_a_port_where_nobody_listens_is_refused():
    assert refused("127.0.0.1:1") == "No Ray cluster answered at 127.0.0.1:1 within 5 s."


@pytest.mark.parametrize("address", ["nonsense", "10.0.0.1", "10.0.0.1:", ":6379", "10.0.0.1:ray", "10.0.0.1:65536"])
def test_an_address_that_is_none_is_refused(address):
    assert refused(address) == f"{address!r} is not the address of a Ray cluster: that is HOST:PORT."


def test_a_wrong_address_of_the_environment_is_named_with_its_variable(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "head")
    with pytest.raises(UsageError, match="'head' is not the address of a Ray cluster") as why:
        find_cluster("")
    assert why.value.advice == "give the right address in RAY_ADDRESS, or unset it."


def test_no_process_is_started_for_an_address_that_does_not_answer(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(ray_host.subprocess, "Popen", None)
    with pytest.raises(UsageError, match="No Ray cluster answered"):
        ray_host.Bridge("127.0.0.1:1")


def test_a_cluster_that_answers_and_lets_nobody_in_is_given_up_and_nothing_is_left(listening, home, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "plugs" / "pretended_ray"), prepend=os.pathsep)
    monkeypatch.setenv("PRETENDED_SILENCE", "1")
    monkeypatch.setattr(ray_host, "JOINS", 0.0)
    begun, popen = [], subprocess.Popen
    monkeypatch.setattr(
        ray_host.subprocess, "Popen", lambda *words, **given: begun.append(popen(*words, **given)) or begun[0]
    )
    with pytest.raises(UsageError, match=f"Ray could not join a cluster at {listening}"):
        ray_host.Bridge(listening)
    assert [process.returncode for process in begun] == [-signal.SIGKILL]
