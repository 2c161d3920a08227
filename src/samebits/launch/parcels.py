"""What travels between samebits and a node on which a trial runs: the order, the trial's folder, and how they are sent.

Messages are pickled. Both ends are processes of the same user and of the same version of samebits.
"""

from __future__ import annotations

import io
import os
import pickle
import select
import struct
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samebits.launch.environment import Slot
    from samebits.launch.keeper import Post
    from samebits.launch.plan import Limits, Request

__all__ = ["Delivery", "NodeOrder", "RayOrder", "has_more", "pack", "received", "sent", "unpack"]

_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True)
class NodeOrder:
    """A trial for a node. `record`: the folder that stands there for the record, of the same path on every node.

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
