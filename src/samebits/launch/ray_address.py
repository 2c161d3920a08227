"""The address of a Ray cluster: whether a server answers there, and what samebits says if Ray cannot join the cluster.

Nothing of Ray is loaded here.
"""

from __future__ import annotations

import os
import re
import socket
import threading

from samebits.errors import UsageError

__all__ = ["ANSWERS", "HEAD", "refusal", "refuse_silence"]

ANSWERS = 5.0  # seconds for everything: the look-up of the name, the connection, and the first answer
HEAD = "give the address that `ray start --head` has printed"
# https://httpwg.org/specs/rfc9113.html#preface: what a client of gRPC says first, with empty settings
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_SETTINGS = 4  # the type of the first frame of an answer
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


def refuse_silence(address: str) -> None:
    """Raise UsageError if no gRPC server answers at HOST:PORT within ANSWERS seconds. Ray would try for a minute."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--on ray://{address}: the address of a Ray cluster is HOST:PORT.", f"{HEAD}, or: --on ray")
    answers: list[bool] = []
    # in a thread, because the look-up of a name has no time limit
    thread = threading.Thread(target=lambda: answers.append(_answers(host.strip("[]"), int(port))), daemon=True)
    thread.start()
    thread.join(ANSWERS)
    if not any(answers):
        raise UsageError(f"No Ray cluster answered at {address} within {ANSWERS:g} s.", f"{HEAD}.")


def _answers(host: str, port: int) -> bool:
    try:
        # a name may have several addresses, and the first may be silent
        with socket.create_connection((host, port), timeout=ANSWERS / 3) as connection:
            connection.settimeout(ANSWERS)
            if os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true"):
                return True
            connection.sendall(_GREETING)
            frame = connection.recv(9)
    except (OSError, ValueError):
        return False
    return len(frame) == 9 and frame[3] == _SETTINGS


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
