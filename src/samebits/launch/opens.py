"""Finds the files that processes of a trial read before they write them.

Linux' fanotify says which process reads, but only the superuser may use it. Everyone may use inotify, which does not
say which process reads. So samebits looks at once which process has the file open; that fails if the reader is gone by
then. https://man7.org/linux/man-pages/man7/fanotify.7.html
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import select
import stat
import struct
import termios
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol

IN_ACCESS, IN_MODIFY, IN_ATTRIB = 0x001, 0x002, 0x004
IN_CLOSE_NOWRITE, IN_DELETE_SELF, IN_MOVE_SELF, IN_Q_OVERFLOW = 0x010, 0x400, 0x800, 0x4000
_READ = IN_ACCESS | IN_CLOSE_NOWRITE  # a file that is mapped into memory shows only IN_CLOSE_NOWRITE
_GONE = IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF
_INOTIFY = struct.Struct("iIII")

_FAN_EVENT = struct.Struct("=IBBHQii")  # length, version, reserved, length of this, mask, file, process
_BLOCK = 200 * _FAN_EVENT.size  # bytes of events that are read at once, because each event of fanotify opens a file
_FAN_READ, _FAN_WRITE, _FAN_ONDIR = 0x01 | 0x10, 0x02 | 0x08, 0x40000000
_FAN_ACCESS, _FAN_OVERFLOW = 0x01, 0x4000
_FAN_CLOEXEC, _FAN_NONBLOCK, _FAN_MARK_ADD, _AT_FDCWD = 0x1, 0x2, 0x1, -100
_BOOKKEEPERS = ("git", "du", "tar")  # they read what is there to keep account of it

# a file; whether it was read (False: written or gone; None: both, in an unknown order); by which process
Event = tuple[Path, bool | None, int | None]


class EventSource(Protocol):
    """Where events come from: fanotify or inotify. `handle`: readable when there are some."""

    handle: int
    tells_who: bool

    def watch(self, path: Path) -> bool:
        """Watch a file or folder; False if that cannot be."""
        ...

    def events(self) -> Iterator[Event | None]:
        """Return what has happened since the last call. None: some events were lost."""
        ...


class Fanotify:
    """Events with the process that caused them. Raises OSError if it is not available."""

    tells_who = True

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self.handle = self._library.fanotify_init(_FAN_CLOEXEC | _FAN_NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
        if self.handle < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")
        self._paths: dict[tuple[int, int], Path] = {}

    def watch(self, path: Path) -> bool:
        """See EventSource."""
        try:
            found = path.stat()
        except OSError:
            return False
        mask = _FAN_ACCESS | _FAN_ONDIR if stat.S_ISDIR(found.st_mode) else _FAN_READ | _FAN_WRITE
        name = os.fsencode(path)
        add, mask64, here = ctypes.c_uint(_FAN_MARK_ADD), ctypes.c_uint64(mask), ctypes.c_int(_AT_FDCWD)
        if self._library.fanotify_mark(ctypes.c_int(self.handle), add, mask64, here, name) < 0:
            return False
        self._paths[found.st_dev, found.st_ino] = path
        return True

    def events(self) -> Iterator[Event | None]:
        """See EventSource."""
        for mask, file, process in fanotify_events(self.handle):
            yield from self._event(mask, file, process)

    def _event(self, mask: int, file: int, process: int) -> Iterator[Event | None]:
        if mask & _FAN_OVERFLOW or file < 0:
            yield None
            return
        found = os.fstat(file)
        os.close(file)
        path = self._paths.get((found.st_dev, found.st_ino))
        if path is not None and mask & (_FAN_READ | _FAN_WRITE):
            # the kernel merges waiting events of one process, and then their order is lost
            is_both = bool(mask & _FAN_READ and mask & _FAN_WRITE)
            yield path, None if is_both else bool(mask & _FAN_READ), process


def fanotify_events(handle: int) -> Iterator[tuple[int, int, int]]:
    """Yield (mask, file, process) of all events that wait now. The caller closes each file; -1 stands for no file."""
    for data in _blocks(handle):
        at = 0
        while at < len(data):
            length, _, _, _, mask, file, process = _FAN_EVENT.unpack_from(data, at)
            at += length
            yield mask, file, process


class Inotify:
    """Events without a process."""

    tells_who = False

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self.handle = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._paths: dict[int, Path] = {}

    def watch(self, path: Path) -> bool:
        """See EventSource. Folders are not watched: everyone lists them."""
        number = -1
        if self.handle >= 0 and not os.path.isdir(path):  # noqa: PTH112
            number = self._library.inotify_add_watch(self.handle, os.fsencode(path), _READ | _GONE | IN_ATTRIB)
        if number >= 0:
            self._paths[number] = path
        return number >= 0

    def events(self) -> Iterator[Event | None]:
        """See EventSource."""
        for data in _blocks(self.handle):
            at = 0
            while at < len(data):
                number, mask, _, length = _INOTIFY.unpack_from(data, at)
                at += _INOTIFY.size + length
                path = self._paths.get(number)
                if mask & IN_Q_OVERFLOW:
                    yield None
                elif path is not None and (mask & (_READ | _GONE) or not os.path.exists(path)):  # noqa: PTH110
                    yield path, bool(mask & _READ), None


def source() -> EventSource:
    """Return the best source of events that this system allows."""
    try:
        return Fanotify()
    except (OSError, AttributeError):
        return Inotify()


class Opens:
    """Watches files until `close`, in a separate thread, because a short-lived reader is soon gone.

    `is_ours(pid)`: whether a process belongs to the trial; None: it is gone. `unseen`: files that could not be watched.
    The first event of a file that a process of the trial causes decides: read, or written first. `foreign`: files that
    any process of the machine may have written. If the reader of such a file is gone, it does not count as the trial's.
    """

    def __init__(
        self, paths: Iterable[Path], listed: Iterable[Path], of: EventSource, foreign: Collection[Path] = ()
    ) -> None:
        self._source, self._decided, self._foreign = of, set[Path](), foreign
        self.is_ours: Callable[[int], bool | None] = lambda _: False
        self.read: set[Path] = set()
        self.unseen: set[Path] = set()
        self.listed: dict[Path, set[int]] = {}
        self._files = set(paths)
        self.unseen = {path for path in self._files if not of.watch(path)}
        for folder in listed if of.tells_who else ():
            of.watch(folder)
        self._stop, self._stopping = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        poller = select.poll()  # select.select takes no descriptor above 1023
        for handle in (self._stop, self._source.handle):
            if handle >= 0:
                poller.register(handle, select.POLLIN)
        while True:
            ready = {handle for handle, _ in poller.poll()}
            for event in self._source.events() if self._source.handle in ready else ():
                self._decide(event)
            if self._stop in ready:
                return

    def _decide(self, event: Event | None) -> None:
        if event is None:
            self.unseen.update(self._files - self._decided)
            return
        path, is_read, process = event
        if path in self._decided or not self._is_by_trial(path, process):
            return
        if path not in self._files:
            self.listed.setdefault(path, set()).add(process or 0)
            return
        self._decided.add(path)
        if is_read is None:
            self.unseen.add(path)
        elif is_read:
            self.read.add(path)

    def _is_by_trial(self, path: Path, process: int | None) -> bool:
        """Return whether a process of the trial read or wrote the file.

        A process that is gone already counts as the trial's, unless the file is foreign.
        """
        if process is not None:
            ours = self.is_ours(process)
            is_ours = (ours is None and path not in self._foreign) or bool(ours)
            return is_ours and _name(process) not in _BOOKKEEPERS
        holders = holding(path)
        return any(self.is_ours(holder) for holder in holders) if holders else path not in self._foreign

    def close(self) -> None:
        """Take the remaining events, and stop watching."""
        if self._source.handle < 0 and not self._thread.is_alive():
            return
        os.write(self._stopping, b".")
        self._thread.join()
        for event in self._source.events() if self._source.handle >= 0 else ():
            self._decide(event)
        os.close(self._stop)
        os.close(self._stopping)
        release(self._source.handle)
        self._source.handle = -1


def release(handle: int) -> None:
    """Close a handle if there is one, in a thread: Linux takes about 10 ms to free the watch of a whole mount."""
    if handle >= 0:
        threading.Thread(target=os.close, args=(handle,), daemon=True).start()


def _blocks(handle: int) -> Iterator[bytes]:
    """Yield the events that wait now. On a busy machine, later ones may come faster than they can be taken."""
    left = _waiting(handle) if handle >= 0 else 0
    while left > 0:
        try:
            data = os.read(handle, min(left, _BLOCK))
        except BlockingIOError:
            return
        yield data
        left -= len(data)


def _waiting(handle: int) -> int:
    """Return how many bytes of events wait."""
    number = array.array("i", [0])
    fcntl.ioctl(handle, termios.FIONREAD, number)
    return number[0]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def holding(path: Path) -> list[int]:
    """Return the processes that have a file open now, among those that this user may inspect."""
    return [int(pid) for pid, _, name in _open_files() if name == str(path)]


def written_now(paths: Iterable[Path]) -> set[Path]:
    """Return the files among these that are open for writing in any process that this user may inspect."""
    wanted = {str(path): path for path in paths}
    opened = _open_files() if wanted else ()
    return {wanted[name] for pid, handle, name in opened if name in wanted and _is_writable(pid, handle)}


def _open_files() -> Iterator[tuple[str, str, str]]:
    """Yield (process, handle, file) of all processes that this user may inspect.

    All are texts, because a busy machine has thousands.
    """
    for pid in os.listdir("/proc"):  # noqa: PTH208
        for handle in _handles(pid):
            target = _target(pid, handle)
            if target:
                yield pid, handle, target


def _handles(name: str) -> list[str]:
    """Return the open handles of a process; none if this user may not inspect it, or if it has ended."""
    try:
        return os.listdir(f"/proc/{name}/fd") if name.isdigit() else []  # noqa: PTH208
    except OSError:
        return []


def _target(pid: str, handle: str) -> str:
    """Return the file of a handle; empty if the handle is not a file, or was closed."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/{handle}")  # noqa: PTH115
        return target if target.startswith("/") else ""
    except OSError:
        return ""


def _is_writable(pid: str, handle: str) -> bool:
    try:
        text = Path(f"/proc/{pid}/fdinfo/{handle}").read_text()
    except OSError:
        return False
    flags = next((int(line.split()[1], 8) for line in text.splitlines() if line.startswith("flags:")), 0)
    return flags & (os.O_WRONLY | os.O_RDWR) != 0
