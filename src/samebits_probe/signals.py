"""Signals that arrive while the probe works: the program's handlers run as soon as that work is done.

Python runs a handler between two instructions of whatever the main thread executes
(https://docs.python.org/3/library/signal.html#execution-of-python-signal-handlers). If that is the probe, an exception
of the handler would look like a failure of the probe, and half a step would be recorded. So handlers wait until the
probe has finished. The program then sees the signal as if it had come a moment later.

`_signal` is the built-in module below `signal`: the functions of `signal` stay the program's own.
"""

import _signal  # type: ignore[import-not-found]  # typeshed has no stubs of it
import _thread
import functools
import sys
import time

from .lines import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, Callable, Dict, List, Optional, Type, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])

_SOON = 0.001
_LIBRARIES = ("builtins", "samebits_probe", "struct", "ctypes", "json", "torch", "numpy", "tensorflow", "jax", "jaxlib",
              "keras")  # fmt: skip


class _State:
    """How deep the main thread is in the probe's work, and the signals that wait for its end."""

    main = _thread.get_ident()
    depth = 0
    waiting: "Dict[int, None]" = {}
    callback: "Optional[CodeType]" = None  # the code that runs the probe's callbacks of weak references


def hold(_here: "Callable[[], int]" = _thread.get_ident, _state: "Type[_State]" = _State) -> None:
    """The probe's work begins. Does nothing in a thread that runs no handlers."""
    if _here() == _state.main:
        _state.depth += 1


def release(_here: "Callable[[], int]" = _thread.get_ident, _state: "Type[_State]" = _State) -> None:
    """The probe's work is over: handlers that had to wait run now, and what they raise goes on from here."""
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
    """A decorator: the function is the probe's work."""

    @functools.wraps(function)
    def run(*args: "Any", **kwargs: "Any") -> "Any":
        hold()
        try:
            return function(*args, **kwargs)
        finally:
            release()

    return run  # type: ignore[return-value]  # it takes and returns what `function` does


def referred(function: "Callable[[Any], Any]") -> "Callable[[Any], None]":
    """`function` as the callback of a weak reference: handlers wait until the interpreter has left it.

    The interpreter prints an exception that leaves such a callback, and goes on without it
    (https://docs.python.org/3/library/weakref.html#weakref.ref). It may come when the interpreter has cleared this
    module already: so all that it needs is bound here.
    """

    def called_back(
        reference: "Any", _hold: "Callable[[], None]" = hold, _release: "Callable[[], None]" = release
    ) -> None:
        _hold()
        try:
            function(reference)
        finally:
            _release()

    _State.callback = called_back.__code__  # one code for all of them
    return called_back


def renew() -> None:
    """In a forked child: this thread is the main thread now."""
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
    """Make all handlers wait: those that are set already, and those that the program sets later."""
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
    if _outside(frame) is None:  # the interpreter exits: without the probe, the process would have ended before it
        _State.waiting.clear()
    elif _loses_exceptions(frame):
        _send_soon()
    else:
        _run(_outside(frame))


def _outside(frame: "Optional[FrameType]") -> "Optional[FrameType]":
    """The innermost frame that is none of the probe's."""
    while frame is not None and frame.f_code.co_filename.startswith(OWN):
        frame = frame.f_back
    return frame


def _loses_exceptions(frame: "Optional[FrameType]") -> bool:
    """Whether the probe runs in a `weakref.finalize` or a callback: an exception that leaves it is lost."""
    while frame is not None and frame.f_code.co_filename.startswith(OWN):
        if frame.f_code is _State.callback:
            return True
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "weakref"


def _run(frame: "Optional[FrameType]") -> None:
    """Call the handlers. If one raises, the others are called after that, as Python does."""
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
    """The fields of an event about an exception that the probe's work met."""
    return {"error": "%s: %s" % (type(error).__name__, error), "foreign": comes_from_a_thread(error)}


def comes_from_a_thread(error: BaseException) -> bool:
    """Whether an exception was raised in the probe's code by something else: a thread of the program sets it there.

    `PyThreadState_SetAsyncExc` does (time limits of stopit and func_timeout use it). Such an exception is of a class
    that the program defines, and begins in a frame of the probe, which raises no such class itself.
    """
    if not isinstance(error, Exception):
        return True
    last: Any = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    is_foreign = type(error).__module__.partition(".")[0] not in _LIBRARIES
    return is_foreign and last.tb_frame.f_code.co_filename.startswith(OWN)
