"""Replaces the clocks that the program's own code reads."""

import importlib.machinery
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Tuple

from .. import callers
from ..replacement import replace
from .control import CODE, Control, edit, held

if TYPE_CHECKING:
    from ..replacement import AnyFunction, FunctionMaker
    from .control import ControlEffect, ImportHooks

ORIGIN = 1577836800 * 10**9  # 2020-01-01T00:00:00Z, in nanoseconds
_A_CALL = 10**6  # each reading is a millisecond later than the previous one

# name -> (whether it counts from the origin, like a wall clock; whether it returns nanoseconds)
_READINGS = {
    "time": (True, False),
    "time_ns": (True, True),
    "monotonic": (False, False),
    "monotonic_ns": (False, True),
    "perf_counter": (False, False),
    "perf_counter_ns": (False, True),
    "process_time": (False, False),
    "process_time_ns": (False, True),
    "thread_time": (False, False),
    "thread_time_ns": (False, True),
    "clock": (False, False),
}
# name -> (index of the argument with the time, type of the value that stands for "now")
_NOW = {"localtime": (0, "seconds"), "gmtime": (0, "seconds"), "ctime": (0, "seconds"), "asctime": (0, "broken down"),
        "strftime": (1, "broken down")}  # fmt: skip


class Clock(Control):
    """Gives the program's own code a clock with a fixed start: only readings (1 ms each) and sleeps advance it."""

    id = "clock"
    is_strict = False  # it replaces the time that the program sees
    edits = (edit(CODE, "# give the program a fixed time as an argument, instead of time.time() or datetime.now()"),)
    calls = (*_READINGS, *_NOW, "now", "today", "utcnow")
    hints = {"start": 6, "rng": 7, "update": 1, "structure": 1, "end": 3, "batch": 10, "forward": 11, "gradient": 10}
    may_break = True
    is_experiment = True

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self._slept = 0
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return the nanoseconds since the origin. Each call counts as a reading."""
        return next(self._count) * _A_CALL + self._slept

    def at_start(self) -> None:
        for name, (from_origin, in_ns) in _READINGS.items():
            replace(time, name, self._reading(ORIGIN if from_origin else 0, in_ns))
        for name, (index, form) in _NOW.items():
            replace(time, name, self._of_now(index, form))
        replace(time, "clock_gettime", self._gettime(in_ns=False))
        replace(time, "clock_gettime_ns", self._gettime(in_ns=True))
        replace(time, "sleep", self._sleeping)

    def after_import(self) -> "ImportHooks":
        return {"datetime": lambda module: _replace_dates(module, lambda: (ORIGIN + self.now()) / 1e9)}

    def _reading(self, origin: int, in_ns: bool) -> "FunctionMaker":
        now = self.now

        def make(original: "AnyFunction") -> "AnyFunction":
            def read() -> Any:
                if not callers.is_program(1):
                    return original()
                return origin + now() if in_ns else (origin + now()) / 1e9

            return read

        return make

    def _of_now(self, index: int, form: str) -> "FunctionMaker":
        """Replace functions that use the current time if they get no time."""
        now, localtime = self.now, time.localtime

        def make(original: "AnyFunction") -> "AnyFunction":
            def convert(*args: Any) -> Any:
                if len(args) > index and (args[index] is not None or form != "seconds"):
                    return original(*args)
                if not callers.is_program(1):
                    return original(*args)
                seconds = (ORIGIN + now()) / 1e9
                return original(*args[:index] + (seconds if form == "seconds" else localtime(seconds),))

            return convert

        return make

    def _gettime(self, in_ns: bool) -> "FunctionMaker":
        now = self.now

        def make(original: "AnyFunction") -> "AnyFunction":
            def clock_gettime(clock: int) -> Any:
                if not callers.is_program(1):
                    return original(clock)
                reading = now() + (ORIGIN if clock == time.CLOCK_REALTIME else 0)
                return reading if in_ns else reading / 1e9

            return clock_gettime

        return make

    def _sleeping(self, original: "AnyFunction") -> "AnyFunction":
        def sleep(seconds: float) -> None:
            original(seconds)
            if callers.is_program(1):
                with self._lock:
                    self._slept += int(seconds * 1e9)

        return sleep

    def read_back(self) -> "ControlEffect":
        names = ("time", "perf_counter", "sleep")
        changed = [name for name in names if not hasattr(getattr(time, name), "_samebits_make")]
        return held(not changed, "time.%s was replaced" % "".join(changed[:1]))


# Compiled libraries check the size of datetime.datetime, so a stand-in must have the same size:
# https://cython.readthedocs.io/en/latest/src/userguide/extension_types.html#external-extension-types
_NOTHING_MORE: "Tuple[str, ...]" = ()


def _replace_dates(module: Any, now: "Callable[[], float]") -> None:
    """Replace datetime.datetime and datetime.date by subclasses. `now`: returns the seconds since 1970.

    Compiled modules get the originals while they are loaded: a compiled class below a stand-in, such as the Timestamp
    of pandas, makes the garbage collector crash.
    """
    own = (module.datetime, module.date)
    others = (_datetime(module.datetime, now), _date(module.date, now))

    def make(original: "AnyFunction") -> "AnyFunction":
        def load(*args: Any) -> Any:
            before = (module.datetime, module.date)
            module.datetime, module.date = own
            try:
                return original(*args)
            finally:
                module.datetime, module.date = before

        return load

    for name in ("create_module", "exec_module"):
        replace(importlib.machinery.ExtensionFileLoader, name, make)
    module.datetime, module.date = others


def _meta(original: type) -> type:
    class Meta(type):
        """Makes instances and subclasses of the original count as those of the stand-in."""

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, original)

        def __subclasscheck__(cls, subclass: Any) -> bool:
            return issubclass(subclass, original)

    return Meta


def _dress(cls: type, original: type) -> type:
    cls.__name__, cls.__qualname__ = original.__name__, original.__qualname__
    cls.__module__, cls.__doc__ = original.__module__, original.__doc__
    return cls


def _datetime(original: Any, now: "Callable[[], float]") -> type:
    class Datetime(original, metaclass=_meta(original)):  # type: ignore[misc,metaclass]  # the module's original class
        __slots__ = _NOTHING_MORE

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(now(), tz) if callers.is_program(1) else super().now(tz)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now()) if callers.is_program(1) else super().today()

        @classmethod
        def utcnow(cls) -> Any:
            return cls.utcfromtimestamp(now()) if callers.is_program(1) else super().utcnow()

    return _dress(Datetime, original)


def _date(original: Any, now: "Callable[[], float]") -> type:
    class Date(original, metaclass=_meta(original)):  # type: ignore[misc,metaclass]
        __slots__ = _NOTHING_MORE

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now()) if callers.is_program(1) else super().today()

    return _dress(Date, original)
