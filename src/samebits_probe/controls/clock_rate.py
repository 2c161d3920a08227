"""Lets the clock run faster or slower. So an experiment shows which values of a program come from the clock."""

import functools
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Dict

from .. import callers, handouts, hooks
from ..replacement import replace
from .clocks import OF_PROCESSES, SECOND, Dates, ReplacedClock, in_ns
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
_REALTIME, _CPU_CLOCKS = 0, (2, 3)  # https://man7.org/linux/man-pages/man2/clock_gettime.2.html


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
        texts = handouts.Texts(handouts.writer(self.probe))
        self._clock = _ScaledClock(float(self.value), self.probe.config.get("origin"), hooks.quietly(texts.add))
        self._clock.hold()
        replace(os, "times", self._clock.of_processor(4))

    def after_import(self) -> "ImportHooks":
        return {"datetime": self._hold_dates, "resource": self._hold_usage}

    def _hold_usage(self, module: Any) -> None:
        if not self._cannot:
            replace(module, "getrusage", self._clock.of_processor(2))

    def _hold_dates(self, module: Any) -> None:
        if not self._cannot:
            self._dates = Dates(module, self._clock)
            self._dates.hold()

    def read_back(self) -> "ControlEffect":
        if self._cannot:
            return held(False, self._cannot)
        changed = self._clock.replaced()
        if "datetime" in sys.modules and not (hasattr(self, "_dates") and self._dates.are_held()):
            changed = changed or "datetime.now"
        return held(not changed, changed + " was replaced")


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


class _ScaledClock(ReplacedClock):
    """The clocks of a trial at a rate. `origin`: when it began, in nanoseconds since 1970; None: it begins now."""

    notes_texts = True

    def __init__(self, rate: float, origin: "Any", note: "Callable[[str], None]") -> None:
        self._rate = int(rate) if rate == int(rate) else rate
        self._real: "Callable[[], int]" = in_ns("time")
        self._origin: int = self._real() if origin is None else origin
        self._mktime, self._note = time.mktime, note
        self._zeros: "Dict[int, int]" = {}  # clock -> its reading at the origin

    def is_for(self, frame: "FrameType") -> bool:
        return not _waits(frame)

    def now(self) -> int:
        return self._since(self._origin, self._real())

    def _since(self, zero: int, reading: int) -> int:
        """Return a reading at the rate. `zero`: the reading at the origin."""
        return zero + int((reading - zero) * self._rate)

    def _zero(self, reading: int) -> int:
        """Return the reading of a clock at the origin, from its reading now."""
        return reading - (self._real() - self._origin)

    def reading(self, name: str, real: "AnyFunction") -> "AnyFunction":
        zero = 0 if name in OF_PROCESSES else self._origin if name == "time" else self._zero(real())
        return lambda: self._since(zero, real())

    def gettime(self, clock: int, real: int) -> int:
        if clock not in self._zeros:
            is_of_process = clock in _CPU_CLOCKS or clock < 0
            self._zeros[clock] = 0 if is_of_process else self._origin if clock == _REALTIME else self._zero(real)
        return self._since(self._zeros[clock], real)

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

    # -- moments ----------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        self._note(text)

    def _spans(self, seconds: float) -> bool:
        """Return whether a moment (seconds since 1970) lies between the start of the trial and now."""
        return self._origin / SECOND - 1 <= seconds <= self.now() / SECOND + 1

    def has(self, broken_down: "Any") -> bool:
        try:
            local = self._mktime(broken_down)
            return self._spans(local) or self._spans(local - (time.altzone if broken_down[8] > 0 else time.timezone))
        except Exception:  # the function gets the same argument, and raises its own error
            return False

    def has_date(self, date: "Any") -> bool:
        try:
            if hasattr(date, "tzinfo"):
                utc = date.replace(tzinfo=sys.modules["datetime"].timezone.utc) if date.tzinfo is None else date
                return self._spans(date.timestamp()) or self._spans(utc.timestamp())
            kind = sys.modules["datetime"].date
            first, last = (kind.fromtimestamp(moment / SECOND) for moment in (self._origin, self.now()))
            return bool(first <= date <= last)
        except Exception:  # the program's own class may define these methods in its own way
            return False
