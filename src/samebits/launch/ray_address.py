"""The address of a Ray cluster: whether one answers there, and what samebits says if Ray cannot join it.

Nothing of Ray is loaded here.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from typing import BinaryIO

from samebits.errors import UsageError

__all__ = ["ANSWERS", "HEAD", "refusal", "refuse_strangers"]

ANSWERS = 5.0  # seconds for everything: the look-up of the name, the connection, and the answers
HEAD = "give the address that `ray start --head` has printed"
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")

# What a client of gRPC says first (https://httpwg.org/specs/rfc9113.html#preface), and a call that all clusters know.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_CALL = "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"
_DATA, _HEADERS, _RESET, _SETTINGS, _GOODBYE = 0, 1, 3, 4, 7  # types of frames
_LAST = 1  # a flag: the last frame of an answer
# gRPC's status UNIMPLEMENTED among the headers, as it is or in Huffman's code:
# https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, https://httpwg.org/specs/rfc7541.html#huffman.code
_UNKNOWN_CALL = (b"\x0212", b"\x82\x08\xbf")


def refuse_strangers(address: str) -> None:
    """Raise UsageError if no Ray cluster answers at HOST:PORT within ANSWERS seconds. Ray would try for a minute.

    It lets a cluster pass that asks for a token, and a server that speaks TLS: what they are, only Ray can tell.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--on ray://{address}: the address of a Ray cluster is HOST:PORT.", f"{HEAD}, or: --on ray")
    answers: list[bool] = []
    # in a thread, because the look-up of a name has no time limit
    thread = threading.Thread(target=lambda: answers.append(_is_cluster(host.strip("[]"), int(port))), daemon=True)
    thread.start()
    thread.join(ANSWERS)
    if not any(answers):
        raise UsageError(
            f"No Ray cluster answered at {address} within {ANSWERS:g} s.",
            f"{HEAD} (not the port of Ray Client, 10001).",
        )


def _is_cluster(host: str, port: int) -> bool:
    try:
        # a name may have several addresses, and the first may be silent
        with socket.create_connection((host, port), timeout=ANSWERS / 3) as connection:
            if os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true"):
                return True
            connection.settimeout(ANSWERS)
            connection.sendall(_GREETING + _call(f"{host}:{port}"))
            with connection.makefile("rb") as answer:
                return _knows_call(answer)
    except (OSError, ValueError):
        return False


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


def _knows_call(answer: BinaryIO) -> bool:
    """Return whether the server took the call. A cluster that asks for a token refuses it with a different status."""
    kind, _, _ = _next(answer)
    if kind != _SETTINGS:
        return False
    while kind not in (_RESET, _GOODBYE):
        kind, flags, content = _next(answer)
        if kind == _DATA:
            return content[:1] == b"\0"  # a message that is not compressed; a page of a web server begins differently
        if kind == _HEADERS and flags & _LAST:
            return b"grpc" in content and not any(status in content for status in _UNKNOWN_CALL)
    return False


def _next(answer: BinaryIO) -> tuple[int, int, bytes]:
    """Return the type, the flags and the content of the next frame. Raises ValueError if there is none."""
    head = answer.read(9)
    if len(head) < 9:
        raise ValueError(head)
    return head[3], head[4], answer.read(int.from_bytes(head[:3], "big"))


def refusal(address: str, why: str) -> tuple[str, str]:
    """Return a sentence about what Ray said when it could not join the cluster, and what to do next."""
    where, said = address or "of this machine", " ".join(why.split())
    if "ersion mismatch" in why:
        return _mismatch(where, said), "install the same version of Ray and Python here and on all nodes."
    if "uthentication" in why or "token" in why.lower():
        return (
            f"The Ray cluster {where} asks for its token: {said}",
            "export RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token.",
        )
    return f"samebits could not connect to the Ray cluster {where}: {said}", "look at it with `ray status`."


def _mismatch(where: str, said: str) -> str:
    versions = _VERSIONS.findall(said)
    if len(versions) != 2:
        return f"The Ray cluster {where} has a different Ray or Python: {said}"
    there, here = (f"Ray {ray} and Python {python}" for ray, python in versions)
    return f"The Ray cluster {where} runs {there}; samebits runs {here} here."
