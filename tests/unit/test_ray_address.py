"""The address of a Ray cluster. Nothing of Ray is needed here."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from samebits.errors import UsageError
from samebits.launch import ray_host
from samebits.launch.ray_address import find_cluster, late, refusal

# what Ray 2.60.0 said when it was to join a cluster of Ray 2.50.0
MISMATCH = (
    "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.11.2\n"
    "This process on node 192.0.2.2 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
)


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


UNAUTHENTICATED = "Failed to get cluster ID from GCS server: Unauthenticated: RPC error: InvalidAuthToken"


@pytest.mark.parametrize(
    ("variables", "said", "what"),
    [
        ({}, UNAUTHENTICATED, "The Ray cluster h:1 needs a token."),
        (
            {"RAY_AUTH_MODE": "token"},
            UNAUTHENTICATED,
            "The Ray cluster h:1 needs a token, and did not accept the one that Ray found here.",
        ),
        ({"RAY_USE_TLS": "1"}, "", "Ray could not join a cluster at h:1 within 7 s over TLS (RAY_USE_TLS is set)."),
        ({}, "Failed to connect to GCS at address h:1 within 5", "No Ray cluster answered at h:1 within 7 s."),
        ({}, "", "A server answers at h:1, but Ray could not join a cluster there within 7 s."),
    ],
)
def test_a_server_that_lets_nobody_in_is_told_with_what_ray_printed(home, monkeypatch, variables, said, what):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told, advice = late("h:1", 7.2, said)
    assert told == what
    assert ", or Give" not in advice


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
    monkeypatch.setattr(ray_host, "SLOWER", 0)
    begun, popen = [], subprocess.Popen
    monkeypatch.setattr(
        ray_host.subprocess, "Popen", lambda *words, **given: begun.append(popen(*words, **given)) or begun[0]
    )
    with pytest.raises(UsageError, match=f"A server answers at {listening}, but Ray could not join a cluster there"):
        ray_host.Bridge(listening)
    assert [process.returncode for process in begun] == [-signal.SIGKILL]


def test_a_cluster_of_a_different_ray_is_named_with_both_versions():
    what, advice = refusal("127.0.0.1:6400", MISMATCH)
    there, here = "runs Ray 2.50.0 and Python 3.11.2", "samebits runs Ray 2.60.0 and Python 3.11.7 here."
    assert what == f"The Ray cluster 127.0.0.1:6400 {there}; {here}"
    assert advice == "install the same version of Ray and Python here and on all nodes."


def test_a_version_mismatch_in_different_words_is_told_as_it_is():
    what, _ = refusal("", "Version mismatch:\n too old")
    assert what == "The Ray cluster of this machine has a different Ray or Python: Version mismatch: too old"
