"""The address of a Ray cluster: where it is, whether a server answers there, and what samebits says if Ray cannot join
the cluster. Nothing of Ray is loaded here.
"""

from __future__ import annotations

import os
import re

from samebits.errors import UsageError

__all__ = ["HERE", "find_cluster", "late", "refusal", "without_raylet"]

ANSWERS = 5.0  # seconds in which a server accepts a connection
HEAD = "give the address that `ray start --head` has printed"
_NOT_CLIENT = f"{HEAD} (not the port of Ray Client, 10001)."
HERE = "of this machine"
_TOKEN = "put the cluster's token into ~/.ray/auth_token, and export RAY_AUTH_MODE=token."  # noqa: S105  (no token)
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")
# what Ray prints as long as it cannot join a cluster
_NEEDS_TOKEN = "Unauthenticated"  # noqa: S105  (no token)
_NO_CLUSTER = re.compile(r"Failed to (connect to GCS|get cluster ID)")


def find_cluster(address: str) -> str:
    """Return the address of the cluster: the given one, or that of RAY_ADDRESS. Raises UsageError if nothing answers.

    If it is empty, Ray takes the cluster that was started last on this machine, or starts one.
    """
    asked = address or os.environ.get("RAY_ADDRESS", "")
    if "://" in asked and not address:
        what = f"RAY_ADDRESS={asked}: samebits does not run trials through the server of Ray Client."
        raise UsageError(what, f"{HEAD}: --on ray://HOST:PORT")
    if asked in ("", "auto", "local"):  # Ray knows what to do
        return ""
    refuse_silent(asked, _NOT_CLIENT if address else "give the right address in RAY_ADDRESS, or unset it.")
    return asked


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


def late(where: str, seconds: float, said: str) -> tuple[str, str]:
    """Return a sentence about a server that does not let samebits in, and what to do next. `said`: what Ray printed."""
    if _NEEDS_TOKEN in said:
        is_used = os.environ.get("RAY_AUTH_MODE", "").lower() == "token"
        more = ", and did not accept the one that Ray found here" if is_used else ""
        return f"The Ray cluster {where} needs a token{more}.", _TOKEN
    if os.environ.get("RAY_USE_TLS"):
        what = f"Ray could not join a cluster at {where} within {seconds:.0f} s over TLS (RAY_USE_TLS is set)."
        return what, "unset RAY_USE_TLS if the cluster does not use TLS; if it does, check the certificates."
    if _NO_CLUSTER.search(said):
        return f"No Ray cluster answered at {where} within {seconds:.0f} s.", _NOT_CLIENT
    what = f"A server answers at {where}, but Ray could not join a cluster there within {seconds:.0f} s."
    return what, f"run samebits on a machine where `ray status` shows this cluster, or {_NOT_CLIENT}"


def without_raylet(where: str) -> tuple[str, str]:
    """Return a sentence about a cluster that has no node on this machine, and what to do next."""
    return (
        f"A server at {where} answers, but no node of Ray runs on this machine.",
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
