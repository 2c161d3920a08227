"""Replaces functions of modules and classes by functions that look like the originals, and entropy by a stream."""

import functools
import importlib
import itertools
import os
import sys
import types

from . import worker_tasks

try:
    from _blake2 import blake2b  # the import of hashlib takes time: it loads OpenSSL
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from typing import Any, Callable, Dict, Iterator, Tuple

    AnyFunction = Callable[..., Any]  # a library's function or its replacement; arguments differ between releases
    FunctionMaker = Callable[[AnyFunction], AnyFunction]


def replace(owner: "Any", name: str, make: "FunctionMaker") -> "Any":
    """Set `owner.name` to `make(original)`, with the original's name and documentation. Returns the new function.

    Does nothing if the same `make` has replaced it before. Returns None if there is no such name.
    """
    original = getattr(owner, name, None)
    if original is None:
        return None
    if getattr(original, "_samebits_make", None) is make:
        return original
    new: "Any" = make(original)
    if not isinstance(original, types.FunctionType):
        new = _Builtin(new)
        new._samebits_place = (owner.__name__, name)
        if not hasattr(new, "__wrapped__"):  # before Python 3.10
            new.__wrapped__ = original
    for attribute in functools.WRAPPER_ASSIGNMENTS:
        if isinstance(getattr(original, attribute, None), (str, dict)):
            setattr(new, attribute, getattr(original, attribute))
    new._samebits_make = make
    setattr(owner, name, new)
    return new


def calls_with(*arguments: "Any") -> "FunctionMaker":
    """Return what makes a function that calls the original with these arguments, whatever it gets."""
    return lambda original: lambda *_, **__: original(*arguments)


class _Builtin(staticmethod if sys.version_info >= (3, 10) else functools.partial):  # type: ignore[misc]  # one of two
    """A function that a class can hold without turning it into a method (`clock = time.time`), like a built-in one.

    A call of it adds no Python frame. It is pickled by its name.
    """

    _samebits_place: "Tuple[str, str]"

    def __reduce__(self) -> "Tuple[Any, ...]":
        return _at, self._samebits_place

    def __reduce_ex__(self, protocol: "Any") -> "Tuple[Any, ...]":
        return self.__reduce__()


def _at(module: str, name: str) -> "Any":
    return getattr(importlib.import_module(module), name)


# -- streams of bytes that replace entropy ----------------------------------------------------------------------------


class Stream:
    """A stream of bytes that depends on a seed, a name, the place of the process, and the number of earlier draws.

    Threads may draw from it. A child process draws different bytes than its parent and its siblings. In a worker of
    joblib, each task is a place of its own. `begun` is called before the first draw.
    """

    def __init__(self, seed: int, name: str, begun: "Callable[[], Any]" = lambda: None) -> None:
        self._key, self._begun = ("%d %s" % (seed, name)).encode(), begun
        self._counts: "Dict[str, Iterator[int]]" = {}  # by place
        worker_tasks.follow()

    def is_drawn(self) -> bool:
        """Return whether anything drew from it, in this process or before this process was forked."""
        return bool(self._counts)

    def bytes(self, number: int) -> "builtins.bytes":
        """Return `number` bytes."""
        if not self._counts:
            self._begun()
        place = _place()
        start = "%d %s" % (next(self._counts.setdefault(place, itertools.count())), place)
        blocks = (
            blake2b(("%s %d" % (start, block)).encode(), key=self._key[:64]).digest()
            for block in range((number + 63) // 64)
        )
        return b"".join(blocks)[:number]

    def bits(self, number: int) -> int:
        """Return an integer of at most `number` bits."""
        return int.from_bytes(self.bytes((number + 7) // 8), "little") >> (-number % 8)


def _place() -> str:
    """Return the place of the process among its siblings, independent of its pid; in a worker, that of its task."""
    task = worker_tasks.number()
    if task is not None:
        return "%s task %d" % (os.environ.get("RANK", ""), task)
    processes = sys.modules.get("multiprocessing.process")
    identity = getattr(getattr(processes, "_current_process", None), "_identity", ())
    return "%s %s" % (os.environ.get("RANK", ""), ".".join(str(number) for number in identity))
