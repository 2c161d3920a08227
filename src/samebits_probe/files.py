"""Watches which files the process opens, and whether it looks at names that earlier trials left.

It uses Python's audit events from 3.8 on; before 3.8, it wraps `io.open`. The launcher finds files that a C library
opens by itself: it looks at the folders before and after a trial, and asks the kernel which process opens the files
that were left there.
"""

import binascii
import functools
import os
import sys
from types import ModuleType

from . import hooks
from .callers import PACKAGES
from .system import System

try:
    from _blake2 import blake2b  # hashlib imports OpenSSL, which takes longer than the import of the whole probe
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple, Union

    AnyPath = Union[str, bytes, os.PathLike[Any]]  # as a program passes it
    PathOrNumber = Union[AnyPath, int]  # some functions also take the number of an open file
    Report = Callable[[str, str], None]

__all__ = ["MOST_NAMES", "NO_NAMES", "holds_name", "table_of_names", "watch"]

_IGNORED = (".so", ".pyi", ".pth.py")
_SYSTEM = ("/proc/", "/sys/", "/usr/", "/etc/", "/lib/")
_BYTECODE = os.sep + "__pycache__" + os.sep
_DEVICES, _SHARED_MEMORY = "/dev/", "/dev/shm/"
_IMPORTS = ("<frozen importlib", "<frozen zipimport", os.sep + "importlib" + os.sep, os.sep + "pkgutil.py")
_MOST_ASKED = 4096  # paths
_STAT_MODULES = ("genericpath", "posixpath", "pathlib", "pathlib._local")


def watch(report: "Report", left: "Sequence[str]" = ()) -> "Callable[[Sequence[str]], None]":
    """Call `report(event, path)` once for every event and path (the events are listed in wire.py).

    `left`: two tables of names: the files and folders that earlier trials made, and the folders that hold these.
    Looks at other names are not reported. The returned function takes new tables.
    """
    files = _Files(report)
    files.look_for(left)
    if not hooks.add_audit_hook(files.notes()):
        _wrap_open(files.opened)
    for name in _STAT_MODULES:
        hooks.after_import(name, files.watch_stat)
    return files.look_for


class _Files:
    def __init__(self, report: "Report") -> None:
        self._report = report
        self._known: Set[Tuple[str, str]] = set()  # (event, path)
        # a new name that the process gave to an earlier file -> the file's old name
        self._sources: Dict[str, str] = {}
        self._left, self._folders = NO_NAMES, NO_NAMES
        # absolute paths whose checks are noted already: the import of PyTorch checks 1,300 paths 10,000 times
        self._checked: Set[str] = set()

    def look_for(self, left: "Sequence[str]") -> None:
        """Report looks at these names from now on."""
        self._left, self._folders = left or (NO_NAMES, NO_NAMES)
        self._checked.clear()

    def notes(self) -> "Dict[str, hooks.Note]":
        """Return {audit event about files: the function to call}."""
        return {
            "open": self.opened,
            "os.rename": self._renamed,
            "os.link": self._linked,
            "os.symlink": self._linked,
            "sqlite3.connect": lambda database, *_: self.opened(database, "r+"),
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "shutil.rmtree": self._removed,
            "os.mkdir": self._made,
            "os.remove": self._made,
            "os.rmdir": self._made,
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

    # -- names ------------------------------------------------------------------------------------------------

    def _listed(self, path: "Optional[PathOrNumber]", *_: "Any") -> None:
        if isinstance(path, int):
            return
        path = System.abspath(System.fsdecode(path or "."))
        if holds_name(self._folders, path) and not _of_imports(sys._getframe(3)):
            self._tell("listed", path)

    def _made(self, path: "AnyPath", *_: "Any") -> None:
        path = System.abspath(System.fsdecode(path))
        is_near = any(holds_name(self._folders, one) for one in (path, os.path.dirname(path)))
        if is_near or holds_name(self._left, path):
            self._tell("made", path)

    def _removed(self, path: "AnyPath", *_: "Any") -> None:
        self._tell("removed", System.abspath(System.fsdecode(path)))

    def watch_stat(self, module: "Any") -> None:
        """Replace `os` in a module of the standard library that checks whether paths exist, to note these checks.

        `os.stat` itself is not replaced: programs compare it with the members of `os.supports_fd`.
        """
        if getattr(module, "os", None) is os:
            module.os = _Stat(os, self._asked, self._checked)

    def _asked(self, path: "PathOrNumber") -> None:
        if isinstance(path, int):
            return
        if type(path) is str and path.startswith(os.sep):
            if len(self._checked) >= _MOST_ASKED:
                self._checked.clear()
            self._checked.add(path)
        path = System.abspath(System.fsdecode(path))
        if holds_name(self._left, path):
            self._tell("asked", path)


class _Stat(ModuleType):
    """Stands for the module `os` in one other module. It notes the paths that exist when the module checks them.

    `checked`: paths that need no further note.
    """

    def __init__(self, module: "ModuleType", asked: "Callable[[PathOrNumber], None]", checked: "Set[str]") -> None:
        super(_Stat, self).__init__(module.__name__, module.__doc__)
        self.__dict__.update(_module=module, _note=hooks.quietly(asked), _checked=checked)
        self.__dict__["fspath"] = module.fspath  # called for each path; no program replaces it

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._module, name)

    def __dir__(self) -> "List[str]":
        return dir(self._module)

    def stat(self, path: "PathOrNumber", *args: "Any", **kwargs: "Any") -> "os.stat_result":
        found: os.stat_result = self._module.stat(path, *args, **kwargs)
        if type(path) is not str or path not in self._checked:
            self._note(path)
        return found

    def lstat(self, path: "PathOrNumber", *args: "Any", **kwargs: "Any") -> "os.stat_result":
        found: os.stat_result = self._module.lstat(path, *args, **kwargs)
        if type(path) is not str or path not in self._checked:
            self._note(path)
        return found


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


