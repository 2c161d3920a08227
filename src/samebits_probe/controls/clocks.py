"""Replaces the functions of Python that read the clock, for the controls `clock` and `clock-rate`."""

import ctypes
import functools
import gc
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, Dict, Tuple

from ..replacement import replace

if TYPE_CHECKING:
    from types import FrameType

    from ..replacement import AnyFunction, FunctionMaker

SECOND = 10**9  # nanoseconds
# the times that start at zero when a process or a thread starts; other clocks started earlier. `clock`: before 3.8
OF_PROCESSES = ("process_time", "thread_time", "clock")
READINGS = ("time", "monotonic", "perf_counter") + OF_PROCESSES
# functions that use the present time if they get none: name -> index of that argument
NOW = {"localtime": 0, "gmtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}
_OF_SECONDS = ("localtime", "gmtime", "ctime")  # they take seconds; the others take a `struct_time`
_WRITERS = ("ctime", "asctime", "strftime")
_WARNS = sys.version_info >= (3, 12)
_UTCNOW = (
    "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use timezone-aware "
    "objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC)."
)


class ReplacedClock:
    """A clock that replaces the system's. A subclass says what it shows, and to whom. Times are in nanoseconds."""

    notes_texts = False  # whether `note` gets the texts that are made from its moments

    def is_for(self, frame: "FrameType") -> bool:
        """Return whether the code of a frame sees this clock. Other code sees the system's clock."""
        raise NotImplementedError

    def now(self) -> int:
        """Return the time since 1970."""
        raise NotImplementedError

    def reading(self, name: str, real: "AnyFunction") -> "AnyFunction":
        """Return function() -> reading of a clock of the module `time`. `real()`: the reading of the system's."""
        raise NotImplementedError

    def gettime(self, clock: int, real: int) -> int:
        """Return the reading of a clock of `clock_gettime`. `real`: the reading of the system's."""
        raise NotImplementedError

    def note(self, text: str) -> None:
        """Note a text that was made from one of its moments."""

    def has(self, broken_down: Any) -> bool:
        """Return whether a `struct_time`, local or in UTC, is one of its moments."""
        return False

    def has_date(self, date: Any) -> bool:
        """Return whether a date is one of its moments."""
        return False

    def hold(self) -> None:
        """Replace the functions of the module `time`."""
        for name in READINGS:
            read = self.reading(name, in_ns(name))
            replace(time, name, self._reader(read, is_in_ns=False))
            replace(time, name + "_ns", self._reader(read, is_in_ns=True))
        replace(time, "clock_gettime", self._gettime(is_in_ns=False))
        replace(time, "clock_gettime_ns", self._gettime(is_in_ns=True))
        for name, index in NOW.items():
            replace(time, name, self._of_now(name, index))

    @staticmethod
    def replaced(*more: str) -> str:
        """Return the first function of `time` that the program has replaced since then; "" if there is none."""
        present = [name for name in READINGS + more if hasattr(time, name)]
        changed = [name for name in present if not hasattr(getattr(time, name), "_samebits_make")]
        return "time." + changed[0] if changed else ""

    def _reader(self, read: "AnyFunction", is_in_ns: bool) -> "FunctionMaker":
        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def clock(*args: Any) -> Any:
                if args or not self.is_for(sys._getframe(1)):
                    return original(*args)
                reading = read()
                return reading if is_in_ns else reading / SECOND

            return clock

        return make

    def _gettime(self, is_in_ns: bool) -> "FunctionMaker":
        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def clock_gettime(*args: Any) -> Any:
                real = original(*args)
                if not self.is_for(sys._getframe(1)):
                    return real
                reading = self.gettime(args[0], real if is_in_ns else int(real * SECOND))
                return reading if is_in_ns else reading / SECOND

            return clock_gettime

        return make

    def _of_now(self, name: str, index: int) -> "FunctionMaker":
        is_of_seconds, writes, localtime = name in _OF_SECONDS, name in _WRITERS and self.notes_texts, time.localtime

        def make(original: "AnyFunction") -> "AnyFunction":
            @functools.wraps(original)
            def convert(*args: Any) -> Any:
                is_now = len(args) == index or (is_of_seconds and args == (None,))
                if is_now and self.is_for(sys._getframe(1)):
                    seconds = self.now() / SECOND
                    args = args[:index] + (seconds if is_of_seconds else localtime(seconds),)
                result = original(*args)
                if writes and (is_now or self.has(args[index])):
                    self.note(result)
                return result

            return convert

        return make


def in_ns(name: str) -> "AnyFunction":
    """Return the system's clock of this name, in nanoseconds. Python 3.6 has only seconds."""
    seconds = getattr(time, name, None)
    real: "AnyFunction" = getattr(time, name + "_ns", None) or (lambda: int(seconds() * SECOND))  # type: ignore[misc]
    return real


class Dates:
    """The methods of `datetime.datetime` and `datetime.date` that read the clock, and those that write texts.

    They are replaced in the classes themselves: compiled libraries hold these classes, and need their size.
    """

    def __init__(self, module: Any, clock: ReplacedClock) -> None:
        self._datetime, self._date, self._utc = module.datetime, module.date, module.timezone.utc
        self._clock = clock
        self._own: "Dict[Tuple[type, str], Any]" = {}

    def hold(self) -> None:
        """Replace the methods."""
        for kind in (self._datetime, self._date):
            for name in ("now", "utcnow", "today"):
                if name in vars(kind):
                    self._put(kind, name, classmethod(self._reader(kind, name)))
            for name in ("isoformat", "strftime", "ctime") if self._clock.notes_texts else ():
                if name in vars(kind):  # `str` and `format` call these methods
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
        now, is_for = self._clock.now, self._clock.is_for

        def read(cls: Any, *args: Any, **zone: Any) -> Any:
            if not is_for(sys._getframe(1)):
                return original.__get__(None, cls)(*args, **zone)
            if name == "today":
                return cls.fromtimestamp(now() / SECOND)  # as the original: `datetime` inherits it from `date`
            if name == "now":
                return make.__get__(None, cls)(now() / SECOND, *args, **zone)
            if not _WARNS:
                return vars(kind)["utcfromtimestamp"].__get__(None, cls)(now() / SECOND)
            warnings.warn(_UTCNOW, DeprecationWarning, stacklevel=2)
            return make.__get__(None, cls)(now() / SECOND, utc).replace(tzinfo=None)

        for attribute in ("__name__", "__qualname__", "__doc__"):
            setattr(read, attribute, getattr(original.__get__(None, kind), attribute))
        return read

    def _writer(self, original: Any) -> "AnyFunction":
        clock = self._clock

        @functools.wraps(original)
        def write(self: Any, *args: Any, **kwargs: Any) -> Any:
            text = original(self, *args, **kwargs)
            if clock.has_date(self):
                clock.note(text)
            return text

        return write
