"""Runs several works side by side, so that trials of several records run at the same time.

A work is the code that fills one record. Only one work runs at a time; the others continue when it sleeps. So no work
needs a lock: between two of its sleeps, no other work runs.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from samebits import clock, interrupt, words
from samebits.experiment.progress import Progress

T = TypeVar("T")
_PACE = 0.05  # seconds between two looks for a value that a different work computes


class WorkEnded(BaseException):
    """Raised in a work that sleeps and has to end, because a different work failed or a signal came."""


def side_by_side(works: Sequence[Callable[[], T]], most: int) -> list[T]:
    """Run the works, at most `most` at a time, and return the results in the order of the works.

    If one work raises, or if a signal comes, all others end first: WorkEnded is raised where they sleep.
    """
    if most <= 1 or len(works) <= 1:
        return [work() for work in works]
    turns = [_Turn(work) for work in works]
    with interrupt.waited_for() as look:  # the works end inside this block: their rounds wait for signals too
        try:
            while left := [turn for turn in turns if not turn.is_over][:most]:
                look()
                _go_on(left)
        finally:
            for turn in turns:
                turn.end()
    return [turn.result for turn in turns]


def _go_on(turns: Sequence[_Turn[T]]) -> None:
    """Wait until the first of these works is due, then continue all works that are due."""
    clock.sleep(max(0.0, min(turn.due for turn in turns) - clock.now()))
    for turn in turns:
        if turn.due <= clock.now():
            turn.go_on()


class _Turn(Generic[T]):
    """One work, in a thread of its own. `due`: the time at which it has to continue."""

    result: T

    def __init__(self, work: Callable[[], T]) -> None:
        self.is_over, self.due = False, 0.0
        self._is_begun, self._is_to_end = False, False
        self._error: BaseException | None = None
        self._mine, self._others = threading.Semaphore(0), threading.Semaphore(0)
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run, work), daemon=True)

    def go_on(self) -> None:
        """Let the work run until it sleeps or ends. If the work raises, this method raises the same error."""
        if not self._is_begun:
            self._is_begun = True
            self._thread.start()
        self._mine.release()
        self._wait_for_it()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _wait_for_it(self) -> None:
        """Wait until the work sleeps or ends.

        Two works never run at once. So if a signal raises an exception here, this method raises it only after the wait.
        """
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
        """End the work if it still runs."""
        self._is_to_end = True
        while self._is_begun and not self.is_over:
            clock.sleep(max(0.0, self.due - clock.now()))
            with suppress(BaseException):  # only the error of the first work that failed is raised
                self.go_on()

    def _run(self, work: Callable[[], T]) -> None:
        self._mine.acquire()
        clock.asleep_by(self._sleep)
        try:
            self.result = work()
        except BaseException as error:  # noqa: BLE001  (`go_on` raises it in the thread that waits)
            self._error = error
        finally:
            self.is_over = True
            self._others.release()

    def _sleep(self, seconds: float) -> None:
        self.due = clock.now() + seconds
        self._others.release()
        self._mine.acquire()
        if self._is_to_end:
            self._is_to_end = False  # its cleanup may sleep too
            raise WorkEnded


class WorkProgress(Progress):
    """The progress of one of several works. It passes on the notes of the work. With a title, it adds a line per trial.

    The number of a trial means nothing beside trials of a different record.
    """

    def __init__(self, progress: Progress, title: str = "") -> None:
        self._progress, self._title = progress, title

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """Show a line for the trial, if the work has a title."""
        if self._title:
            self.note(f"trial {trial}: {status}, {words.count(steps, 'step')}, {words.span(seconds)}")

    def note(self, text: str) -> None:
        """Pass the note on."""
        self._progress.note(f"{self._title}: {text}" if self._title else text)


class Once(Generic[T]):
    """A value that several works need: the first work that asks computes it, and the others wait for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._is_made = make, False
        self._made: list[T] = []

    def get(self) -> T:
        """Return the value. If the computation fails, the next work that asks tries again."""
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
    """A lock for code that only one work may run at a time, because all works would use the same folder."""

    def __init__(self) -> None:
        self._is_taken = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other work is in a block of this lock, then run the block."""
        while self._is_taken:
            clock.sleep(_PACE)
        self._is_taken = True
        try:
            yield
        finally:
            self._is_taken = False
