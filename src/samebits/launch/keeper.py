"""The process that keeps a trial on a different machine, and the handle by which the worker there (of Ray, for example)
uses it.

A keeper is a separate process. It is forked twice, so that it survives its worker, and it has the user's environment
instead of the worker's. It runs the trial (see `samebits.launch.node`) and sends the outcome. When its input ends, it
ends the trial and all that belongs to it. The input also ends if the worker or the node's agent is killed.

What travels between samebits and that machine stands here, too. Nothing heavy is imported: each worker imports this
module.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from samebits.launch.environment import Slot
    from samebits.launch.plan import Limits, Request

__all__ = [
    "Delivery",
    "Keeper",
    "NodeOrder",
    "Post",
    "RayOrder",
    "Treatment",
    "end_at_signal",
    "has_more",
    "outcome_here",
    "pack",
    "received",
    "sent",
    "stay",
    "treatment",
    "unpack",
]

_BOOT = """
import os, sys
os.fork() and os._exit(0)
os.setsid()
sys.path.append(sys.argv[1])
from samebits.launch.keeper import stay
stay(*map(int, sys.argv[2:]))
"""
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_FOLDER = str(Path(__file__).resolve().parents[2])
_LOOK = 0.1  # seconds; some engines interrupt a worker only between two calls


class Treatment(NamedTuple):
    """How Linux treats a process: its niceness, its OOM score, and how many files it may open."""

    niceness: int
    oom_score: int
    files: int


@dataclass(frozen=True)
class Post:
    """A trial's order on its way to a keeper. `order`: a pickled NodeOrder, which no worker has to read.

    `environment`, `treatment`: those of the process that asked. `taken`: variables whose values come from the worker
    (the devices that it was given). `code`: the packed probe and scripts of the record. `folder`: the packed working
    folder, if it travels.
    """

    order: bytes
    environment: Mapping[str, str]
    treatment: Treatment
    taken: tuple[str, ...] = ()
    code: bytes = field(default=b"", repr=False)
    folder: bytes = field(default=b"", repr=False)


class Keeper:
    """Call `poll` until it gives the outcome, and `close` in any case.

    `node`: the node's name in the trial's facts. `notes`: sentences about how the engine ran the trial.
    """

    def __init__(self, post: Post, node: str, notes: Sequence[str] = ()) -> None:
        taken = {name: os.environ[name] for name in post.taken if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, _FOLDER, *map(str, post.treatment)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**post.environment, **taken},
            cwd="/",
        )
        # at once: on a busy node, Python takes seconds to start with the niceness of a Ray worker
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, post.treatment.niceness)
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout.fileno()
        sent(self._input.fileno(), (node, tuple(notes), post.order, post.code, post.folder))

    def poll(self, seconds: float) -> Delivery | None:
        """Return the outcome, or None if it has not come within so many seconds."""
        if not has_more(self._output, seconds):
            return None
        outcome: Delivery | None = received(self._output)
        what = "The process that keeps the trial on its node was killed."
        return outcome or Delivery(message=what, advice="run the command again.")

    def close(self) -> None:
        """End the trial if it still runs. Return when all its processes are gone."""
        with suppress(OSError):
            self._input.close()
        while os.read(self._output, 1 << 16):
            continue
        assert self._process.stdout is not None
        self._process.stdout.close()


def outcome_here(post: Post, node: str, notes: Sequence[str] = ()) -> Delivery:
    """Run a trial to its end on this node. An exception in this function (an interruption) ends the trial first."""
    keeper = Keeper(post, node, notes)
    try:
        while (outcome := keeper.poll(_LOOK)) is None:
            continue
        return outcome
    finally:
        keeper.close()


def treatment() -> Treatment:
    """Return how Linux treats this process."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Treatment(os.getpriority(os.PRIO_PROCESS, 0), int(_OOM_SCORE.read_text()), files)


def stay(niceness: int, oom_score: int, files: int) -> None:
    """Be the keeper.

    The system treats it like the user's own processes if that is allowed; the facts say whether it was.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    with suppress(OSError):
        _OOM_SCORE.write_text(str(oom_score))
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    signal.signal(signal.SIGTERM, end_at_signal)
    importlib.import_module("samebits.launch.node").keep()


def end_at_signal(*_: object) -> None:
    """End this process, once: the handler of SIGTERM, which Slurm sends to all processes of a job that it ends."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


# -- what travels: the order, the trial's folder, and how they are sent ------------------------------------------------
# Messages are pickled. Both ends are processes of the same user and of the same version of samebits.

_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True)
class NodeOrder:
    """A trial for a node. `record`: the folder that takes the place of the record, with the same path on every node.

    `earlier`: the paths of the files that trials before this one wrote. `packed`: the working folder travels, too.
    """

    version: str
    request: Request
    record: Path
    hash: str
    id: int
    limits: Limits
    slot: Slot
    earlier: Mapping[int, Sequence[Path]]
    packed: bool = False


@dataclass(frozen=True)
class RayOrder:
    """A trial for a Ray cluster. `trial`: its number. `needs`: what it needs, as --each says it.

    `code`, `folder`: the names under which the bridge keeps the two packed parts that all trials of a check share.
    """

    trial: int
    needs: Mapping[str, str]
    post: Post
    code: str
    folder: str = ""


@dataclass(frozen=True)
class Delivery:
    """The outcome of a trial: its packed folder, or `lost` if its node was lost, or why it could not be run.

    `why`: how a lost trial ended, if more is known.
    """

    folder: bytes = field(default=b"", repr=False)
    lost: bool = False
    why: str = ""
    message: str = ""
    advice: str = ""


def pack(folder: Path, names: Sequence[str]) -> bytes:
    """Pack these files and folders of a folder into a tar archive. Links stay links."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            archive.add(folder / name, arcname=name)
    return stream.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Unpack a tar archive into an existing folder. Raises OSError or tarfile.TarError."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        if hasattr(tarfile, "tar_filter"):
            archive.extraction_filter = tarfile.tar_filter
        archive.extractall(folder)  # noqa: S202  (of our own node, which runs what we ask for)


def sent(handle: int, message: Any) -> None:
    """Write a message to a pipe. Raises OSError if nobody reads it."""
    data = pickle.dumps(message, protocol=4)
    left = memoryview(_LENGTH.pack(len(data)) + data)
    while left:
        left = left[os.write(handle, left) :]


def has_more(handle: int, seconds: float) -> bool:
    """Return whether a pipe has a message or has ended. It waits at most so many seconds."""
    poller = select.poll()  # select.select takes no descriptor above 1023
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def received(handle: int) -> Any:
    """Wait for the next message of a pipe and return it; None at the end of the pipe."""
    head = _read(handle, _LENGTH.size)
    data = _read(handle, _LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
    return pickle.loads(data) if data else None


def _read(handle: int, count: int) -> bytes:
    """Return so many bytes; none if the pipe ends before it has given them."""
    parts: list[bytes] = []
    while count:
        part = os.read(handle, min(count, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
