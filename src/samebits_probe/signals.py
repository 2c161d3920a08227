"""Delays signals that arrive while the probe works: the program's handlers run as soon as this work is done.

Python runs a handler between two instructions of the main thread
(https://docs.python.org/3/library/signal.html#execution-of-python-signal-handlers). If the probe runs there, an
exception of the handler would look like a failure of the probe, and only half of a step would be recorded. So handlers
wait until the probe has finished. For the program, the signal comes a moment later.

`_signal` is the built-in module below `signal`. The functions of `signal` itself are not replaced.
"""

import _signal  # type: ignore[import-not-found]  # typeshed has no stubs of it
import _thread
import functools
import sys
import time

from .callers import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Dict, List, Optional, Type, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])

_SOON = 0.001
# packages whose classes of exceptions the probe's own code raises, or compiled code that it calls
_RAISED_HERE = ("builtins", "samebits_probe", "struct", "ctypes", "json", "torch", "numpy", "tensorflow", "jax",
                "jaxlib", "keras")  # fmt: skip


class _State:
    """How deep the main thread is in the probe's work, and the signals that wait for the end of this work."""

    main = _thread.get_ident()
    depth = 0
    waiting: "Dict[int, None]" = {}


def hold(_here: "Callable[[], int]" = _thread.get_ident, _state: "Type[_State]" = _State) -> None:
    """Begin work of the probe. Does nothing in a thread that runs no handlers."""
    if _here() == _state.main:
        _state.depth += 1


def release(_here: "Callable[[], int]" = _thread.get_ident, _state: "Type[_State]" = _State) -> None:
    """End work of the probe. Handlers that had to wait run now, and their exceptions are raised here."""
    if _here() == _state.main:
        _state.depth -= 1
        if _state.waiting and not _state.depth:
            _run_waiting()


class NoOp:
    """A context that changes nothing."""

    def __enter__(self) -> "NoOp":
        return self

    def __exit__(self, *_: "Any") -> None:
        return None


def held(function: "Function") -> "Function":
    """Decorate a function: signals wait while it runs."""

    @functools.wraps(function)
    def run(*args: "Any", **kwargs: "Any") -> "Any":
        hold()
        try:
            return function(*args, **kwargs)
        finally:
            release()

    return run  # type: ignore[return-value]  # it has the signature of `function`


def renew() -> None:
    """Make this thread the main thread, in a forked child."""
    _State.main, _State.depth, _State.waiting = _thread.get_ident(), 0, {}


class _Handler:
    """A handler of the program that waits while the probe works."""

    def __init__(self, function: "Callable[[int, Optional[FrameType]], Any]") -> None:
        self.function = function

    def __call__(self, number: int, frame: "Optional[FrameType]") -> "Any":
        if _thread.get_ident() != _State.main:
            renew()
        if _State.depth:
            _State.waiting[number] = None
            return None
        if _loses_exceptions(frame):
            _State.waiting[number] = None
            _send_soon()
            return None
        return self.function(number, frame)


def _own(handler: "Any") -> "Any":
    return handler.function if type(handler) is _Handler else handler


def install() -> None:
    """Make all handlers wait: those that are already set, and those that the program sets later."""
    original_set, original_get = _signal.signal, _signal.getsignal

    @functools.wraps(original_set)
    def signal(signalnum: int, handler: "Any") -> "Any":
        return _own(original_set(signalnum, _Handler(handler) if callable(handler) else handler))

    @functools.wraps(original_get)
    def getsignal(signalnum: int) -> "Any":
        return _own(original_get(signalnum))

    for number in range(1, _signal.NSIG):
        handler = original_get(number)
        if callable(handler):
            original_set(number, _Handler(handler))
    _signal.signal, _signal.getsignal = signal, getsignal


def _run_waiting() -> None:
    frame = sys._getframe(1)
    if _outside(frame) is None:  # the interpreter exits: without the probe, the process would already have ended
        _State.waiting.clear()
    elif _loses_exceptions(frame):
        _send_soon()
    else:
        _run(_outside(frame))


def _outside(frame: "Optional[FrameType]") -> "Optional[FrameType]":
    """Return the innermost frame outside of the probe."""
    while frame is not None and frame.f_code.co_filename.startswith(OWN):
        frame = frame.f_back
    return frame


def _loses_exceptions(frame: "Optional[FrameType]") -> bool:
    """Return whether the probe runs in a `weakref.finalize`, which would lose an exception."""
    outside = _outside(frame)
    return outside is not None and outside.f_globals.get("__name__") == "weakref"


def _run(frame: "Optional[FrameType]") -> None:
    """Call the first waiting handler, and send the other signals again, so that their handlers run even if the first
    one raises.
    """
    number = next(iter(_State.waiting))
    del _State.waiting[number]
    handler = _signal.getsignal(number)
    try:
        if callable(handler):
            handler(number, frame)
    finally:
        if _State.waiting:
            _send_soon()


def _send_soon() -> None:
    numbers = list(_State.waiting)
    _State.waiting.clear()
    _thread.start_new_thread(_send, (_State.main, numbers))


def _send(main: int, numbers: "List[int]") -> None:
    time.sleep(_SOON)
    for number in numbers:
        if callable(_signal.getsignal(number)):
            _signal.pthread_kill(main, number)


def described(error: BaseException) -> "Dict[str, Any]":
    """Return the fields of an event about an exception in the probe's work."""
    return {"error": "%s: %s" % (type(error).__name__, error), "foreign": comes_from_a_thread(error)}


def comes_from_a_thread(error: BaseException) -> bool:
    """Return whether a thread of the program set an exception while the probe worked.

    `PyThreadState_SetAsyncExc` can do that (stopit and func_timeout use it for time limits). Such an exception has a
    class of the program, and begins in a frame of the probe, which never raises such a class itself.
    """
    if not isinstance(error, Exception):
        return True
    last: Any = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    is_foreign = type(error).__module__.partition(".")[0] not in _RAISED_HERE
    return is_foreign and last.tb_frame.f_code.co_filename.startswith(OWN)
