"""Finds the files that the processes of a trial write anywhere on the machine, in any language.

To the superuser, Linux' fanotify reports which process closes which file after writing. Without fanotify, samebits
sees only what Python opens. https://man7.org/linux/man-pages/man7/fanotify.7.html
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import select
import struct
import termios
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from samebits.launch.supervisor import read_process

__all__ = ["ProcessTree", "Writes", "mounted", "open_elsewhere"]

MOST_PATHS = 10_000
SHARED_MEMORY = "/dev/shm"  # noqa: S108
_EVENT = struct.Struct("=IBBHQii")  # length, version, reserved, length of this, mask, file, process
_BLOCK = 200 * _EVENT.size  # bytes of events that are read at once, because each event opens a file
_CLOSE_WRITE, _OVERFLOW = 0x08, 0x4000
_CLOEXEC, _NONBLOCK, _MARK_ADD, _MARK_MOUNT, _AT_FDCWD = 0x1, 0x2, 0x1, 0x10, -100
# file systems that hold files of users; the others (proc, sysfs, cgroup, ...) hold the kernel's
_HOLD_FILES = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "tmpfs", "nfs", "nfs4", "cifs", "smb3", "vfat",
     "exfat", "ntfs3", "lustre", "ceph", "gpfs", "beegfs", "9p", "virtiofs")
)  # fmt: skip
_MOST_MOUNTS = 64


class Writes:
    """The files that are written from the start of a trial until `close`.

    `ours`: files that its processes wrote; `others`: files in the working folder that other processes wrote. Without
    the superuser's rights both stay empty. `is_ours(pid)`: whether a process belongs to the trial; None: it had ended
    before it could be identified, so its files are in neither set.
    """

    def __init__(self, directory: Path) -> None:
        self.ours: set[Path] = set()
        self.others: set[Path] = set()
        self._directory = directory
        self._is_ours: Callable[[int], bool | None] | None = None
        self._waiting: list[tuple[Path, int]] = []  # until the trial's root is known
        self._lock = threading.Lock()
        self._handle = _opened()
        self._thread: threading.Thread | None = None
        if self._handle >= 0:
            self._stop, self._stopping = os.pipe2(os.O_CLOEXEC)
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()

    def started(self, is_ours: Callable[[int], bool | None]) -> None:
        """Note the root of the trial's processes, which was not known before."""
        with self._lock:
            self._is_ours = is_ours
            for path, process in self._waiting:
                self._sort(path, ours=is_ours(process))
            self._waiting.clear()

    def close(self) -> None:
        """Take the remaining events, and stop watching."""
        if self._thread is None:
            return
        os.write(self._stopping, b".")
        self._thread.join()
        self._thread = None
        self._take()
        os.close(self._stop)
        os.close(self._stopping)
        # in a thread: Linux takes about 10 ms to free the watch of a whole mount
        threading.Thread(target=os.close, args=(self._handle,), daemon=True).start()

    def _serve(self) -> None:
        poller = select.poll()
        for handle in (self._stop, self._handle):
            poller.register(handle, select.POLLIN)
        while True:
            ready = {handle for handle, _ in poller.poll()}
            self._take()
            if self._stop in ready:
                return

    def _take(self) -> None:
        """Take the events that wait now. Each process is looked up only once: on a busy machine, most write often."""
        answers: dict[int, bool | None] = {}
        for path, process in _events(self._handle):
            with self._lock:
                if self._is_ours is None:
                    self._waiting.append((path, process))
                    continue
                if process not in answers:
                    answers[process] = self._is_ours(process)
                self._sort(path, ours=answers[process])

    def _sort(self, path: Path, *, ours: bool | None) -> None:
        if len(self.ours) + len(self.others) >= MOST_PATHS:
            return
        if ours:
            self.ours.add(path)
        elif ours is False and path.is_relative_to(self._directory):
            self.others.add(path)


