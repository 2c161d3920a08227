"""Runs trials on the nodes of a Ray cluster (https://docs.ray.io).

samebits itself never loads Ray: a process of its own, the bridge, does (see `samebits.launch.ray_bridge`). So Ray's
handlers of signals, its threads, and a cluster that dies or never answers do not touch the process that keeps the
record.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from samebits import words
from samebits.errors import UsageError
from samebits.launch import folders, origin
from samebits.launch.hosts import TrialOrder
from samebits.launch.keeper import Delivery, RayOrder, has_more, received, sent
from samebits.launch.ray_address import HERE, Cluster, find_cluster, late
from samebits.launch.remote import RemoteTrial, packed_code, post
from samebits.needs import NODE, PACKED, SPREAD

__all__ = ["RayHost"]

LOADS = 180.0  # seconds to start the bridge, which loads Ray
STARTS = 180.0  # seconds to start Ray on this machine
# A cluster with an address has JOINS seconds to let samebits in, from the first look at it. If the machine is so busy
# that Ray took long to load, the cluster has SLOWER times as long as that load took, if this is more.
JOINS, SLOWER = 9.0, 2
ANSWERS = 120.0  # seconds to answer a question about the nodes
_ENDS = 15.0
_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")  # Ray gives a trial its own
_FOLDER = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path += sys.argv[1:2]; from samebits.launch.ray_bridge import main; main()"
_AGAIN = "look at the cluster with `ray status`, then run the command again."


class RayHost:
    """A Ray cluster: the one at the address, else the one of this machine, else a new one."""

    no_waiting = "trials on Ray do not wait between rounds"

    def __init__(self, kind: str, address: str, each: Mapping[str, str]) -> None:
        self._each = dict(each)
        self._bridge = bridge_to(address)
        self.slots = int(self._bridge.ask("admit", self._each))
        self._folder: Path | None = None  # if it is sent
        self._packed = ""

    def reach(self, directory: Path) -> str:
        """See Host. samebits sends the folder if a node does not have it, or if the user asks for it."""
        code = folders.code_of(directory)
        why = "because --each asks for it" if self._each.get("folder") == PACKED else self._why_packed(directory, code)
        if not why:
            return ""
        said = folders.refuse_large(directory)
        # the bridge may have an older state of it: `fix --apply` tries several patches, one after the other
        self._folder, self._packed = directory, f"{directory} {code}"
        return f"the working folder ({said}) is sent to the nodes, {why}"

    def _why_packed(self, directory: Path, code: str) -> str:
        """Return why the folder is sent.

        This is decided once for all records of a command, because a trial may change the copy on its node. A patch is
        decided anew.
        """
        needs = {name: value for name, value in self._each.items() if name not in (NODE, SPREAD)}
        place = (str(directory), code, *sorted(needs.items()))
        if place not in self._bridge.lacking:
            listing = folders.listing_of(directory) if directory.is_dir() else ""
            self._bridge.lacking[place] = self._bridge.ask("lacking", needs, str(directory), listing) if listing else []
        lacking = self._bridge.lacking[place]
        return (
            f"because {words.first_few(lacking, 3)} {words.agree(len(lacking), 'lacks', 'lack')} it" if lacking else ""
        )

    def nodes(self) -> list[str]:
        """See Host."""
        return list(self._bridge.ask("nodes", self._each))

    def start(self, order: TrialOrder) -> RemoteTrial:
        """See Host."""
        if (folder := self._folder) is not None:
            self._bridge.keep(self._packed, lambda: folders.archive(folder))
        whole = post(order, taken=_DEVICES if "num_gpus" in self._each else (), packed=bool(self._packed))
        record = order.plan.record
        code = origin.code(record).hex()
        self._bridge.keep(code, lambda: packed_code(record))
        ordered = RayOrder(order.id, self._each, whole, code, self._packed)
        return RemoteTrial(order, self._bridge.start(ordered))


def bridge_to(address: str) -> Bridge:
    """Return the bridge to a cluster. All experiments of a command share one."""
    known = _CONNECTED.get(address)
    if known is None or known.has_ended:
        known = _CONNECTED[address] = Bridge(address)
    return known


_CONNECTED: weakref.WeakValueDictionary[str, Bridge] = weakref.WeakValueDictionary()


class Bridge:
    """samebits' side of the process that is a client of the cluster.

    `lacking`: the nodes that do not have a working folder, for each folder, its programs and what a trial needs.
    """

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError("The Python of samebits does not have Ray.", "pip install ray")
        began = time.monotonic()
        cluster = find_cluster(address)
        self._where = cluster.where or HERE
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, _FOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
            cwd="/",
            start_new_session=True,  # Ctrl-C is for samebits, which cancels the trials
        )
        self._finalizer = weakref.finalize(self, _end, self._process, self._said)
        self._outcomes: dict[int, Delivery] = {}
        self._kept: set[str] = set()
        self.lacking: dict[tuple[Any, ...], list[str]] = {}
        self._last = 0
        try:
            self._join(cluster, began)
        except BaseException:
            self.close()
            raise

    def _join(self, cluster: Cluster, began: float) -> None:
        """Become a client of the cluster, or end the process. `began`: when samebits first looked at the cluster."""
        self._send(("connect", cluster.where, cluster.given))
        self._answer(LOADS)
        if not cluster.where:
            self._answer(STARTS)
            return
        spent = time.monotonic() - began
        limit = max(JOINS - spent, SLOWER * spent)
        if not self._has_more(limit):
            os.killpg(self._process.pid, signal.SIGKILL)  # while Ray waits, it may ignore all other signals
            raise UsageError(*late(cluster.where, limit, self._printed()))
        self._answer(ANSWERS)

    def ask(self, verb: str, *about: Any) -> Any:
        """Ask the cluster and return its answer. Raises UsageError if it refuses or does not answer."""
        self._send((verb, *about))
        return self._answer(ANSWERS)

    def _answer(self, seconds: float) -> Any:
        """Return the next answer. Outcomes of trials that come before it are kept."""
        deadline = time.monotonic() + seconds
        while (answer := self._next(max(deadline - time.monotonic(), 0.0))) is not None:
            if answer[0] == "refused":
                raise UsageError(*answer[1:])
            if answer[0] == "ready":
                return answer[1]
            self._outcomes[answer[1]] = answer[2]
        what = f"samebits could not connect to the Ray cluster {self._where}"
        raise UsageError(f"{what}: {self._last_words() or 'it did not answer'}.", _AGAIN)

    def keep(self, name: str, packed: Callable[[], bytes]) -> None:
        """Pack something and give it to the cluster, once. All trials of this command use it."""
        if name not in self._kept:
            self.ask("keep", name, packed())
            self._kept.add(name)

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def start(self, order: RayOrder) -> RayTask:
        """Start a trial on a node."""
        self._last += 1
        self._send(("start", self._last, order))
        return RayTask(self, self._last)

    def outcome(self, number: int) -> Delivery | None:
        """Return the outcome of a trial, or None while it runs. It does not block."""
        while number not in self._outcomes and (answer := self._next(0)) is not None:
            if answer[0] == "over":  # not the answer to a question for which nobody waits any more
                self._outcomes[answer[1]] = answer[2]
        if number not in self._outcomes and self.has_ended:
            why = self._last_words() or "Ray gave no reason"
            return Delivery(message=f"The connection to Ray has ended: {why}.", advice=_AGAIN)
        return self._outcomes.get(number)

    def cancel(self, number: int) -> None:
        """Ask for the end of a trial."""
        if number not in self._outcomes:
            self._send(("cancel", number))

    def close(self) -> None:
        """End the process, and with it all trials that it has started."""
        self._finalizer()

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; its last words are read with the next answer
            sent(self._process.stdin.fileno(), message)

    def _next(self, seconds: float) -> Any:
        """Return the next message, or None if it does not come within so many seconds."""
        assert self._process.stdout is not None
        return received(self._process.stdout.fileno()) if self._has_more(seconds) else None

    def _has_more(self, seconds: float) -> bool:
        """Return whether a message comes within so many seconds, or the process ends."""
        assert self._process.stdout is not None
        return has_more(self._process.stdout.fileno(), seconds)

    def _printed(self) -> str:
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def _last_words(self) -> str:
        lines = [line for line in self._printed().splitlines() if line.strip()]
        return lines[-1].strip().rstrip(".") if lines else ""


class RayTask:
    """See RemoteTask."""

    def __init__(self, bridge: Bridge, number: int) -> None:
        self._bridge, self._number = bridge, number

    def poll(self) -> Delivery | None:
        """See RemoteTask."""
        return self._bridge.outcome(self._number)

    def news(self) -> str:
        """See RemoteTask."""
        return ""

    def cancel(self) -> None:
        """See RemoteTask."""
        self._bridge.cancel(self._number)


def _end(process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """End the bridge. The end of its input asks for that; if the bridge does not obey, it is killed."""
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        with suppress(OSError):
            stream.close()
    try:
        process.wait(_ENDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    said.close()
