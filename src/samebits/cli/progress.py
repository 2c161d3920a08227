"""Shows the progress of trials on standard error: live lines on a terminal, a few plain lines elsewhere.

It is not a report. Reports are made from records alone, and can be made again.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

import click

from samebits import words
from samebits.endings import ENDED_WELL
from samebits.experiment import Progress
from samebits.experiment.estimates import CostEstimate
from samebits.interrupt import StopSignal
from samebits.reports import screen

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

QUIET_SECONDS = 5.0  # the longest silence if no terminal shows what runs
SHARE = 0.1  # of the time since a part began, after which a line is due; before that, a dot breaks the silence
ROWS = 12  # trials whose lines are kept on the screen


@contextmanager
def shown(stream: TextIO, ask: float = math.inf) -> Iterator[Progress]:
    """Show progress on the stream while the block runs. `ask`: on a terminal, ask before trials of more seconds."""
    if not screen.is_terminal(stream):
        with ProgressLines(stream) as lines:
            yield lines
        return
    with Live(stream, ask=ask) as live:
        yield live


class Pace:
    """The steps per second of one trial, without its start (imports, data)."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._first: tuple[float, int] | None = None

    def at(self, step: int) -> float | None:
        """Return the rate after this many steps; None if it is unknown, as at the first call."""
        moment = self._now()
        if self._first is None:
            self._first = (moment, step)
            return None
        began, first = self._first
        return (step - first) / (moment - began) if moment > began and step > first else None


def left(rate: float | None, step: int, total: int | None) -> str:
    """Return the time left, as a clock; empty if it is unknown."""
    if rate is None or total is None or rate <= 0:
        return ""
    return f"{words.clock(max(0, total - step) / rate)} left"


def pace_words(rate: float | None) -> str:
    """Return steps per second, or seconds per step if the steps are slow."""
    if rate is None or rate <= 0:
        return ""
    return f"{rate:,.0f} steps/s" if rate >= 10 else f"{rate:.1f} steps/s" if rate >= 1 else f"{1 / rate:.1f} s/step"


def steps_words(step: int, total: int | None) -> str:
    """Return ``12 of 200 steps``, or ``12 steps`` if the total is unknown."""
    return f"{step:,} of {words.count(total, 'step')}" if total else words.count(step, "step")


def round_words(steps: int | None, trials: int) -> str:
    """Describe a round."""
    each = "to the end" if steps is None else f"up to {words.count(steps, 'step')}" + (" each" if trials > 1 else "")
    return f"{words.count(trials, 'trial')}, {each}"


