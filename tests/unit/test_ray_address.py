"""The address of a Ray cluster. Nothing of Ray is needed here."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from samebits.errors import UsageError
from samebits.launch import ray_address, ray_host
from samebits.launch.ray_address import refusal, refuse_strangers

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
        refuse_strangers(address)
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
    "asks for a token": [(1, 5, OF_GRPC + b"\0\x0bgrpc-status\x0216\0\x0cgrpc-message\x10InvalidAuthToken")],
    "names its nodes": [(1, 4, OF_GRPC), (0, 0, b"\0\0\0\0\x02\x0a\0")],
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
    refuse_strangers(address)


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
    assert refused(address) == f"--on ray://{address}: the address of a Ray cluster is HOST:PORT."


def test_no_process_is_started_for_an_address_that_does_not_answer(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(ray_host.subprocess, "Popen", None)
    with pytest.raises(UsageError, match="No Ray cluster answered"):
        ray_host.Bridge("127.0.0.1:1")


def test_a_cluster_of_a_different_ray_is_named_with_both_versions():
    what, advice = refusal("127.0.0.1:6400", MISMATCH)
    there, here = "runs Ray 2.50.0 and Python 3.11.2", "samebits runs Ray 2.60.0 and Python 3.11.7 here."
    assert what == f"The Ray cluster 127.0.0.1:6400 {there}; {here}"
    assert advice == "install the same version of Ray and Python here and on all nodes."


def test_a_version_mismatch_in_different_words_is_told_as_it_is():
    what, _ = refusal("", "Version mismatch:\n too old")
    assert what == "The Ray cluster of this machine has a different Ray or Python: Version mismatch: too old"
