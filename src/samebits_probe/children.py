"""Watches what the process starts and becomes: programs, forks of itself, a different program by exec.

It uses Python's audit events (3.8 and later). In older releases it wraps only `os.execv` and `os.execve`; the launcher
sees the other processes in /proc.
"""

import functools
import os
import sys

from . import imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Set

    Argument = Any  # from the program: a word, several words, or anything else


_MOST_WORDS, _MOST_CHARACTERS = 20, 200
_MOST_PROGRAMS = 100
_OWN_POOLS = (os.sep + "multiprocessing" + os.sep, os.sep + "concurrent" + os.sep)


def watch(event: "Callable[..., None]") -> None:
    """Call `event(name, **fields)` for exec, started and forked (see wire.py)."""
    children = _Children(event)
    if not imports.add_audit_hook(children.notes()):
        _wrap_exec(children.became)


class _Children:
    def __init__(self, event: "Callable[..., None]") -> None:
        self._event = event
        self._started: Set[str] = set()
        self._forked: Set[str] = set()

    def notes(self) -> "Dict[str, imports.Note]":
        return {
            "os.exec": self.became,
            "subprocess.Popen": lambda executable, args, *_: self._starts(executable or _first(args), args),
            "os.posix_spawn": lambda path, argv, *_: self._starts(path, argv),
            "os.fork": self._forks,
            "os.forkpty": self._forks,
        }

    def became(self, path: "Argument", argv: "Argument", *_: "Any") -> None:
        """Note that the process asks to become a different program. If that fails, its later records show it."""
        self._event("exec", path=_text(path), argv=_words(argv))

    def _starts(self, path: "Argument", argv: "Argument") -> None:
        path = _text(path)
        if path not in self._started and len(self._started) < _MOST_PROGRAMS:
            self._started.add(path)
            self._event("started", path=path, argv=_words(argv))

    def _forks(self) -> None:
        """Note a fork by the program's own code. A pool's forks do not count: their results return to the program."""
        frame = sys._getframe(3)
        if frame is None or any(part in frame.f_code.co_filename for part in _OWN_POOLS):
            return
        place = "%s:%d" % (frame.f_code.co_filename, frame.f_lineno)
        if place not in self._forked:
            self._forked.add(place)
            self._event("forked", place=place)


def _first(args: "Argument") -> "Argument":
    return args if isinstance(args, (str, bytes)) or hasattr(args, "__fspath__") else list(args)[0]


def _words(argv: "Argument") -> "List[str]":
    words = [argv] if isinstance(argv, (str, bytes)) or hasattr(argv, "__fspath__") else list(argv)
    return [_text(word)[:_MOST_CHARACTERS] for word in words[:_MOST_WORDS]]


def _text(word: "Argument") -> str:
    return os.fsdecode(word) if isinstance(word, (str, bytes)) or hasattr(word, "__fspath__") else str(word)


def _wrap_exec(became: "imports.Note") -> None:
    note = imports.quietly(became)

    def wrapped(original: "Callable[..., Any]") -> "Callable[..., Any]":
        @functools.wraps(original)
        def call(path: "Argument", args: "Argument", *env: "Any") -> "Any":
            note(path, args)
            return original(path, args, *env)

        return call

    os.execv, os.execve = wrapped(os.execv), wrapped(os.execve)