class Sights:
    """Knows the pace of each trial, and, once one trial has ended, how many steps a whole one makes."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._limits: dict[int, int | None] = {}
        self._paces: dict[int, Pace] = {}
        self._whole: int | None = None

    def start(self, trial: int, limit: int | None) -> None:
        """Note that a trial begins. It makes at most `limit` steps (None: unknown)."""
        self._limits[trial], self._paces[trial] = limit, Pace(self._now)

    def end(self, status: str, steps: int) -> None:
        """Note that a trial has ended. A complete one tells how many steps the others will make."""
        if status == "complete" and steps:
            self._whole = steps

    def limit(self, trial: int) -> int | None:
        """Return the most steps that a trial makes; None if that is unknown."""
        return self._limits.get(trial)

    def total(self, trial: int) -> int | None:
        """Return the steps that a trial will make; None if that is unknown."""
        return min((steps for steps in (self._limits.get(trial), self._whole) if steps), default=None)

    def words(self, trial: int, step: int) -> list[str]:
        """Return steps, rate and time left; an empty list for a trial that never began."""
        if trial not in self._paces:
            return []
        if step > (self._limits[trial] or step):
            self._limits[trial] = None  # the round has grown, and only its end tells how far
        rate, total = self._paces[trial].at(step), self.total(trial)
        return [text for text in (steps_words(step, total), pace_words(rate), left(rate, step, total)) if text]


def end_words(status: str, steps: int, seconds: float, limit: int | None = None) -> str:
    """Say how a trial ended. `limit`: its planned steps. If samebits stopped it there, it "reached step K"."""
    if status == "stopped":
        return f"{'reached' if steps == limit else 'stopped at'} step {steps:,}, {words.span(seconds)}"
    return f"{status}, {words.count(steps, 'step')}, {words.span(seconds)}"


class ProgressLines(Progress):
    """Plain text: a line when a round starts, and when a trial ends. In between, no silence is longer than 5 s.

    As a context manager, it breaks the silence by itself.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._now, self._sights = stream, now, Sights(now)
        self._lock, self._over = threading.RLock(), threading.Event()
        self._heard = self._told = self._began = now()  # the last sign, the last line, the beginning of what runs
        self._of, self._part, self._runs, self._is_dotted = 0, "", "", False

    def __enter__(self) -> ProgressLines:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._lock:
            if self._is_dotted:
                self._write("\n")

    def _watch(self) -> None:
        while not self._over.wait(QUIET_SECONDS / 10):
            self.break_silence()

    def break_silence(self) -> None:
        """After 5 s without a sign, print what runs; a dot if that was printed a short time ago."""
        with self._lock:
            now = self._now()
            if now - self._heard < QUIET_SECONDS * 0.9 or self._over.is_set():
                return
            texts = [words for words in (self._part, self._runs) if words]
            if texts and now - self._told >= (now - self._began) * SHARE:
                self._say("; ".join(texts))
            else:
                self._write(".")
                self._is_dotted = True

    def round_started(self, steps: int | None, trials: int) -> None:
        """Print what the round does."""
        self._part = ""
        self._say(round_words(steps, trials))

    def growing_round_started(self, steps: int | None, trials: int) -> None:
        """Print what the round does at least."""
        self._say(f"{round_words(steps, trials)}, more if steps are quick")

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """Print nothing yet."""
        self._sights.start(trial, steps_total)
        self._of, self._began, self._runs = of, self._now(), f"trial {trial} of {of}: starts"

    def part_started(self, text: str) -> None:
        """Print nothing yet."""
        self._began, self._part, self._runs = self._now(), text, ""

    def trial_step(self, trial: int, step: int) -> None:
        """Remember the step, for the next line."""
        if words := self._sights.words(trial, step):
            self._runs = f"trial {trial} of {self._of}: {', '.join(words)}"

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """Print how the trial ended."""
        self._sights.end(status, steps)
        self._runs = ""
        self._say(f"trial {trial} of {self._of}: {end_words(status, steps, seconds, self._sights.limit(trial))}")

    def length_known(self, steps: int) -> None:
        """Print nothing, but remember it for the time left."""
        self._sights.end("complete", steps)

    def note(self, text: str) -> None:
        """Print the note."""
        self._say(text)

    def _say(self, text: str) -> None:
        with self._lock:
            self._write(("\n" if self._is_dotted else "") + f"samebits: {words.one_line(text)}\n")
            self._told, self._is_dotted = self._now(), False

    def _write(self, text: str) -> None:
        self._heard = self._now()
        with suppress(OSError, ValueError):  # if nobody reads the stream any more, the trials go on
            self._stream.write(text)
            self._stream.flush()


class Live(Progress):
    """A live line for each trial: its bar, steps, rate and time left. The lines vanish when the verdict comes."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic, ask: float = math.inf) -> None:
        self._bars, self._sights, self._ask = _bars(stream), Sights(now), ask
        self._tasks: dict[int, Any] = {}

    def __enter__(self) -> Live:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def round_started(self, steps: int | None, trials: int) -> None:
        """Begin a new set of lines."""
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks = {}

    def part_started(self, text: str) -> None:
        """Begin a new set of lines under a title."""
        self.round_started(None, 0)
        self._tasks[0] = self._bars.add_task(text, total=1, said="")

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """Add a line for the trial. If there are many, remove the oldest."""
        self._sights.start(trial, steps_total)
        if len(self._tasks) >= ROWS:
            self._bars.remove_task(self._tasks.pop(next(iter(self._tasks))))
        self._tasks[trial] = self._bars.add_task(
            f"trial {trial} of {of}", total=self._sights.total(trial), said="starts"
        )

    def trial_step(self, trial: int, step: int) -> None:
        """Move the bar."""
        if trial in self._tasks:
            words = self._sights.words(trial, step)
            self._bars.update(
                self._tasks[trial], completed=step, total=self._sights.total(trial), said="  ".join(words)
            )

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """Fill the bar of a trial that reached its end. Any other bar stays where it is."""
        self._sights.end(status, steps)
        if trial in self._tasks:
            whole = steps if status in ENDED_WELL else self._sights.total(trial) or steps + 1
            text = end_words(status, steps, seconds, self._sights.limit(trial))
            self._bars.update(self._tasks[trial], total=max(whole, 1), completed=max(steps, 1), said=text)

    def length_known(self, steps: int) -> None:
        """Remember it for the bars and the time left."""
        self._sights.end("complete", steps)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(f"samebits: {words.one_line(text)}", markup=False, highlight=False, style="dim")

    def estimate(self, estimate: CostEstimate) -> None:
        """Print the cost. If it is high and somebody can answer, ask whether to go on."""
        super().estimate(estimate)
        if estimate.at_most > self._ask and screen.is_terminal(sys.stdin):
            self._bars.stop()
            if not click.confirm("Go on?", default=True, err=True):
                raise StopSignal(by="your answer")
            self._bars.start()


def _bars(stream: TextIO) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(file=stream, no_color=not screen.wants_colour(), legacy_windows=False)
    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}", markup=False),
        console=console,
        transient=True,
        refresh_per_second=5,
    )
