"""Ends samebits cleanly on Ctrl-C, SIGTERM and SIGHUP: at any moment, and without a traceback.

A record can be read at every moment, and the processes of a trial end with this process. So this process usually leaves
as soon as a signal arrives, with a sentence and the exit status that shells expect. While trials run, it waits for the
next moment at which it can end them and write that down. While it runs a program that would outlive it, it raises the
signal as an exception.

Nothing heavy is imported here, because the command line imports this module first.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", getattr(signal, "SIGHUP", signal.SIGTERM): "SIGHUP"}
SENTENCE = "stopped by {}; you can read what was recorded until then."
SENTENCE_WITH_KNOWN = "stopped by {}. {}"
_SHOW_CURSOR = "\x1b[?25h\r\x1b[K"  # a live display hides the cursor
_ENOUGH = 3  # after this many signals, samebits leaves at once


class StopSignal(KeyboardInterrupt):
    """The exception for a signal that asks samebits to end. `number`: that of the signal. `by`: what sent it."""

    def __init__(self, number: int = signal.SIGINT, by: str = "") -> None:
        super().__init__()
        self.number, self._by = number, by or NAMES.get(number, f"signal {number}")

    @property
    def status(self) -> int:
        """The exit status that shells expect. With it, a shell loop around samebits ends too."""
        return 128 + self.number

    @property
    def sentence(self) -> str:
        """The sentence for people: what stopped samebits, and what is known so far."""
        return SENTENCE_WITH_KNOWN.format(self._by, _SIGNALS.known) if _SIGNALS.known else SENTENCE.format(self._by)

    @property
    def advice(self) -> str:
        """The command that shows what was recorded; empty before there is a record."""
        return _SIGNALS.advice


class _Signals:
    """The current reaction to signals.

    `handled`: False in a program that uses samebits as a library, whose own handlers stay in place.
    """

    def __init__(self) -> None:
        self.handled, self.arrived, self.pending = False, 0, 0
        self.mode = "leave"
        self.known, self.advice = "", ""
        self.undone: list[Callable[[], None]] = []

    def undo(self) -> None:
        """Undo what must not outlive this process, the latest first."""
        while self.undone:
            self.undone.pop()()

    def arrive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal.

        A second signal ends the wait for the right moment. While trials are being ended, it changes nothing.
        """
        self.arrived += 1
        if self.arrived >= _ENOUGH or (self.arrived == 1 and self.mode == "leave"):
            leave(number)
        if self.arrived == 1 and self.mode == "wait":
            self.pending = number
        elif self.arrived == 1 or self.pending:
            self.pending = 0
            raise StopSignal(number)

    def look(self) -> None:
        """Raise StopSignal if a signal has arrived."""
        if self.pending:
            number, self.pending = self.pending, 0
            raise StopSignal(number)


_SIGNALS = _Signals()


def tell(*, known: str = "", advice: str = "", replace: bool = False) -> None:
    """Set what samebits says if it is stopped: what is known so far, and the command that shows it.

    The first advice stays. `replace`: unless this one replaces it.
    """
    _SIGNALS.known = known or _SIGNALS.known
    _SIGNALS.advice = advice if replace else _SIGNALS.advice or advice


def leave(number: int) -> None:
    """End this process now."""
    _SIGNALS.undo()
    stop = StopSignal(number)
    text = f"samebits: {stop.sentence}\n" + (f"   do this  {stop.advice}\n" if stop.advice else "")
    try:
        text = (_SHOW_CURSOR if os.isatty(2) else "") + text
        os.write(2, text.encode())
    except OSError:  # standard error is closed; the exit status still says it
        pass
    os._exit(stop.status)


@contextmanager
def handled(*, to_the_end: bool) -> Iterator[None]:
    """Handle signals while the block runs in a main thread, unless they are ignored (`nohup`, `&`).

    `to_the_end`: the process ends so soon after the block that signals are ignored from then on.
    """
    if threading.current_thread() is not threading.main_thread() or _SIGNALS.handled:
        yield
        return
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in NAMES}
    mine = [number for number, handler in before.items() if handler in usual]
    _SIGNALS.handled, _SIGNALS.arrived, _SIGNALS.pending, _SIGNALS.mode = True, 0, 0, "leave"
    _SIGNALS.known = _SIGNALS.advice = ""
    for number in mine:
        signal.signal(number, _SIGNALS.arrive)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_IGN if to_the_end else before[number])
        _SIGNALS.undo()
        _SIGNALS.handled = False


def undo_at_end(step: Callable[[], None]) -> None:
    """Call `step` before a signal ends this process, unless `step` is forgotten first. It may be called twice."""
    _SIGNALS.undone.append(step)


def forget(step: Callable[[], None]) -> None:
    """Take back `undo_at_end(step)`."""
    if step in _SIGNALS.undone:
        _SIGNALS.undone.remove(step)


@contextmanager
def _in_mode(mode: str) -> Iterator[None]:
    before, _SIGNALS.mode = _SIGNALS.mode, mode
    try:
        yield
    finally:
        _SIGNALS.mode = before


@contextmanager
def waited_for() -> Iterator[Callable[[], None]]:
    """Let signals wait while the block runs. Yield a function that raises StopSignal if one has arrived."""
    with _in_mode("wait"):
        yield _SIGNALS.look


@contextmanager
def raised() -> Iterator[None]:
    """Raise StopSignal where a signal arrives in the block, so that the block can end the programs that it started."""
    with _in_mode("raise"):
        yield
