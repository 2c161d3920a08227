"""Lets the clock run faster or slower. So an experiment shows which values of a program come from the clock."""

import ctypes
import functools
import gc
import os
import re
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple

from .. import callers, handouts, hooks
from ..replacement import replace
from .control import Control, held

if TYPE_CHECKING:
    from types import FrameType

    from ..replacement import AnyFunction, FunctionMaker
    from .control import ControlEffect, ImportHooks

__all__ = ["ClockRate"]

_MOST = 10000.0  # at this rate, the clock of a training of a month stays below the year 3000
# Modules that compare the clock with a wait. Waits stay real, so at a high rate their time limits would end at once.
# The probe works on files of the trial.
_WAITERS = frozenset(("asyncio", "asyncore", "concurrent", "multiprocessing", "queue", "samebits_probe", "sched",
                      "selectors", "socketserver", "subprocess", "telnetlib", "threading"))  # fmt: skip
_RENDEZVOUS = "torch.distributed."  # its functions that sleep are not those that read the clock
# the times that start at zero when a process or a thread starts; other clocks started earlier
_OF_PROCESSES = ("process_time", "thread_time")
_READINGS = ("time", "monotonic", "perf_counter") + _OF_PROCESSES
_REALTIME, _CPU_CLOCKS = 0, (2, 3)  # https://man7.org/linux/man-pages/man2/clock_gettime.2.html
_NOW = {"localtime": 0, "gmtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}  # name -> index of the argument: a time
_WRITERS = ("ctime", "asctime", "strftime")
_SECOND = 10**9  # nanoseconds
_WARNS = sys.version_info >= (3, 12)
_UTCNOW = (
    "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use timezone-aware "
    "objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC)."
)


class ClockRate(Control):
    """Lets the clock run at a rate for every caller, from the true start of the trial; waits stay real."""

    id = "clock-rate"
    is_strict = False  # it replaces the time that the program sees
    is_experiment = True
    pins = False
    may_break = True
    value = "1000"
    values = "a rate above 0 and up to 10000"

    @classmethod
    def accepts(cls, value: str) -> bool:
        return re.match(r"[0-9]{1,5}(\.[0-9]{1,6})?\Z", value) is not None and 0 < float(value) <= _MOST

    def at_start(self) -> None:
        self._cannot = "" if sys.implementation.name == "cpython" else "dates can be replaced in CPython only"
        if self._cannot:
            return
        self._clock = clock = _Clock(float(self.value), self.probe.config.get("origin"))
        self._texts = handouts.Texts(handouts.writer(self.probe))
        for name in _READINGS:
            replace(time, name, clock.reading(name, in_ns=False))
            replace(time, name + "_ns", clock.reading(name, in_ns=True))
        replace(time, "clock_gettime", clock.gettime(in_ns=False))
        replace(time, "clock_gettime_ns", clock.gettime(in_ns=True))
        for name, index in _NOW.items():
            replace(time, name, self._of_now(name, index))
        replace(os, "times", clock.of_processor(4))

    def after_import(self) -> "ImportHooks":
        return {"datetime": self._hold_dates, "resource": self._hold_usage}

    def _hold_usage(self, module: Any) -> None:
        if not self._cannot:
            replace(module, "getrusage", self._clock.of_processor(2))

    def _of_now(self, name: str, index: int) -> "FunctionMaker":
        """Replace a function that uses the current time if it gets none. Note the text that it makes from this time."""
        clock, localtime, note = self._clock, time.localtime, hooks.quietly(self._texts.add)

        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def convert(*args: Any) -> Any:
                is_seconds = name in ("localtime", "gmtime", "ctime")
                if len(args) == index or (is_seconds and args == (None,)):
                    now = clock.now() / _SECOND
                    args = args[:index] + (now if is_seconds else localtime(now),)
                    is_now = True
                else:
                    is_now = name in _WRITERS and clock.has(args[index])
                result = original(*args)
                if is_now and name in _WRITERS:
                    note(result)
                return result

            return convert

        return make

    def _hold_dates(self, module: Any) -> None:
        """Replace methods of the classes themselves: compiled libraries hold these classes, and need their size."""
        if self._cannot:
            return
        self._dates = _Dates(module, self._clock, hooks.quietly(self._texts.add))
        self._dates.hold()

    def read_back(self) -> "ControlEffect":
        if self._cannot:
            return held(False, self._cannot)
        changed = [name for name in _READINGS if not hasattr(getattr(time, name, None), "_samebits_make")]
        changed = ["time." + name for name in changed if hasattr(time, name)]
        if "datetime" in sys.modules and not (hasattr(self, "_dates") and self._dates.are_held()):
            changed.append("datetime.now")
        return held(not changed, "%s was replaced" % "".join(changed[:1]))


def _waits(frame: "FrameType") -> bool:
    """Return whether the code of a frame compares the clock with a wait.

    A function of an installed package that also sleeps does so: it waits in a loop until a time limit.
    """
    name = frame.f_globals.get("__name__")
    if type(name) is str and (name.partition(".")[0] in _WAITERS or name.startswith(_RENDEZVOUS)):
        return True
    code = frame.f_code
    return any("sleep" in name.lower() for name in code.co_names) and any(
        part in code.co_filename for part in callers.PACKAGES
    )


class _Clock:
    """The clocks of a trial at a rate. `origin`: when it began, in nanoseconds since 1970; None: it begins now."""

    def __init__(self, rate: float, origin: "Any") -> None:
        self._rate = int(rate) if rate == int(rate) else rate
        self._real: "Callable[[], int]" = _in_ns("time")
        self._origin: int = self._real() if origin is None else origin
        self._mktime = time.mktime
        self._zeros: "Dict[int, int]" = {}  # clock -> its reading at the origin

    def now(self) -> int:
        """Return the time in nanoseconds since 1970."""
        return self._origin + int((self._real() - self._origin) * self._rate)

    def reading(self, name: str, in_ns: bool) -> "FunctionMaker":
        """Replace a clock without an argument."""
        real = _in_ns(name)
        zero = 0 if name in _OF_PROCESSES else self._origin if name == "time" else self._zero(real())
        rate = self._rate

        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def read(*args: Any) -> Any:
                if args or _waits(sys._getframe(1)):
                    return original(*args)
                reading = zero + int((real() - zero) * rate)
                return reading if in_ns else reading / _SECOND

            return read

        return make

    def _zero(self, reading: int) -> int:
        """Return the reading of a clock at the origin, from its reading now."""
        return reading - (self._real() - self._origin)

    def gettime(self, in_ns: bool) -> "FunctionMaker":
        """Replace `clock_gettime`."""

        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def clock_gettime(*args: Any) -> Any:
                reading = original(*args)
                if _waits(sys._getframe(1)):
                    return reading
                number = reading if in_ns else int(reading * _SECOND)
                number = self._scaled(args[0], number)
                return number if in_ns else number / _SECOND

            return clock_gettime

        return make

    def of_processor(self, number: int) -> "FunctionMaker":
        """Replace a function whose result begins with this number of processor times, in seconds."""
        rate = self._rate

        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def read(*args: Any) -> Any:
                found = original(*args)
                return type(found)([seconds * rate for seconds in found[:number]] + list(found[number:]))

            return read

        return make

    def _scaled(self, clock: int, reading: int) -> int:
        if clock not in self._zeros:
            is_of_process = clock in _CPU_CLOCKS or clock < 0
            zero = 0 if is_of_process else self._origin if clock == _REALTIME else self._zero(reading)
            self._zeros[clock] = zero
        zero = self._zeros[clock]
        return zero + int((reading - zero) * self._rate)

    # -- moments ----------------------------------------------------------------------------------------------

    def span(self) -> "Tuple[int, int]":
        """Return the start of the trial and the present, in nanoseconds since 1970."""
        return self._origin, self.now()

    def spans(self, seconds: float) -> bool:
        """Return whether a moment (seconds since 1970) lies between the start of the trial and now."""
        first, last = self.span()
        return first / _SECOND - 1 <= seconds <= last / _SECOND + 1

    def has(self, broken_down: "Any") -> bool:
        """Return whether a `struct_time`, local or in UTC, is a moment of the trial."""
        try:
            local = self._mktime(broken_down)
            return self.spans(local) or self.spans(local - (time.altzone if broken_down[8] > 0 else time.timezone))
        except Exception:  # the function gets the same argument, and raises its own error
            return False


def _in_ns(name: str) -> "AnyFunction":
    """Return the clock of this name, in nanoseconds. Python 3.6 has only seconds."""
    seconds = getattr(time, name, None)
    real: "AnyFunction" = getattr(time, name + "_ns", None) or (lambda: int(seconds() * _SECOND))  # type: ignore[misc]
    return real


class _Dates:
    """The methods of `datetime.datetime` and `datetime.date` that read the clock, and those that write texts."""

    def __init__(self, module: Any, clock: "_Clock", note: "AnyFunction") -> None:
        self._datetime, self._date, self._utc = module.datetime, module.date, module.timezone.utc
        self._clock, self._note = clock, note
        self._own: "Dict[Tuple[type, str], Any]" = {}

    def hold(self) -> None:
        """Replace the methods."""
        for kind in (self._datetime, self._date):
            for name in ("now", "utcnow", "today"):
                if name in vars(kind):
                    self._put(kind, name, classmethod(self._reader(kind, name)))
            for name in ("isoformat", "strftime", "ctime"):  # `str` and `format` call these methods
                if name in vars(kind):
                    self._put(kind, name, self._writer(vars(kind)[name]))

    def are_held(self) -> bool:
        """Return whether the program has left the methods as they are."""
        module = sys.modules["datetime"]
        is_kept = module.datetime is self._datetime and module.date is self._date
        return is_kept and all(vars(kind).get(name) is own for (kind, name), own in self._own.items())

    def _put(self, kind: type, name: str, method: Any) -> None:
        """Set an attribute of a class, also of a built-in class, although Python forbids this for built-in classes."""
        self._own[kind, name] = method
        try:
            setattr(kind, name, method)
        except TypeError:
            (attributes,) = gc.get_referents(vars(kind))
            attributes[name] = method
            ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))

    def _reader(self, kind: type, name: str) -> "AnyFunction":
        """Return the function of a class method. It makes objects as the original does: also of derived classes."""
        original, make, utc = vars(kind)[name], vars(kind)["fromtimestamp"], self._utc
        now = self._clock.now

        def read(cls: Any, *args: Any, **zone: Any) -> Any:
            if _waits(sys._getframe(1)):
                return original.__get__(None, cls)(*args, **zone)
            return make.__get__(None, cls)(now() / _SECOND, *args, **zone)

        def today(cls: Any) -> Any:
            return cls.fromtimestamp(now() / _SECOND)  # the original does the same: `datetime` inherits it from `date`

        def utcnow(cls: Any) -> Any:
            if not _WARNS:
                return vars(kind)["utcfromtimestamp"].__get__(None, cls)(now() / _SECOND)
            warnings.warn(_UTCNOW, DeprecationWarning, stacklevel=2)
            return make.__get__(None, cls)(now() / _SECOND, utc).replace(tzinfo=None)

        reader = {"utcnow": utcnow, "today": today}.get(name, read)
        for attribute in ("__name__", "__qualname__", "__doc__"):
            setattr(reader, attribute, getattr(original.__get__(None, kind), attribute))
        return reader

    def _writer(self, original: Any) -> "AnyFunction":
        note, is_now = self._note, self._is_now

        @functools.wraps(original)
        def write(self: Any, *args: Any, **kwargs: Any) -> Any:
            text = original(self, *args, **kwargs)
            if is_now(self):
                note(text)
            return text

        return write

    def _is_now(self, value: Any) -> bool:
        """Return whether a date is a moment of the trial: the program got it from the clock."""
        try:
            if isinstance(value, self._datetime):
                naive = value.tzinfo is None
                return self._clock.spans(value.timestamp()) or (
                    naive and self._clock.spans(value.replace(tzinfo=self._utc).timestamp())
                )
            first, last = (self._date.fromtimestamp(moment / _SECOND) for moment in self._clock.span())
            return bool(first <= value <= last)
        except Exception:  # the program's own class may define these methods in its own way
            return False
