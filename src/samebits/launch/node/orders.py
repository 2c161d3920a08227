"""What travels between samebits and a different machine: an order goes there, and a sealed folder comes back.

An order is a file, and so is its outcome (see `OrderFiles`). Messages through pipes are framed here, too. Everything is
pickled: both ends are processes of the same user and of the same version of samebits. Nothing heavy is imported,
because each worker imports this module.
"""

from __future__ import annotations

import io
import os
import pickle
import select
import struct
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from samebits.launch.environment import Slot
    from samebits.launch.plan import Limits, Request

CODE, FOLDER = "code", "folder"  # the names of the files that all orders of a folder share: see OrderFiles
_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True)
class Post:
    """A trial's order on its way to a keeper. `order`: a pickled NodeOrder, which no worker has to read.

    `environment`: that of the process that asked. `taken`: variables whose values come from the worker (the devices
    that it was given). `code`: the packed probe and scripts of the record. `folder`: the packed working folder, if it
    travels.
    """

    order: bytes
    environment: Mapping[str, str]
    taken: tuple[str, ...] = ()
    code: bytes = field(default=b"", repr=False)
    folder: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class NodeOrder:
    """A trial for a node. `record`: the folder that takes the place of the record, with the same path on every node.

    `earlier`: the paths of the files that trials before this one wrote. `packed`: the working folder travels, too.
    `contents`: if it does not, what its files held (see `folders.contents_of`) when the trial was `ordered` (epoch,
    ns).
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
    contents: Mapping[str, str] = field(default_factory=dict)
    ordered: int = 0


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


class OrderFiles(NamedTuple):
    """The files of one order. Their names are a stem and an ending.

    `order`: the Post. `began`: the name of the node, as soon as a worker there has begun. `outcome`: the Delivery,
    whole or not at all. `txt`: what the worker printed. In the same folder lie CODE, the packed probe, and FOLDER, the
    packed working folder if it travels: all orders share them.
    """

    stem: str

    @property
    def name(self) -> str:
        """The name by which a host finds all that it started for the same record: see Exchange."""
        return Path(self.stem).parent.name.lstrip(".")

    def path(self, ending: str) -> Path:
        """Return the path of one of the files."""
        return Path(f"{self.stem}.{ending}")

    def shared(self, name: str) -> Path:
        """Return the path of CODE or of FOLDER."""
        return Path(self.stem).with_name(name)

    def post(self) -> Post:
        """Return the order, without the parts that all orders share."""
        post: Post = pickle.loads(self.path("order").read_bytes())
        return post

    def whole_post(self) -> Post:
        """Return the order with the parts that all orders share."""
        folder = self.shared(FOLDER)
        packed = folder.read_bytes() if folder.exists() else b""
        return replace(self.post(), code=self.shared(CODE).read_bytes(), folder=packed)

    def deliver(self, outcome: Delivery) -> None:
        """Put the outcome beside the order, in one step."""
        self.path("part").write_bytes(pickle.dumps(outcome, protocol=4))
        self.path("part").rename(self.path("outcome"))

    def outcome(self) -> Delivery | None:
        """Return the outcome, or None if it is not there."""
        with suppress(FileNotFoundError):
            outcome: Delivery = pickle.loads(self.path("outcome").read_bytes())
            return outcome
        return None

    def printed(self) -> str:
        """Return the last characters that the worker printed, if the host keeps them."""
        with suppress(OSError):
            return self.path("txt").read_text(errors="replace")[-4000:]
        return ""

    def look_again(self) -> None:
        """Make this machine look at the folder again: a shared disk may still show it as it was."""
        with suppress(OSError):
            self.path("look").touch()
            self.path("look").unlink()

    def clear(self) -> None:
        """Remove the files of this order."""
        for ending in ("order", "began", "outcome", "part", "txt"):
            with suppress(OSError):
                self.path(ending).unlink()


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