def _of_imports(frame: "Optional[FrameType]") -> bool:
    """Return whether the standard library lists a folder only to find modules in it."""
    name = frame.f_code.co_filename if frame is not None else ""
    return name.startswith(_IMPORTS[:2]) or any(part in name for part in _IMPORTS[2:])


def _wrap_open(opened: "Callable[..., None]") -> None:
    import builtins
    import io

    original, note = io.open, hooks.quietly(opened)

    @functools.wraps(original)
    def open(file: "PathOrNumber", mode: str = "r", *args: "Any", **kwargs: "Any") -> "Any":
        note(file, mode)
        return original(file, mode, *args, **kwargs)

    builtins.open = io.open = open


# -- the names left by earlier trials, as a text whose length does not depend on their number -------------------------
# The bits of a program may depend on addresses: the order of a set of objects does. Such a program repeats if its
# addresses are held. So the probe must not need more memory in one trial than in the next.
MOST_NAMES = 2000
_NAME_BYTES, _WIDTH = 6, 8  # the bytes of the digest of a name, and its characters in base 64
NO_NAMES = "~" * (MOST_NAMES * _WIDTH)  # this character is not in base 64, and sorts after all that are


def table_of_names(paths: "Iterable[str]") -> str:
    """Return a table of paths for `holds_name`: a text with room for MOST_NAMES paths."""
    return "".join(sorted({_digest(path) for path in paths})[:MOST_NAMES]).ljust(len(NO_NAMES), NO_NAMES[0])


def holds_name(names: str, path: str) -> bool:
    """Return whether a path is in a table of names. The answer is wrong for 1 path in 10^11."""
    wanted, first, end = _digest(path), 0, MOST_NAMES
    while first < end:
        middle = (first + end) // 2
        if names[middle * _WIDTH : (middle + 1) * _WIDTH] < wanted:
            first = middle + 1
        else:
            end = middle
    return names[first * _WIDTH : (first + 1) * _WIDTH] == wanted


def _digest(path: str) -> str:
    digest = blake2b(os.fsencode(path), digest_size=_NAME_BYTES).digest()
    return binascii.b2a_base64(digest)[:_WIDTH].decode()
