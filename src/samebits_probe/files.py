"""Watches which files the process opens, and which folders it makes.

It uses Python's audit events from 3.8 on; before 3.8, it wraps `io.open`. The launcher finds files that a C library
opens by itself: it looks at the working folder before and after a trial.
"""

import os
import sys

from . import hooks
from .callers import PACKAGES
from .system import System
from .wrappers import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Set, Tuple, Union

    AnyPath = Union[str, bytes, os.PathLike[Any]]  # as a program passes it
    PathOrNumber = Union[AnyPath, int]  # some functions also take the number of an open file
    Report = Callable[[str, str], None]

__all__ = ["watch"]

_IGNORED = (".so", ".pyi", ".pth.py")
_SYSTEM = ("/proc/", "/sys/", "/usr/", "/etc/", "/lib/")
_BYTECODE = os.sep + "__pycache__" + os.sep
_DEVICES, _SHARED_MEMORY = "/dev/", "/dev/shm/"


def watch(report: "Report") -> None:
    """Call `report(event, path)` once for every event and path (the events are listed in wire.py)."""
    files = _Files(report)
    if not hooks.add_audit_hook(files.notes()):
        _wrap_open(files.opened)


class _Files:
    def __init__(self, report: "Report") -> None:
        self._report = report
        self._known: Set[Tuple[str, str]] = set()  # (event, path)
        # a new name that the process gave to an earlier file -> the file's old name
        self._sources: Dict[str, str] = {}

    def notes(self) -> "Dict[str, hooks.Note]":
        """Return {audit event about files: the function to call}."""
        return {
            "open": self.opened,
            "os.rename": self._renamed,
            "os.link": self._linked,
            "os.symlink": self._linked,
            "sqlite3.connect": lambda database, *_: self.opened(database, "r+"),
            "os.mkdir": self._made,
        }

    def _tell(self, event: str, path: str) -> None:
        if (event, path) not in self._known:
            self._known.add((event, path))
            self._report(event, path)

    def opened(self, path: "Optional[PathOrNumber]", mode: "Optional[str]", flags: int = 0) -> None:
        """Note an opened file: as read unless it is emptied first, and as written unless it is only read."""
        if isinstance(path, int) or path is None:
            return
        path = System.abspath(System.fsdecode(path))
        if _is_ignored(path):
            return
        reads, writes = _by_mode(mode) if isinstance(mode, str) else _by_flags(flags)
        if _BYTECODE in path:
            path, writes = _source(path), False
        if reads and ("wrote", path) not in self._known:
            self._tell("opened", self._sources.get(path, path))
        if writes:
            self._tell("wrote", path)

    def _renamed(self, source: "AnyPath", target: "AnyPath", *_: "Any") -> None:
        source, target = (System.abspath(System.fsdecode(path)) for path in (source, target))
        self._moved(source, target)
        inside = source + os.sep
        for event, path in list(self._known):
            if event == "wrote" and path.startswith(inside):
                self._tell("wrote", target + path[len(source) :])

    def _linked(self, source: "AnyPath", target: "AnyPath", *_: "Any") -> None:
        target = System.abspath(System.fsdecode(target))
        self._moved(System.abspath(os.path.join(os.path.dirname(target), System.fsdecode(source))), target)

    def _moved(self, source: str, target: str) -> None:
        """Note that a file gets a further name, which stands for the same file as the old name."""
        if _is_ignored(target) or _BYTECODE in target:
            return
        if ("wrote", source) in self._known:
            self._sources.pop(target, None)
            self._tell("wrote", target)
        else:
            self._sources[target] = self._sources.get(source, source)

    def _made(self, path: "AnyPath", *_: "Any") -> None:
        self._tell("made", System.abspath(System.fsdecode(path)))


def _by_mode(mode: str) -> "Tuple[bool, bool]":
    """Return (whether earlier content can be read, whether the file is written) for a mode of `open`."""
    empties = "w" in mode or "x" in mode
    return not empties and ("r" in mode or "+" in mode), any(c in mode for c in "wax+")


def _by_flags(flags: int) -> "Tuple[bool, bool]":
    access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
    empties = bool(flags & (os.O_TRUNC | os.O_EXCL))
    return access != os.O_WRONLY and not empties, access != os.O_RDONLY


def _is_ignored(path: str) -> bool:
    if path.startswith(_DEVICES):
        return not path.startswith(_SHARED_MEMORY)
    own = tuple(prefix + os.sep + "lib" for prefix in (sys.prefix, sys.base_prefix))
    return path.endswith(_IGNORED) or path.startswith(own + _SYSTEM) or any(part in path for part in PACKAGES)


def _source(path: str) -> str:
    """Return the source file of a bytecode file. Python does not open the source if there is bytecode."""
    folder, _, name = path.partition(_BYTECODE)
    return os.path.join(folder, name.partition(".")[0] + ".py")


def _wrap_open(opened: "Callable[..., None]") -> None:
    import builtins
    import io

    note = hooks.quietly(opened)
    before(io, "open", lambda file, mode="r", *_, **__: note(file, mode))
    builtins.open = io.open
