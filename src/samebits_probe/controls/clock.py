"""Replaces the clocks that the program's own code reads."""

import itertools
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from .. import callers
from ..replacement import replace
from .clocks import NOW, READINGS, SECOND, Dates, ReplacedClock
from .control import CODE, Control, Edit, held

if TYPE_CHECKING:
    from types import FrameType

    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks

ORIGIN = 1577836800 * SECOND  # 2020-01-01T00:00:00Z
_A_CALL = 10**6  # each reading is a millisecond later than the previous one


class Clock(Control):
    """Gives the program's own code a clock with a fixed start: only readings (1 ms each) and sleeps advance it."""

    id = "clock"
    is_strict = False  # it replaces the time that the program sees
    edits = (Edit(CODE, "# give the program a fixed time as an argument, instead of time.time() or datetime.now()"),)
    calls = (*READINGS, *(name + "_ns" for name in READINGS if name != "clock"), *NOW, "now", "today", "utcnow")
    hints = {"start": 6, "rng": 7, "update": 1, "structure": 1, "end": 3, "batch": 10, "forward": 11, "gradient": 10}
    may_break = True
    is_experiment = True

    def at_start(self) -> None:
        self._clock = _FixedClock()
        self._clock.hold()
        replace(time, "sleep", self._clock.sleeping)

    def after_import(self) -> "ImportHooks":
        return {"datetime": self._hold_dates}

    def _hold_dates(self, module: Any) -> None:
        if sys.implementation.name == "cpython":
            Dates(module, self._clock).hold()

    def read_back(self) -> "ControlEffect":
        changed = self._clock.replaced("sleep")
        return held(not changed, changed + " was replaced")


class _FixedClock(ReplacedClock):
    """Counts the readings since its origin. Only the program's own code sees it."""

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self._slept = 0
        self._lock = threading.Lock()

    def is_for(self, frame: "FrameType") -> bool:
        return callers.kind_of(frame.f_code.co_filename) == callers.PROGRAM

    def now(self) -> int:
        return ORIGIN + self._since_origin()

    def _since_origin(self) -> int:
        """Return the nanoseconds since the origin. Each call counts as a reading."""
        return next(self._count) * _A_CALL + self._slept

    def reading(self, name: str, real: "AnyFunction") -> "AnyFunction":
        return self.now if name == "time" else self._since_origin

    def gettime(self, clock: int, real: int) -> int:
        return self.now() if clock == time.CLOCK_REALTIME else self._since_origin()

    def sleeping(self, original: "AnyFunction") -> "AnyFunction":
        """Replace `sleep`: what the program sleeps passes on this clock, too."""

        def sleep(seconds: float) -> None:
            original(seconds)
            if self.is_for(sys._getframe(1)):
                with self._lock:
                    self._slept += int(seconds * SECOND)

        return sleep
