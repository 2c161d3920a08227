"""Keeps functions of the operating system and of Python as they are when the process begins.

A program may replace them later: `unittest.mock.patch("os.write")`, pyfakefs, freezegun. Then the probe's work on its
own files must not fail, and the program must not count the probe's calls. The functions are kept in a class, because
such tools search the names of modules for copies.
"""

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Union

_WORDS = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


def strict_json(value: "Any", _dumps: "Callable[..., str]" = json.dumps, **options: "Any") -> str:
    """Return the value as JSON. A number that is not finite becomes the text "NaN", "Infinity" or "-Infinity"."""
    try:
        return _dumps(value, allow_nan=False, **options)
    except ValueError as why:
        if "JSON compliant" not in str(why):
            raise
        return _dumps(_finite(value), allow_nan=False, **options)


def _finite(value: "Any") -> "Any":
    if isinstance(value, float):
        return value if value - value == 0 else _WORDS.get(value, "NaN")
    if isinstance(value, dict):
        found: Dict[Any, Any] = {_finite(name): _finite(one) for name, one in value.items()}
        return found
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value


def _now(_time: "Callable[[], float]" = time.time) -> float:
    """Return the seconds since 1970, to 10 us. As text, all have one length: a shorter one would move later objects."""
    return (int(_time() * 1e5) * 10 + 5) / 1e6


class System:
    """The functions that the probe uses for its own files, and to identify its process."""

    open = staticmethod(os.open)
    write = staticmethod(os.write)
    close = staticmethod(os.close)
    ftruncate = staticmethod(os.ftruncate)
    fstat = staticmethod(os.fstat)
    replace = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    makedirs = staticmethod(os.makedirs)
    getpid = staticmethod(os.getpid)
    getppid = staticmethod(os.getppid)
    getcwd = staticmethod(os.getcwd)
    kill = staticmethod(os.kill)
    exit = staticmethod(os._exit)
    join = staticmethod(os.path.join)
    listdir = staticmethod(os.listdir)

    fsdecode = staticmethod(os.fsdecode)
    dumps = staticmethod(strict_json)
    loads = staticmethod(json.loads)
    now = staticmethod(_now)
    sleep = staticmethod(time.sleep)
    times = staticmethod(os.times)

    @staticmethod
    def abspath(path: str, _abspath: "Callable[[str], str]" = os.path.abspath) -> str:
        """Return the absolute path."""
        return _abspath(path)

    @classmethod
    def read(cls, path: str) -> bytes:
        """Read the bytes of a file. Raises OSError."""
        file = cls.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            return cls._rest(file)
        finally:
            cls.close(file)

    @classmethod
    def append(cls, file: int, data: "Union[bytes, bytearray]") -> None:
        """Write all of `data` to an open file. Raises OSError."""
        view = memoryview(data)
        while len(view):
            view = view[cls.write(file, view) :]

    @staticmethod
    def _rest(file: int, _read: "Callable[[int, int], bytes]" = os.read) -> bytes:
        parts = [_read(file, 1 << 16)]
        while parts[-1]:
            parts.append(_read(file, 1 << 16))
        return b"".join(parts)
