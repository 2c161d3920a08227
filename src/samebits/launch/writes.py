"""Finds the files that the processes of a trial write anywhere on the machine, in any language.

Linux' fanotify tells the superuser which process closes which file after writing. Without it, samebits sees only what
Python opens, and what changes in the places where programs keep things (HOME, caches, shared memory, temporary
folders). https://man7.org/linux/man-pages/man7/fanotify.7.html
"""

from __future__ import annotations

import ctypes
import os
import select
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from samebits.launch import folders, opens
from samebits.launch.isolation import Caches

MOST_PATHS = 10_000
_CLOSE_WRITE, _OVERFLOW = 0x08, 0x4000
_CLOEXEC, _NONBLOCK, _MARK_ADD, _MARK_MOUNT, _AT_FDCWD = 0x1, 0x2, 0x1, 0x10, -100
# file systems that hold files of users; the others (proc, sysfs, cgroup, ...) hold the kernel's
_HOLD_FILES = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "tmpfs", "nfs", "nfs4", "cifs", "smb3", "vfat",
     "exfat", "ntfs3", "lustre", "ceph", "gpfs", "beegfs", "9p", "virtiofs")
)  # fmt: skip
_MOST_MOUNTS = 64


class Writes:
    """What is written from the start of a trial until `close`.

    `ours`: files that its processes wrote; `unclear`: files written by a process that had ended before it could be
    identified. `is_ours(pid)`: whether a process belongs to the trial; None: it is gone. Without the superuser's rights
    both stay empty.
    """

    def __init__(self) -> None:
        self.ours: set[Path] = set()
        self.unclear: set[Path] = set()
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
        opens.release(self._handle)

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
        if len(self.ours) + len(self.unclear) >= MOST_PATHS:
            return
        if ours:
            self.ours.add(path)
        elif ours is None:
            self.unclear.add(path)


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
    return [place for _, kind, place in _mounted() if kind in _HOLD_FILES][:_MOST_MOUNTS]


def _mounted() -> Iterator[tuple[int, str, str]]:
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
    for mask, file, process in opens.fanotify_events(handle):
        if file < 0 or mask & _OVERFLOW:
            continue
        try:
            name = os.readlink(f"/proc/self/fd/{file}")  # noqa: PTH115
        finally:
            os.close(file)
        if not name.endswith(" (deleted)"):
            yield Path(name), process


MOST_ENTRIES, MOST_IN_FOLDER, DEEPEST = 4_000, 1_000, 4  # of each place, so that a look takes only a moment
SHARED_MEMORY = "/dev/shm"  # noqa: S108

Stamp = tuple[int, int, int]  # identifies a state of a file: a different one means that it was written


class View(NamedTuple):
    """The files and folders at one moment.

    Paths are plain text, because thousands are compared and few have changed.
    """

    files: dict[str, Stamp]
    folders: frozenset[str]

    def changed_since(self, before: View) -> list[Path]:
        """Return the files that are new or were written."""
        return [Path(name) for name, stamp in self.files.items() if before.files.get(name) != stamp]

    def made_since(self, before: View) -> list[Path]:
        """Return the files and folders that were not there before."""
        files = (name for name in self.files if name not in before.files)
        return [*map(Path, files), *map(Path, self.folders - before.folders)]


# Local file systems in which a folder gets a new ctime if a name in it changes. No program can set a ctime. Some count
# whole seconds (ext3): a folder that has just changed may change again without a new ctime.
_WITH_CTIME = frozenset(("ext2", "ext3", "ext4", "xfs", "f2fs", "tmpfs", "overlay"))
SETTLED = 2.5  # seconds after which a change gives a new ctime


class FolderContent(NamedTuple):
    """The names in a folder at one moment. `stamp`: differs if the names may have changed. `size`: the number of names.

    `files`: the paths of all entries that are not folders. `inner`: the paths of the folders to look into.
    """

    stamp: tuple[int, int, int]
    size: int
    files: list[str]
    inner: list[str]


class Surroundings:
    """Looks at these places. Other code looks at the working folder and the record.

    Each look reads the state of each file, but lists a folder again only if its names may have changed.
    """

    def __init__(self, directory: Path, record: Path, caches: Caches) -> None:
        self._names: dict[str, FolderContent] = {}
        self._devices_with_ctime = {device for device, kind, _ in _mounted() if kind in _WITH_CTIME}
        self._caches, self._apart = caches, {str(directory), str(record)}
        self._deep = [SHARED_MEMORY, *map(str, caches.roots), os.environ.get("TMPDIR") or "/tmp"]  # noqa: S108
        self._home = os.environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111

    def look(self) -> View:
        """Return the files and folders that are there."""
        files: dict[str, Stamp] = {}
        found: set[str] = set()
        for place in self._deep:
            self._walk(place, files, found)
        self._walk(self._home, files, found, is_home=True)
        return View(files, frozenset(found))

    def _walk(self, place: str, files: dict[str, Stamp], found: set[str], *, is_home: bool = False) -> None:
        """Walk breadth first, so that a large folder hides nothing above it."""
        waiting, left = deque([(place, 0)]), MOST_ENTRIES
        while waiting and left > 0:
            folder, depth = waiting.popleft()
            names = self._names_in(folder)
            if names is None:
                continue
            left -= min(names.size, MOST_IN_FOLDER)
            for path in names.files:
                _stamp(path, files)
            inner = names.inner
            found.update(inner)
            if is_home and depth == 0:  # names without a dot at the top of HOME are the user's projects
                inner = [path for path in inner if path.rpartition("/")[2].startswith(".")]
            if depth < DEEPEST:
                waiting.extend([(path, depth + 1) for path in inner])

    def _names_in(self, folder: str) -> FolderContent | None:
        """Return the names in a folder, or none of them if there are too many. Return None if it cannot be read."""
        try:
            state, now = os.stat(folder), time.time()  # noqa: PTH116
            stamp = (state.st_dev, state.st_ino, state.st_ctime_ns)
            known = self._names.get(folder)
            if known is not None and known.stamp == stamp:
                return known
            entries = list(os.scandir(folder))
        except OSError:
            return None
        looked_at = entries if len(entries) <= MOST_IN_FOLDER else []
        inner = [entry for entry in looked_at if entry.is_dir(follow_symlinks=False)]
        others = [entry.path for entry in looked_at if not entry.is_dir(follow_symlinks=False)]
        names = FolderContent(stamp, len(entries), others, [one.path for one in inner if self._is_looked_into(one)])
        if state.st_dev in self._devices_with_ctime and state.st_ctime < now - SETTLED:
            self._names[folder] = names
        return names

    def _is_looked_into(self, entry: os.DirEntry[str]) -> bool:
        is_apart = entry.path in self._apart or entry.name in folders.LEFT_OUT
        return not is_apart and not self._caches.is_cache(entry.path)


def _stamp(path: str, files: dict[str, Stamp]) -> None:
    """Add the stamp of a regular file, or of one that a link leads to."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return
    if stat.S_ISREG(found.st_mode):
        files[path] = (found.st_ino, found.st_size, found.st_mtime_ns)
