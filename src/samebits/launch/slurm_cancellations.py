"""Cancels tasks of Slurm jobs, many with one call of scancel."""

from __future__ import annotations

import time
from collections import Counter

from samebits.launch.slurm import ANSWERS, Call, Queue

__all__ = ["Cancellations"]

_TRIES = 10  # calls that name a task
_AGAIN = 2.0  # seconds between two calls


class Cancellations:
    """Calls of scancel, one at a time, each for all tasks that are to be cancelled at that moment.

    If a call fails or gives no answer, another one follows, unless its tasks are over or were named often enough.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._waiting: list[str] = []
        self._named: list[str] = []  # in the call that runs
        self._tries: Counter[str] = Counter()
        self._call: Call | None = None
        self._since = self._not_before = 0.0

    def add(self, name: str) -> None:
        """Cancel a task with the next call."""
        self._waiting.append(name)

    def look(self) -> None:
        """Read the result of the call that runs, and make the next one. Returns at once."""
        now = time.monotonic()
        if self._call is not None:
            self._hear(self._call, now)
        if self._call is None and self._waiting and now >= self._not_before:
            self._named, self._waiting, self._since = self._waiting, [], now
            self._tries.update(self._named)
            self._call = Call(["scancel", *self._named])

    def _hear(self, call: Call, now: float) -> None:
        answer = call.poll()
        if answer is None and now - self._since < ANSWERS:
            return
        self._call = None
        if answer is None:
            call.end()
        if answer is None or answer.status != 0:
            self._waiting = [name for name in self._named if self._is_due(name)] + self._waiting
            self._not_before = now + _AGAIN

    def _is_due(self, name: str) -> bool:
        job, _, task = name.partition("_")
        state = self._queue.state(job, task)
        return self._tries[name] < _TRIES and not (state is not None and state.is_over)
