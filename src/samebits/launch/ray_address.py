"""The address of a Ray cluster: where it is, whether one answers there, and what samebits says if Ray cannot join it.

A program may find a running cluster itself. Then samebits also watches its workers. Nothing of Ray is loaded here.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from samebits.errors import UsageError

__all__ = [
    "CURRENT",
    "HERE",
    "LOCAL",
    "Cluster",
    "find_cluster",
    "late",
    "may_meet_cluster",
    "refusal",
    "variables",
    "without_raylet",
]

ANSWERS = 5.0  # seconds for everything: the look-up of the name, the connection, and the answers
HEAD = "give the address that `ray start --head` has printed"
_NOT_CLIENT = f"{HEAD} (not the port of Ray Client, 10001)."
HERE = "of this machine"
LOCAL = "local"  # Ray's name for a new cluster on this machine
_TOKEN = "put the cluster's token into ~/.ray/auth_token, and export RAY_AUTH_MODE=token."  # noqa: S105  (no token)
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")

# What a client of gRPC says first (https://httpwg.org/specs/rfc9113.html#preface), and a call that all clusters know.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_CALL = "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"
_DATA, _HEADERS, _RESET, _SETTINGS, _GOODBYE = 0, 1, 3, 4, 7  # types of frames
_LAST = 1  # a flag: the last frame of an answer
# gRPC's status UNIMPLEMENTED among the headers, as it is or in Huffman's code:
# https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, https://httpwg.org/specs/rfc7541.html#huffman.code
_UNKNOWN_CALL = (b"\x0212", b"\x82\x08\xbf")
_NEEDS_TOKEN = (b"\x0216", b"\x82\x0b\x9f")  # the status UNAUTHENTICATED

Answer = Literal["none", "asks for a token", "a cluster"]


class Cluster(NamedTuple):
    """Where Ray looks for a cluster.

    `where`: its address; empty if Ray starts a cluster, or finds one by itself. `given`: the address that Ray is given;
    empty if none.
    """

    where: str = ""
    given: str = ""
    asks_for_token: bool = False


def find_cluster(address: str) -> Cluster:
    """Return the cluster at an address. Raises UsageError if it does not answer.

    Without an address, it is the cluster that Ray takes by itself: that of RAY_ADDRESS, else the one that was started
    last on this machine. If this last one has ended, Ray starts a new one.
    """
    asked = os.environ.get("RAY_ADDRESS", "")
    if address:
        return _met(address, address, _NOT_CLIENT)
    if "://" in asked:
        what = f"RAY_ADDRESS={asked}: samebits does not run trials through the server of Ray Client."
        raise UsageError(what, f"{HEAD}: --on ray://HOST:PORT")
    if asked in ("auto", LOCAL):  # Ray knows what to do
        return Cluster()
    if asked:
        return _met(asked, asked, "give the right address in RAY_ADDRESS, or unset it.")
    last = _started_last()
    if last and _has_ended(last):
        return Cluster(given=LOCAL)
    return _met(last, "", "it was started last on this machine: end it with `ray stop`.") if last else Cluster()


def _met(where: str, given: str, advice: str) -> Cluster:
    """Return the cluster, if it answers. Raises UsageError if it asks for a token and Ray would not look for one."""
    found = Cluster(where, given, refuse_strangers(where, advice))
    # Ray uses a token without being told only for a cluster that it has found itself
    if found.asks_for_token and not (_uses_token() or (not given and _has_token())):
        raise UsageError(f"The Ray cluster {where} needs a token.", _TOKEN)
    return found


def refuse_strangers(address: str, advice: str) -> bool:
    """Raise UsageError if no Ray cluster answers at HOST:PORT within ANSWERS seconds. Ray would try for a minute.

    Return whether the cluster asks for a token. A server that speaks TLS passes, because only Ray can tell what it is.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{address!r} is not the address of a Ray cluster: that is HOST:PORT.", advice)
    answers: list[Answer] = []
    # in a thread, because the look-up of a name has no time limit
    thread = threading.Thread(target=lambda: answers.append(_answer_of(host.strip("[]"), int(port))), daemon=True)
    thread.start()
    thread.join(ANSWERS)
    if answers in ([], ["none"]):
        raise UsageError(f"No Ray cluster answered at {address} within {ANSWERS:g} s.", advice)
    return answers == ["asks for a token"]


def _uses_token() -> bool:
    return os.environ.get("RAY_AUTH_MODE", "").lower() not in ("", "disabled")


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    known = bool(named) or Path("~/.ray/auth_token").expanduser().exists()
    return known and "RAY_AUTH_MODE" not in os.environ


def _started_last() -> str:
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    with suppress(OSError):
        return (Path(folder) / CURRENT).read_text().strip()
    return ""


def _has_ended(address: str) -> bool:
    """Return whether an address refuses connections: its cluster was killed, or the machine was restarted."""
    host, _, port = address.rpartition(":")
    import socket  # here and below, because few trials need it

    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS / 3):
            return False
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        return False


def _answer_of(host: str, port: int) -> Answer:
    import socket

    try:
        # a name may have several addresses, and the first may be silent
        with socket.create_connection((host, port), timeout=ANSWERS / 3) as connection:
            if os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true"):
                return "a cluster"
            connection.settimeout(ANSWERS)
            connection.sendall(_GREETING + _call(f"{host}:{port}"))
            with connection.makefile("rb") as answer:
                return _judged(answer)
    except (OSError, ValueError):
        return "none"


