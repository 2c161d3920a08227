"""Runs works side by side, so that trials of several records run at the same time.

A work is the code that fills one record. Only one work runs at a time, and the others go on when it sleeps. So no work
needs a lock: between two sleeps, nothing else happens.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from samebits import clock, interrupt, words
from samebits.experiment.rounds import Progress

__all__ = ["Once", "OneByOne", "WorkEnded", "WorkProgress", "side_by_side"]

T = TypeVar("T")
_PACE = 0.05  # seconds between two looks at a value that a different work makes


class WorkEnded(BaseException):
    """Raised in a work that sleeps and has to end, because a different one failed or a signal came."""


def side_by_side(works: Sequence[Callable[[], T]], most: int) -> list[T]:
    """Do the works, at most so many at a time, and return what each returned, in their order.

    If one raises, or if a signal asks for the end, the others end first: they raise WorkEnded where they sleep.
    """
    if most <= 1 or len(works) <= 1:
        return [work() for work in works]
    turns = [_Turn(work) for work in works]
    with interrupt.waited_for() as look:  # around the end of the works, too: their rounds wait for signals themselves
        try:
            while left := [turn for turn in turns if not turn.is_over][:most]:
                look()
                _go_on(left)
        finally:
            for turn in turns:
                turn.end()
    return [turn.result for turn in turns]


def _go_on(turns: Sequence[_Turn[T]]) -> None:
    """Wait until the first of them wants to go on, then let all go on that want to."""
    clock.sleep(max(0.0, min(turn.due for turn in turns) - clock.now()))
    for turn in turns:
        if turn.due <= clock.now():
            turn.go_on()


class _Turn(Generic[T]):
    """One work, in a thread of its own. `due`: when it wants to go on."""

    result: T

    def __init__(self, work: Callable[[], T]) -> None:
        self.is_over, self.due = False, 0.0
        self._is_begun, self._is_to_end = False, False
        self._error: BaseException | None = None
        self._mine, self._others = threading.Semaphore(0), threading.Semaphore(0)
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run, work), daemon=True)

    def go_on(self) -> None:
        """Let it run until it sleeps or is over. Raises what it raises."""
        if not self._is_begun:
            self._is_begun = True
            self._thread.start()
        self._mine.release()
        self._wait_for_it()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _wait_for_it(self) -> None:
        """Two never run at once, so a signal that raises here is passed on when the work sleeps."""
        raised = None
        while True:
            try:
                self._others.acquire()
                break
            except KeyboardInterrupt as stop:
                raised = stop
        if raised is not None:
            raise raised

    def end(self) -> None:
        """End it, if it is not over."""
        self._is_to_end = True
        while self._is_begun and not self.is_over:
            clock.sleep(max(0.0, self.due - clock.now()))
            with suppress(BaseException):  # what ended the first one is raised
                self.go_on()

    def _run(self, work: Callable[[], T]) -> None:
        self._mine.acquire()
        clock.asleep_by(self._sleep)
        try:
            self.result = work()
        except BaseException as error:  # noqa: BLE001  (it is raised in the thread that waits)
            self._error = error
        finally:
            self.is_over = True
            self._others.release()

    def _sleep(self, seconds: float) -> None:
        self.due = clock.now() + seconds
        self._others.release()
        self._mine.acquire()
        if self._is_to_end:
            self._is_to_end = False  # what it does to end may sleep, too
            raise WorkEnded


class WorkProgress(Progress):
    """The progress of one of several works: passes on its notes, and with a title a line for each trial.

    Numbers of trials of several records mean nothing beside each other.
    """

    def __init__(self, progress: Progress, title: str = "") -> None:
        self._progress, self._title = progress, title

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """Say it, if the work has a title."""
        if self._title:
            self.note(f"trial {trial}: {status}, {words.count(steps, 'step')}, {words.span(seconds)}")

    def note(self, text: str) -> None:
        """Pass it on."""
        self._progress.note(f"{self._title}: {text}" if self._title else text)


class Once(Generic[T]):
    """A value that several works ask for: the first one makes it, and the others wait for that."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._is_made = make, False
        self._made: list[T] = []

    def get(self) -> T:
        """The value. If making it fails, the next work that asks tries again."""
        while self._is_made and not self._made:
            clock.sleep(_PACE)
        if not self._made:
            self._is_made = True
            try:
                self._made.append(self._make())
            finally:
                self._is_made = bool(self._made)
        return self._made[0]


class OneByOne:
    """A block that one work runs at a time, because all would use the same folder. The others wait."""

    def __init__(self) -> None:
        self._is_taken = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block that only one work is in."""
        while self._is_taken:
            clock.sleep(_PACE)
        self._is_taken = True
        try:
            yield
        finally:
            self._is_taken = False
