"""The address of a Ray cluster: where it is, whether a server answers there, and what samebits says if Ray cannot join
the cluster. Nothing of Ray is loaded here.
"""

from __future__ import annotations

import os

from samebits.errors import UsageError

ANSWERS = 5.0  # seconds in which a server accepts a connection
HEAD = "give the address that `ray start --head` has printed"
_NOT_CLIENT = f"{HEAD} (not the port of Ray Client, 10001)."
HERE = "of this machine"


def find_cluster(address: str) -> str:
    """Return the address of the cluster: the given one, or that of RAY_ADDRESS. Raises UsageError if nothing answers.

    If it is empty, Ray takes the cluster that was started last on this machine, or starts one.
    """
    wanted = address or os.environ.get("RAY_ADDRESS", "")
    if "://" in wanted and not address:
        what = f"RAY_ADDRESS={wanted}: samebits does not run trials through the server of Ray Client."
        raise UsageError(what, f"{HEAD}: --on ray://HOST:PORT")
    if wanted in ("", "auto", "local"):  # Ray knows what to do
        return ""
    refuse_silent(wanted, _NOT_CLIENT if address else "give the right address in RAY_ADDRESS, or unset it.")
    return wanted


def refuse_silent(address: str, advice: str) -> None:
    """Raise UsageError if nothing answers at HOST:PORT within ANSWERS seconds. Ray would try for a minute."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{address!r} is not the address of a Ray cluster: that is HOST:PORT.", advice)
    import socket  # here, because few trials need it

    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS).close()
    except (OSError, ValueError):  # the name may be none that can be looked up
        raise UsageError(f"No Ray cluster answered at {address} within {ANSWERS:g} s.", advice) from None


def late(where: str, seconds: float, printed: str) -> tuple[str, str]:
    """Return a sentence about a server that does not let samebits in, and what to do next. `printed`: by Ray."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    more = f": {lines[-1]}" if lines else ""
    what = f"Ray could not join a cluster at {where} within {seconds:.0f} s{more.rstrip('.')}."
    return what, f"run samebits on a machine where `ray status` shows this cluster, or {_NOT_CLIENT}"


def without_raylet(where: str) -> tuple[str, str]:
    """Return a sentence about a cluster that has no node on this machine, and what to do next."""
    return (
        f"A server at {where} answers, but no node of Ray runs on this machine.",
        f"run samebits on a node of the cluster, or make this machine one: ray start --address={where}",
    )


def refusal(address: str, why: str) -> tuple[str, str]:
    """Return a sentence about what Ray said when it could not join the cluster, and what to do next."""
    reason = " ".join(why.split())
    advice = "look at it with `ray status`, and install the same version of Ray and Python here and on all nodes."
    return f"samebits could not connect to the Ray cluster {address or HERE}: {reason}", advice