def _opened() -> int:
    """Open a handle on all mounts that hold files; -1 if the system refuses."""
    library = ctypes.CDLL(None, use_errno=True)
    try:
        handle = int(library.fanotify_init(_CLOEXEC | _NONBLOCK, os.O_RDONLY | os.O_CLOEXEC))
    except AttributeError:
        return -1
    if handle < 0:
        return -1
    add, mask, here = ctypes.c_uint(_MARK_ADD | _MARK_MOUNT), ctypes.c_uint64(_CLOSE_WRITE), ctypes.c_int(_AT_FDCWD)
    marked = [
        library.fanotify_mark(ctypes.c_int(handle), add, mask, here, os.fsencode(mount)) == 0 for mount in _mounts()
    ]
    if not any(marked):
        os.close(handle)
        return -1
    return handle


def _mounts() -> list[str]:
    return [place for _, kind, place in mounted() if kind in _HOLD_FILES][:_MOST_MOUNTS]


def mounted() -> Iterator[tuple[int, str, str]]:
    """Yield the device, the file system and the place of each mount."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        words = before.split(" ")
        device = os.makedev(*map(int, words[2].split(":")))
        yield device, after.split(" ")[0], words[4].encode().decode("unicode_escape")


def _events(handle: int) -> Iterator[tuple[Path, int]]:
    """Yield (file, process) of all events that wait now. If the kernel lost some events, this gives the others."""
    for mask, file, process in fanotify_events(handle):
        if file < 0 or mask & _OVERFLOW:
            continue
        try:
            name = os.readlink(f"/proc/self/fd/{file}")  # noqa: PTH115
        finally:
            os.close(file)
        if not name.endswith(" (deleted)"):
            yield Path(name), process


def fanotify_events(handle: int) -> Iterator[tuple[int, int, int]]:
    """Yield (mask, file, process) of all events that wait now. The caller closes each file; -1 stands for no file."""
    for data in _blocks(handle):
        at = 0
        while at < len(data):
            length, _, _, _, mask, file, process = _EVENT.unpack_from(data, at)
            at += length
            yield mask, file, process


def _blocks(handle: int) -> Iterator[bytes]:
    """Yield the events that wait now. On a busy machine, later ones may come faster than they can be taken."""
    waiting = array.array("i", [0])
    fcntl.ioctl(handle, termios.FIONREAD, waiting)
    left = waiting[0]
    while left > 0:
        try:
            data = os.read(handle, min(left, _BLOCK))
        except BlockingIOError:
            return
        yield data
        left -= len(data)


class ProcessTree:
    """The processes below a trial's root."""

    def __init__(self, root: int) -> None:
        self._root, self._ours = root, {root}

    def holds(self, pid: int) -> bool | None:
        """Return whether a process is below the root; None if it ended before it was ever seen."""
        above: list[int] = []
        while pid not in self._ours:
            process = read_process(pid)
            if process is None or process.parent <= 1:
                return None if process is None else False
            above.append(pid)
            pid = process.parent
        self._ours.update(above)
        return True


def open_elsewhere(paths: Iterable[Path], is_ours: Callable[[int], bool | None]) -> set[Path]:
    """Return the files among these that a process outside of the trial has open for writing, as in `check > log.txt`.

    samebits sees only processes that this user may inspect.
    """
    wanted = {str(path): path for path in paths}
    found = set[Path]()
    for pid in (name for name in os.listdir("/proc") if name.isdigit() and wanted):  # noqa: PTH208
        with suppress(OSError):  # a process of a different user, or one that has ended
            names = set(_written_by(pid, wanted.keys()))
            if names and not is_ours(int(pid)):
                found.update(wanted[name] for name in names)
    return found


def _written_by(pid: str, wanted: Collection[str]) -> Iterator[str]:
    """Yield the files among these that a process has open for writing. Raises OSError."""
    for handle in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
        with suppress(FileNotFoundError):  # it was closed meanwhile: for example, samebits' own handle of this list
            name = os.readlink(f"/proc/{pid}/fd/{handle}")  # noqa: PTH115
            if name in wanted and _is_written(pid, handle):
                yield name


def _is_written(pid: str, handle: str) -> bool:
    text = Path(f"/proc/{pid}/fdinfo/{handle}").read_text()
    flags = next((int(line.split()[1], 8) for line in text.splitlines() if line.startswith("flags:")), 0)
    return flags & os.O_ACCMODE != os.O_RDONLY
