"""The address of a Ray cluster. Nothing of Ray is needed here."""

import os
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from samebits.errors import UsageError
from samebits.launch import ray_address, ray_host
from samebits.launch.ray_address import LOCAL, Cluster, find_cluster, late, refusal

# what Ray 2.60.0 said when it was to join a cluster of Ray 2.50.0
MISMATCH = (
    "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.11.2\n"
    "This process on node 192.0.2.2 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
)


@pytest.fixture
def listening():
    """The address of a server that accepts and never answers, and the server."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}", server


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(ray_address, "ANSWERS", 0.2)


def refused(address):
    with pytest.raises(UsageError) as why:
        find_cluster(address)
    assert "the address that `ray start --head` has printed" in why.value.advice
    return why.value.message


def test_a_server_that_accepts_and_never_answers_is_refused(listening, hurried):
    address, _ = listening
    assert refused(address) == f"No Ray cluster answered at {address} within 0.2 s."


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\4", b""])
def test_a_server_that_does_not_speak_grpc_is_refused(listening, answer):
    address, server = listening
    threading.Thread(target=answers, args=(server, answer), daemon=True).start()
    assert refused(address) == f"No Ray cluster answered at {address} within 5 s."


SETTINGS = b"\0\0\0\4\0\0\0\0\0"
# what Ray 2.60.0 and its version of gRPC said
OF_GRPC = b"\x88@\x0ccontent-type\x10application/grpc"
OF_A_CLUSTER = {
    "names its nodes": [(1, 4, OF_GRPC), (0, 0, b"\0\0\0\0\x02\x0a\0")],
}
TOKEN = {
    "plain": [(1, 5, OF_GRPC + b"\0\x0bgrpc-status\x0216\0\x0cgrpc-message\x10InvalidAuthToken")],
    "in Huffman's code": [(1, 5, OF_GRPC + b"@\x0bgrpc-status\x82\x0b\x9f")],
}
OF_OTHERS = {
    "does not know the call": [(1, 5, OF_GRPC + b"@\x0bgrpc-status\x0212")],
    "does not know the call, in Huffman's code": [(1, 5, OF_GRPC + b"@\x0bgrpc-status\x82\x08\xbf")],
    "has no such page": [(1, 5, b"\x8d")],
    "has a page": [(1, 4, b"\x88"), (0, 1, b"<html></html>")],
    "resets the call": [(3, 0, b"\0\0\0\1")],
    "says goodbye": [(7, 0, b"\0\0\0\0\0\0\0\0")],
    "says no more": [],
}


def framed(frames):
    """Settings, then frames of (type, flags, content)."""
    said = [len(what).to_bytes(3, "big") + bytes([kind, flags]) + b"\0\0\0\1" + what for kind, flags, what in frames]
    return SETTINGS + b"".join(said)


@pytest.mark.parametrize("frames", OF_A_CLUSTER.values(), ids=OF_A_CLUSTER)
def test_a_cluster_is_let_through(listening, frames):
    address, server = listening
    threading.Thread(target=answers, args=(server, framed(frames)), daemon=True).start()
    assert find_cluster(address) == Cluster(address, address)


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An empty home folder, and no variable of Ray."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("frames", TOKEN.values(), ids=TOKEN)
@pytest.mark.parametrize("mode", [None, "", "disabled"])
def test_a_cluster_that_asks_for_a_token_is_refused_at_once_if_there_is_none(
    listening, home, monkeypatch, frames, mode
):
    address, server = listening
    if mode is not None:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    threading.Thread(target=answers, args=(server, framed(frames)), daemon=True).start()
    with pytest.raises(UsageError) as why:
        find_cluster(address)
    assert why.value.message == f"The Ray cluster {address} needs a token."
    assert why.value.advice == "put the cluster's token into ~/.ray/auth_token, and export RAY_AUTH_MODE=token."


def test_a_cluster_that_asks_for_a_token_is_let_through_if_ray_is_told_to_use_one(listening, home, monkeypatch):
    address, server = listening
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    threading.Thread(target=answers, args=(server, framed(TOKEN["plain"])), daemon=True).start()
    assert find_cluster(address) == Cluster(address, address, asks_for_token=True)


@pytest.fixture
def last(home, monkeypatch):
    """Function(address) writes down which cluster was started last on this machine."""
    monkeypatch.setenv("RAY_TMPDIR", str(home))
    (home / "ray").mkdir()
    return lambda address: (home / "ray" / "ray_current_cluster").write_text(address)


def test_without_an_address_the_cluster_that_was_started_last_is_taken(listening, last):
    address, server = listening
    assert find_cluster("") == Cluster()
    last(address)
    frames = OF_A_CLUSTER["names its nodes"]
    # it is asked twice: whether somebody listens, and what it is
    threading.Thread(target=answers_twice, args=(server, framed(frames)), daemon=True).start()
    assert find_cluster("") == Cluster(address)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("RAY_AUTH_MODE", "token"), ("RAY_AUTH_TOKEN", "secret"), ("RAY_AUTH_TOKEN_PATH", "/t"), ("", "")],
)
def test_ray_shows_a_token_of_this_machine_to_the_cluster_that_was_started_last(
    listening, home, last, monkeypatch, variable, value
):
    address, server = listening
    last(address)
    if variable:
        monkeypatch.setenv(variable, value)
    else:
        (home / ".ray").mkdir()
        (home / ".ray" / "auth_token").write_text("secret")
    threading.Thread(target=answers_twice, args=(server, framed(TOKEN["plain"])), daemon=True).start()
    assert find_cluster("") == Cluster(address, asks_for_token=True)


def test_a_cluster_of_this_machine_that_has_ended_is_no_cluster(last):
    last("127.0.0.1:1")
    assert find_cluster("") == Cluster(given=LOCAL)


def test_a_cluster_of_this_machine_that_does_not_answer_is_refused(listening, last, hurried):
    address, _ = listening
    last(address)
    with pytest.raises(UsageError) as why:
        find_cluster("")
    assert why.value.message == f"No Ray cluster answered at {address} within 0.2 s."
    assert why.value.advice == "it was started last on this machine: end it with `ray stop`."


def test_the_address_of_the_environment_comes_before_the_cluster_that_was_started_last(last, monkeypatch):
    last("127.0.0.1:1")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:2")
    with pytest.raises(UsageError) as why:
        find_cluster("")
    assert why.value.message == "No Ray cluster answered at 127.0.0.1:2 within 5 s."
    assert why.value.advice == "give the right address in RAY_ADDRESS, or unset it."
    for name in ("auto", "local"):
        monkeypatch.setenv("RAY_ADDRESS", name)
        assert find_cluster("") == Cluster()
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:10001")
    with pytest.raises(UsageError, match="does not run trials through the server of Ray Client"):
        find_cluster("")


@pytest.mark.parametrize(
    ("asks", "tls", "what"),
    [
        (True, None, "The Ray cluster h:1 needs a token, and did not accept the one that Ray found here."),
        (False, "1", "Ray could not join a cluster at h:1 within 7 s over TLS (RAY_USE_TLS is set)."),
        (False, None, "A server answers at h:1, but Ray could not join a cluster there within 7 s."),
    ],
)
def test_a_cluster_that_answers_and_lets_nobody_in_is_told_with_what_may_be_the_reason(
    home, monkeypatch, asks, tls, what
):
    if tls:
        monkeypatch.setenv("RAY_USE_TLS", tls)
    said, advice = late("h:1", 7.2, asks_for_token=asks)
    assert said == what
    assert ", or Give" not in advice


@pytest.mark.parametrize("frames", OF_OTHERS.values(), ids=OF_OTHERS)
def test_a_server_that_is_no_cluster_is_refused_before_ray_is_loaded(listening, frames):
    address, server = listening
    threading.Thread(target=answers, args=(server, framed(frames)), daemon=True).start()
    assert refused(address) == f"No Ray cluster answered at {address} within 5 s."


def test_a_server_that_greets_and_says_no_more_is_refused(listening, hurried):
    address, server = listening
    held = threading.Event()
    threading.Thread(target=answers, args=(server, SETTINGS, held), daemon=True).start()
    try:
        assert refused(address) == f"No Ray cluster answered at {address} within 0.2 s."
    finally:
        held.set()


def test_a_real_server_of_grpc_that_is_no_cluster_is_refused():
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed: a real server of gRPC is needed")
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert refused(f"127.0.0.1:{port}") == f"No Ray cluster answered at 127.0.0.1:{port} within 5 s."
    finally:
        server.stop(None).wait()


def answers_twice(server, what):
    server.accept()[0].close()
    answers(server, what)


def answers(server, what, held=None):
    """Answer one client; with `held`, keep the connection until it is set."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(what)
        if held is not None:
            held.wait(60)


