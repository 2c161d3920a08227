"""Runs trials on the nodes of a Ray cluster (https://docs.ray.io).

samebits itself never loads Ray: a process of its own, the bridge, does (see `samebits.launch.ray_bridge`). So Ray's
handlers of signals, its threads, and a cluster that dies or never answers do not touch the process that keeps the
record.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from samebits.errors import UsageError
from samebits.launch.hosts import TrialOrder
from samebits.launch.parcels import Delivery, received, sent
from samebits.launch.remote import RemoteTrial, post

__all__ = ["RayHost"]

CONNECTS = 60.0  # seconds to become a client of a cluster that has answered
STARTS = 180.0  # seconds to start Ray on this machine
_ENDS = 15.0
_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")  # Ray gives a trial its own
_FOLDER = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path += sys.argv[1:2]; from samebits.launch.ray_bridge import main; main()"
_AGAIN = "look at the cluster with `ray status`, then run the command again."


class RayHost:
    """A cluster of Ray: the one at an address, else the one that runs here, else one that is started for this."""

    no_waiting = "trials on Ray do not wait between rounds"

    def __new__(cls, kind: str, address: str, each: Mapping[str, str]) -> RayHost:
        """The host that is connected already, if there is one: several experiments of a command share it."""
        key = (address, tuple(sorted(each.items())))
        known = _CONNECTED.get(key)
        if known is None or known.bridge.has_ended:
            known = _CONNECTED[key] = super().__new__(cls)
            known.bridge = Bridge(address, each)
        return known

    bridge: Bridge

    def start(self, order: TrialOrder) -> RemoteTrial:
        """See Host."""
        return RemoteTrial(order, self.bridge.start(order))


_CONNECTED: weakref.WeakValueDictionary[Any, RayHost] = weakref.WeakValueDictionary()


class Bridge:
    """The process that is a client of the cluster, as samebits has it."""

    def __init__(self, address: str, each: Mapping[str, str]) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError("Ray is not installed beside samebits.", "pip install ray")
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
        self._each = each
        self._outcomes: dict[int, Delivery] = {}
        self._last = 0
        try:
            self._send(("connect", address, dict(each)))
            self._connected(address)
        except BaseException:
            self.close()
            raise

    def _connected(self, address: str) -> None:
        answer = self._next(CONNECTS if address else STARTS)
        if answer is None:
            what = f"samebits could not connect to the Ray cluster {address or 'of this machine'}"
            raise UsageError(f"{what}: {self._last_words() or 'it did not answer'}.", _AGAIN)
        if answer[0] == "refused":
            raise UsageError(*answer[1:])

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def start(self, order: TrialOrder) -> RayTask:
        """Start a trial on a node."""
        self._last += 1
        self._send(("start", self._last, post(order, taken=_DEVICES if "num_gpus" in self._each else ())))
        return RayTask(self, self._last)

    def outcome(self, number: int) -> Delivery | None:
        """What came of a trial, None while it runs. Returns at once."""
        while number not in self._outcomes and (answer := self._next(0)) is not None:
            self._outcomes[answer[1]] = answer[2]
        if number not in self._outcomes and self.has_ended:
            return Delivery(message=f"The connection to Ray has ended: {self._last_words()}.", advice=_AGAIN)
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
        with suppress(BrokenPipeError):  # it has ended; what it said last is told when its answer is asked for
            sent(self._process.stdin.fileno(), message)

    def _next(self, seconds: float) -> Any:
        """The next message, for which it waits so long; None if there is none."""
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        return received(handle) if select.select([handle], [], [], seconds)[0] else None

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = [line for line in self._said.read().decode(errors="replace").splitlines() if line.strip()]
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
    """End the bridge: the end of its input asks for that, and it is killed if it does not obey."""
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