def _call(authority: str) -> bytes:
    """Return the frames of a call without arguments: its headers, none of them compressed, and an empty message."""
    headers = b"\x83\x86\x04" + _text(_CALL) + b"\x01" + _text(authority)  # POST, http, the path, the server
    headers += b"\x0f\x10" + _text("application/grpc") + b"\0" + _text("te") + _text("trailers")
    message = b"\0\0\0\0\0"
    return _frame(_HEADERS, 4, headers) + _frame(_DATA, _LAST, message)


def _text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def _frame(kind: int, flags: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + b"\0\0\0\1" + content


def _judged(answer: BinaryIO) -> Answer:
    """Return what the answer to the call shows. A cluster that asks for a token has a status of its own for that."""
    kind, _, _ = _next(answer)
    if kind != _SETTINGS:
        return "none"
    while kind not in (_RESET, _GOODBYE):
        kind, flags, content = _next(answer)
        if kind == _DATA:  # a message that is not compressed; a page of a web server begins differently
            return "a cluster" if content[:1] == b"\0" else "none"
        if kind == _HEADERS and flags & _LAST:
            return _judged_by_status(content)
    return "none"


def _judged_by_status(headers: bytes) -> Answer:
    if b"grpc" not in headers or any(status in headers for status in _UNKNOWN_CALL):
        return "none"
    return "asks for a token" if any(status in headers for status in _NEEDS_TOKEN) else "a cluster"


def _next(answer: BinaryIO) -> tuple[int, int, bytes]:
    """Return the type, the flags and the content of the next frame. Raises ValueError if there is none."""
    head = answer.read(9)
    if len(head) < 9:
        raise ValueError(head)
    return head[3], head[4], answer.read(int.from_bytes(head[:3], "big"))


def late(where: str, seconds: float, *, asks_for_token: bool) -> tuple[str, str]:
    """Return a sentence about a cluster that answers and does not let samebits in, and what to do next."""
    if asks_for_token:
        return f"The Ray cluster {where} needs a token, and did not accept the one that Ray found here.", _TOKEN
    if os.environ.get("RAY_USE_TLS"):
        what = f"Ray could not join a cluster at {where} within {seconds:.0f} s over TLS (RAY_USE_TLS is set)."
        return what, "unset RAY_USE_TLS if the cluster does not use TLS; if it does, check the certificates."
    what = f"A server answers at {where}, but Ray could not join a cluster there within {seconds:.0f} s."
    return what, f"run samebits on a machine where `ray status` shows this cluster, or {_NOT_CLIENT}"


def without_raylet(where: str) -> tuple[str, str]:
    """Return a sentence about a cluster that has no node on this machine, and what to do next."""
    return (
        f"The Ray cluster {where} answers, but no node of Ray runs on this machine.",
        f"run samebits on a node of the cluster, or make this machine one: ray start --address={where}",
    )


def refusal(address: str, why: str) -> tuple[str, str]:
    """Return a sentence about what Ray said when it could not join the cluster, and what to do next."""
    where, said = address or HERE, " ".join(why.split())
    if "ersion mismatch" in why:
        return _mismatch(where, said), "install the same version of Ray and Python here and on all nodes."
    if "uthentication" in why or "token" in why.lower():
        return f"The Ray cluster {where} needs a token: {said}", _TOKEN
    return f"samebits could not connect to the Ray cluster {where}: {said}", "look at it with `ray status`."


def _mismatch(where: str, said: str) -> str:
    versions = _VERSIONS.findall(said)
    if len(versions) != 2:
        return f"The Ray cluster {where} has a different Ray or Python: {said}"
    there, here = (f"Ray {ray} and Python {python}" for ray, python in versions)
    return f"The Ray cluster {where} runs {there}; samebits runs {here} here."


# -- programs that use Ray themselves ---------------------------------------------------------------------------------


_JOB, _OVERRIDE = "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_OVERRIDE_JOB_RUNTIME_ENV"
CURRENT = "ray/ray_current_cluster"  # below Ray's temporary folder, on each machine of a cluster


def may_meet_cluster() -> bool:
    """Return whether a program may find a running cluster. All trials of a plan get the same answer."""
    places = (os.environ.get("RAY_TMPDIR"), tempfile.gettempdir(), "/tmp")  # noqa: S108
    return bool(os.environ.get("RAY_ADDRESS")) or any((Path(place) / CURRENT).exists() for place in places if place)


def variables(environment: Mapping[str, str], carried: Iterable[str]) -> dict[str, str]:
    """Return the variables that make Ray pass variables of a trial to its workers.

    `carried`: the names of the variables to pass. Values that are there already stay. If the program itself names one
    of these variables for its workers, its own value wins.
    """
    job = _job(environment)
    runtime = dict(job.get("runtime_env") or {})
    given = {name: environment[name] for name in carried if name in environment}
    runtime["env_vars"] = {**given, **(runtime.get("env_vars") or {})}
    return {_JOB: json.dumps({**job, "runtime_env": runtime}, sort_keys=True), _OVERRIDE: "1"}


def _job(environment: Mapping[str, str]) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(environment.get(_JOB) or "{}")
        return dict(found) if isinstance(found, dict) else {}
    return {}
