"""Provides the clock by which trials are scheduled: that of the machine, or a simulated one."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Protocol

__all__ = ["SimulatedClock", "TimeSource", "asleep_by", "date", "now", "replaced", "sleep"]


def date() -> str:
    """Return the date and the time in UTC, as documents hold them."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class TimeSource(Protocol):
    """Tells the time in seconds, and waits."""

    def now(self) -> float:
        """Return the seconds since a fixed moment."""
        ...

    def sleep(self, seconds: float, handles: Sequence[int] = ()) -> None:
        """Wait for this many seconds, or until one of these descriptors can be read or is closed."""
        ...


class MachineClock:
    """The clock of this machine."""

    def now(self) -> float:
        """See TimeSource."""
        return time.monotonic()

    def sleep(self, seconds: float, handles: Sequence[int] = ()) -> None:
        """See TimeSource."""
        poller = select.poll()
        for handle in handles:
            poller.register(handle, select.POLLIN)
        poller.poll(math.ceil(seconds * 1000))


class SimulatedClock:
    """A clock on which only sleep takes time."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """See TimeSource."""
        return self._now

    def sleep(self, seconds: float, handles: Sequence[int] = ()) -> None:
        """See TimeSource. No descriptor ends the wait."""
        self._now += seconds


_clock: ContextVar[TimeSource] = ContextVar("clock", default=MachineClock())  # noqa: B039  (it has no state)
_sleep: ContextVar[Callable[[float], None] | None] = ContextVar("sleep", default=None)


def now() -> float:
    """Return the seconds since a fixed moment."""
    return _clock.get().now()


def sleep(seconds: float, handles: Sequence[int] = ()) -> None:
    """Wait for this many seconds, or until one of these descriptors can be read or is closed.

    A work that takes turns lets the other works run for the whole time: no descriptor ends its wait.
    """
    own = _sleep.get()
    own(seconds) if own is not None else _clock.get().sleep(seconds, handles)


@contextmanager
def replaced(clock: TimeSource) -> Iterator[None]:
    """Use this clock while the block runs."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


def asleep_by(sleep: Callable[[float], None]) -> None:
    """Make `sleep` call this function from now on, in the context of the caller."""
    _sleep.set(sleep)
