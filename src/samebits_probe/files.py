"""Which files the process opens: what it wrote, and what it read that it had not written.

Python's audit events from 3.8 on; below, `io.open` is wrapped. Files that a C library opens by itself are found by
the launcher, which looks at the folders before and after a trial.
"""

import os
import sys
import threading

from . import signals
from .system import System

_WRITES = ("w", "a", "x", "+")
_IGNORED = (".pyc", ".py", ".so", ".pyi", ".pth.py")
_known = set()


def watch(report):
    """Call `report(event, path)` with "wrote" or "opened" once for every path."""

    def opened(path, mode, flags=0):
        if isinstance(path, int) or path is None:
            return
        path = System.abspath(System.fsdecode(path))
        writes = any(c in mode for c in _WRITES) if isinstance(mode, str) else bool(flags & (os.O_WRONLY | os.O_RDWR))
        key = "wrote" if writes else "opened"
        if (key, path) in _known or ("wrote", path) in _known or _is_ignored(path):
            return
        _known.add((key, path))
        report(key, path)

    if hasattr(sys, "addaudithook"):
        sys.addaudithook(_Hook(opened))  # novm: asked for in the line above
    else:
        _wrap_open(opened)


def _is_ignored(path):
    folders = (sys.prefix + os.sep, sys.base_prefix + os.sep, "/proc/", "/sys/", "/dev/", "/usr/", "/etc/", "/lib/")
    return path.endswith(_IGNORED) or path.startswith(folders)


class _Hook:
    """Never raises: an exception of an audit hook would reach the program."""

    def __init__(self, opened):
        self._opened = opened
        self._busy = set()  # threads in which a file is being reported, which opens files itself

    def __call__(self, event, arguments, _here=threading.get_ident):
        if event != "open" or _here() in self._busy:
            return
        signals.hold()
        self._busy.add(_here())
        try:
            self._opened(*arguments)
        except Exception:  # a name that cannot be decoded, say: the launcher's own look at the folders remains
            return
        finally:
            self._busy.discard(_here())
            signals.release()


def _wrap_open(opened):
    import builtins
    import io

    original = io.open

    def open(file, mode="r", *args, **kwargs):
        signals.hold()
        try:
            opened(file, mode)
        except Exception:  # as above
            signals.release()
            return original(file, mode, *args, **kwargs)
        signals.release()
        return original(file, mode, *args, **kwargs)

    open.__doc__ = original.__doc__
    builtins.open = io.open = open
