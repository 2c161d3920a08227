"""Moments, durations, paths and ids of the standard library in a pickle, as the text that Python shows of them.

As text they are masked as any other: what belongs to one run only does not count.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

from samebits.store.pickles import AnyKeyDict, Made

_PATHS = ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "Path", "PurePath")
_PATH_MODULES = ("pathlib.", "pathlib._local.", "upath.")


def plain_text(name: str, made: Made) -> str | None:
    """The text of an object of a class of the standard library; None for any other, and for one that is none."""
    arguments = made.arguments if isinstance(made.arguments, tuple) else (made.arguments,)
    try:
        if name.startswith(_PATH_MODULES) and name.rpartition(".")[2] in _PATHS:
            return "/".join(arguments).replace("//", "/")
        if name == "uuid.UUID" and isinstance(made.state, AnyKeyDict):
            return str(uuid.UUID(int=dict(made.state.pairs)["int"]))
        maker = _MAKERS.get(name)
        return str(maker(arguments)) if maker else None
    except (TypeError, ValueError, KeyError, OverflowError, IndexError):
        return None


def _moment(arguments: tuple[Any, ...]) -> datetime.datetime:
    """Ten bytes hold a moment: https://docs.python.org/3/library/datetime.html says what it is made of."""
    year, year_rest, month, day, hour, minute, second, *parts = _bytes_of(arguments[0])
    micro = int.from_bytes(bytes(parts), "big")
    return datetime.datetime(year * 256 + year_rest, month & 127, day, hour, minute, second, micro)  # noqa: DTZ001


def _day(arguments: tuple[Any, ...]) -> datetime.date:
    year, year_rest, month, day = _bytes_of(arguments[0])
    return datetime.date(year * 256 + year_rest, month, day)


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, Made):  # _codecs.encode(text, "latin1"): bytes in protocols 0 to 2
        value = value.arguments[0]
    return value.encode("latin1") if isinstance(value, str) else bytes(value)


def _duration(arguments: tuple[Any, ...]) -> str:
    return f"{datetime.timedelta(*arguments).total_seconds()} s"


_MAKERS: dict[str, Callable[[tuple[Any, ...]], object]] = {
    "datetime.datetime": _moment,
    "datetime.date": _day,
    "datetime.timedelta": _duration,
}
