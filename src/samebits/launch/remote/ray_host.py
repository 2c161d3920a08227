"""Runs trials on the nodes of a Ray cluster (https://docs.ray.io).

samebits itself never loads Ray: a process of its own, the bridge, does (see `samebits.launch.remote.ray_bridge`). So
Ray's handlers of signals, its threads, and a cluster that dies or never answers do not touch the process that keeps the
record.
"""

from __future__ import annotations

import importlib.util
import os
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
from samebits.launch.hosts import TaskState
from samebits.launch.node.orders import OrderFiles, has_more, received, sent
from samebits.launch.remote.ray_address import HERE, find_cluster, late
from samebits.launch.remote.remote_host import RemoteHost
from samebits.needs import PACKED

STARTS = 180.0  # seconds to start the bridge, which loads Ray, and then to start Ray on this machine
JOINS = 20.0  # seconds for a cluster with an address to let samebits in
ANSWERS = 120.0  # seconds to answer a question about the nodes
_ENDS = 15.0
_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")  # Ray gives a trial its own
_FOLDER = str(Path(__file__).resolve().parents[3])
_BOOT = "import sys; sys.path += sys.argv[1:2]; from samebits.launch.remote.ray_bridge import main; main()"
_AGAIN = "look at the cluster with `ray status`, then run the command again."


class RayHost(RemoteHost):
    """A Ray cluster: the one at the address, else the one of this machine, else a new one."""

    no_waiting = "trials on Ray do not wait between rounds"
    own = ("RAY_",)

    def __init__(self, kind: str, address: str, each: Mapping[str, str]) -> None:
        self._each = dict(each)
        self._bridge = bridge_to(address)
        self.slots = int(self._bridge.ask("admit", self._each))
        self.taken = _DEVICES if "num_gpus" in each else ()
        self.why_packed = "because --each asks for it" if each.get("folder") == PACKED else ""

    def nodes(self) -> list[str]:
        """See Host."""
        return list(self._bridge.ask("nodes", self._each))

    def begin(self, trial: int, files: OrderFiles) -> RayTask:
        """See RemoteHost."""
        self._bridge.send("start", files, trial, self._each)
        return RayTask(self._bridge, files)


def bridge_to(address: str) -> Bridge:
    """Return the bridge to a cluster. All experiments of a command share one."""
    bridge = _CONNECTED.get(address)
    if bridge is None or bridge.has_ended:
        bridge = _CONNECTED[address] = Bridge(address)
    return bridge


_CONNECTED: weakref.WeakValueDictionary[str, Bridge] = weakref.WeakValueDictionary()


class Bridge:
    """samebits' side of the process that is a client of the cluster."""

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError("The Python of samebits does not have Ray.", "pip install ray")
        self._address = find_cluster(address)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, _FOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
            cwd="/",
            start_new_session=True,  # Ctrl-C is for samebits, which cancels the trials
        )
        self._finalizer = weakref.finalize(self, _end, self._process, self._output)
        try:
            self._join()
        except BaseException:
            self.close()
            raise

    def _join(self) -> None:
        """Become a client of the cluster, or end the process."""
        self.send("connect", self._address)
        self._answer(STARTS)
        if self._address and not self._has_more(JOINS):
            self._kill()
            raise UsageError(*late(self._address, JOINS, self._printed()))
        self._answer(STARTS)

    def ask(self, verb: str, *about: Any) -> Any:
        """Ask the cluster and return its answer. Raises UsageError if it refuses or does not answer."""
        self.send(verb, *about)
        return self._answer(ANSWERS)

    def _answer(self, seconds: float) -> Any:
        assert self._process.stdout is not None
        answer = received(self._process.stdout.fileno()) if self._has_more(seconds) else None
        if answer is None:
            what = f"samebits could not connect to the Ray cluster {self._address or HERE}"
            self._kill()  # a late answer must not be taken for that to the next question
            raise UsageError(f"{what}: {self.last_words() or 'it did not answer'}.", _AGAIN)
        if answer[0] == "refused":
            raise UsageError(*answer[1:])
        return answer[1]

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def _kill(self) -> None:
        """End the process at once. While Ray waits for a cluster, it may ignore all other signals."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process, and with it all trials that it has started."""
        self._finalizer()

    def send(self, *message: Any) -> None:
        """Send a message, whose first word is a verb."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; its last words are read with the next answer
            sent(self._process.stdin.fileno(), message)

    def _has_more(self, seconds: float) -> bool:
        """Return whether a message comes within so many seconds, or the process ends."""
        assert self._process.stdout is not None
        return has_more(self._process.stdout.fileno(), seconds)

    def _printed(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def last_words(self) -> str:
        """Return the last line that the process printed, or an empty text."""
        lines = [line for line in self._printed().splitlines() if line.strip()]
        return lines[-1].strip().rstrip(".") if lines else ""


class RayTask:
    """See RemoteTask. The bridge brings the outcome."""

    def __init__(self, bridge: Bridge, files: OrderFiles) -> None:
        self._bridge, self._files = bridge, files

    def look(self) -> TaskState:
        """See RemoteTask."""
        if not self._bridge.has_ended:
            return TaskState()
        what = f"The connection to Ray has ended: {self._bridge.last_words() or 'Ray gave no reason'}."
        return TaskState(is_over=True, message=what, advice=_AGAIN)

    def kill(self) -> None:
        """See RemoteTask."""
        self._bridge.send("cancel", self._files)


def _end(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
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
    output.close()
