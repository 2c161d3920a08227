"""Which of some files are read before they are written, whoever reads them: Linux' inotify through ctypes."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

IN_ACCESS, IN_MODIFY, IN_ATTRIB = 0x001, 0x002, 0x004
IN_CLOSE_NOWRITE, IN_DELETE_SELF, IN_MOVE_SELF, IN_Q_OVERFLOW = 0x010, 0x400, 0x800, 0x4000
_READ = IN_ACCESS | IN_CLOSE_NOWRITE  # the latter is all that shows of a file that is mapped into memory
_GONE = IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF
_EVENT = struct.Struct("iIII")


class Reads:
    """Watches files until `close`. `unseen`: those that could not be watched (too many, or no inotify here)."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._handle = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watched: dict[int, Path] = {}
        self._decided: set[Path] = set()
        self.read: set[Path] = set()
        self.unseen: set[Path] = set()
        for path in paths:
            self._watch(path)

    def _watch(self, path: Path) -> None:
        number = -1
        if self._handle >= 0:
            number = self._library.inotify_add_watch(self._handle, os.fsencode(path), _READ | _GONE | IN_ATTRIB)
        if number >= 0:
            self._watched[number] = path
        else:
            self.unseen.add(path)

    def collect(self) -> None:
        """Take what has happened. The first event of a file decides: read, or written by this trial first."""
        while self._handle >= 0:
            try:
                data = os.read(self._handle, 1 << 16)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size + length
                self._decide(number, mask)

    def _decide(self, number: int, mask: int) -> None:
        if mask & IN_Q_OVERFLOW:
            self.unseen.update(set(self._watched.values()) - self._decided)
            return
        path = self._watched.get(number)
        if path is None or path in self._decided:
            return
        if mask & _READ:
            self.read.add(path)
            self._decided.add(path)
        elif mask & _GONE or not path.exists():
            self._decided.add(path)

    def close(self) -> None:
        """Take what is left and end watching."""
        self.collect()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