def test_a_port_where_nobody_listens_is_refused():
    assert refused("127.0.0.1:1") == "No Ray cluster answered at 127.0.0.1:1 within 5 s."


def test_a_look_for_a_name_that_never_ends_is_not_waited_for(monkeypatch, hurried):
    held = threading.Event()

    def connect(*_, **__):
        held.wait(60)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", connect)
    try:
        assert refused("far.example:6379") == "No Ray cluster answered at far.example:6379 within 0.2 s."
        assert not held.is_set()
    finally:
        held.set()


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
    address, server = listening
    frames = OF_A_CLUSTER["names its nodes"]
    threading.Thread(target=answers, args=(server, framed(frames)), daemon=True).start()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "plugs" / "pretended_ray"), prepend=os.pathsep)
    monkeypatch.setenv("PRETENDED_SILENCE", "1")
    monkeypatch.setattr(ray_host, "JOINS", 0.0)
    monkeypatch.setattr(ray_host, "SLOWER", 0)
    begun, popen = [], subprocess.Popen
    monkeypatch.setattr(
        ray_host.subprocess, "Popen", lambda *words, **given: begun.append(popen(*words, **given)) or begun[0]
    )
    with pytest.raises(UsageError, match=f"A server answers at {address}, but Ray could not join a cluster there"):
        ray_host.Bridge(address)
    assert [process.returncode for process in begun] == [-signal.SIGKILL]


def test_a_cluster_of_a_different_ray_is_named_with_both_versions():
    what, advice = refusal("127.0.0.1:6400", MISMATCH)
    there, here = "runs Ray 2.50.0 and Python 3.11.2", "samebits runs Ray 2.60.0 and Python 3.11.7 here."
    assert what == f"The Ray cluster 127.0.0.1:6400 {there}; {here}"
    assert advice == "install the same version of Ray and Python here and on all nodes."


def test_a_version_mismatch_in_different_words_is_told_as_it_is():
    what, _ = refusal("", "Version mismatch:\n too old")
    assert what == "The Ray cluster of this machine has a different Ray or Python: Version mismatch: too old"
