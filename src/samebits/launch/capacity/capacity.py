"""Decides how many trials run at the same time: as many as fit into idle cores and memory, if none disturbs the others.

The first trial runs alone and is measured. Threads must be as free to race as in a trial that runs alone. So a trial
needs a core for each thread that computes, even if it computes seldom.

Trials that cannot train at the same time may still start at the same time: until its first step, a program mostly
imports libraries with one thread. Each then waits before its first step, and they train one by one.

The threads of a BLAS are different. They start when the library is imported, and wait for their first work in a busy
loop (OPENBLAS_THREAD_TIMEOUT in https://www.openmathlib.org/OpenBLAS/docs/runtime_variables/). This is not computing.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from samebits import words
from samebits.launch.capacity.resources import (
    MemoryUse,
    free_cores,
    free_memory,
    held_resource,
    kibibytes,
    uses_gpu,
    why_no_room,
)
from samebits.launch.processes.supervisor import below_quickly

_PACE, _PACE_OF_HELD = 0.1, 0.4  # seconds between two looks at what a trial uses, and at the files that it holds
_LEAST_SECONDS, _LEAST_SHARE = 0.01, 0.001  # of a thread that computes: processor time, and its share
_SPIN_SECONDS = 0.3  # of processor time, that a thread may take at its beginning to wait for work
_ENDED_SECONDS = 0.05  # of processor time, from which on ended threads count
_LEAST_START = 1.0  # seconds of a start: if it is shorter, it does not pay to share it
_SLACK = 0.25  # of a core: what samebits and small daemons take
_TICK = 1 / os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What a trial used.

    `cores`: how many it needs; `memory`: the most bytes it took; `others`: how many cores other work kept busy
    meanwhile; `alone`: why no other trial may run beside it. `starts_on_one_core`: whether only one thread computes
    until the first step, so that other trials may start meanwhile.
    """

    cores: int
    memory: int
    others: float = 0.0
    alone: str = ""
    starts_on_one_core: bool = False


class TrialPlaces:
    """The places in which trials run now, shared by all rounds that run side by side.

    `taken`: the numbers of these places.

    `gone`: files that these trials wrote and removed; `written`: those that trials on different machines wrote.
    """

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.gone: set[Path] = set()
        self.written: set[Path] = set()
        self._rounds = 0

    @contextmanager
    def of_a_round(self) -> Iterator[None]:
        """Count one more round while the block runs."""
        if not self._rounds:
            self.gone, self.written = set(), set()
        self._rounds += 1
        try:
            yield
        finally:
            self._rounds -= 1

    @property
    def are_shared(self) -> bool:
        """Whether several rounds run."""
        return self._rounds > 1

    def is_free(self, number: int, most: int) -> bool:
        """Return whether a trial may start in a place. `most`: trials at a time."""
        return number not in self.taken and len(self.taken) < most


class Capacity:
    """How many trials run at a time, and `why`: as many as were asked for, or ("auto") as many as fit."""

    def __init__(self, asked: int | Literal["auto"] = 1, *, alone: str = "", slots: int = 0) -> None:
        """`alone`: why trials run one at a time.

        `slots`: how many trials a host has room for; if it is given, no trial is measured.
        """
        self.is_auto = asked == "auto" and not alone and not slots
        self.is_own = asked == "auto" and not alone  # samebits chose the number, and may lower it
        self.at_a_time, self.why = (1, alone) if asked == "auto" else (asked, "")
        self.places = TrialPlaces()
        if slots and asked == "auto" and not alone:
            self.at_a_time, self.why = slots, f"there is room for {words.count(slots, 'trial')} at a time"
        self._usage: Usage | None = None
        self._starting = 1  # how many trials may start at the same time
        self._steps = 0.0  # how many steps the measured trial made

    def is_known(self, steps: int | None) -> bool:
        """Return whether samebits knows what trials of so many steps use (None: whole trials).

        If trials train one by one, longer trials do so, too.
        """
        if self.at_a_time == 1 and self._usage is not None:
            return True
        return not self.is_auto or (math.inf if steps is None else steps) <= self._steps

    def learn(self, usage: Usage, steps: int | None) -> None:
        """Learn from a trial that ran alone for so many steps (None: to its end). Earlier ones may have used more."""
        if not self.is_auto:
            return
        if self._usage is not None:
            cores, memory = max(usage.cores, self._usage.cores), max(usage.memory, self._usage.memory)
            on_one = usage.starts_on_one_core and self._usage.starts_on_one_core
            usage = usage._replace(cores=cores, memory=memory, starts_on_one_core=on_one)
        self._usage, self._steps = usage, max(self._steps, math.inf if steps is None else steps)
        free = free_cores(usage.others)
        self._starting = max(1, int(free + _SLACK)) if usage.starts_on_one_core else 1
        if usage.alone:
            self._train_alone(usage.alone)
        else:
            self.at_a_time = max(1, int((free + _SLACK) / usage.cores))
            self.why = f"each needs {words.count(usage.cores, 'core')}, and {free:.1f} are idle"
        if self._starting > self.at_a_time == 1:
            self.why += f" (up to {self._starting} start together)"

    def starting(self, number: int) -> int:
        """Return how many of these trials start at the same time, before they train one by one."""
        most = min(self._starting, number) if self.at_a_time == 1 else 1
        while most > 1 and self._why_no_room(most):
            most -= 1
        return most

    def _why_no_room(self, trials: int) -> str:
        memory = self._usage.memory if self._usage else 0
        return why_no_room([MemoryUse(memory)] * trials, free_memory())

    def fitting(self, number: int) -> int:
        """Return how many of these trials run at a time now: as many as the user wants, or as free memory allows."""
        if self._usage is None:
            return self.at_a_time
        most = min(self.at_a_time, number)
        while most > 1 and (why := self._why_no_room(most)):
            most, self.why = most - 1, why
        return max(most, 1)

    def why_of(self, number: int) -> str:
        """Return why this number of trials ran at a time in a round."""
        is_last = self.is_auto and number == 1 < self.at_a_time
        return "the first trial runs alone, and only one more was needed" if is_last else self.why

    def refuse(self, why: str) -> None:
        """Let trials run one by one from now on. They do not start together, either."""
        self._train_alone(why)
        self._starting = 1

    def _train_alone(self, why: str) -> None:
        self.is_auto, self.is_own, self.at_a_time, self.why = False, False, 1, why


class UsageMeter:
    """Measures what a trial below the process `root` uses, from now on."""

    def __init__(
        self,
        root: int,
        imported: Callable[[], set[int]] = set,
        now: Callable[[], float] = time.monotonic,
        has_begun: Callable[[], bool] = bool,
    ) -> None:
        """`imported`: returns the ids of the threads that began while a library was imported.

        `has_begun`: returns whether the trial has observed anything.
        """
        self._root, self._imported, self._now, self._has_begun = root, imported, now, has_begun
        self._began, self._machine, self._own = now(), _machine_seconds(), time.process_time()
        self._first = self._seconds = _tree_seconds(root, [process.pid for process in below_quickly(root)])
        self._memory, self._alone = 0, ""
        self._threads = self._threads_but_bursts = self._starting_threads = 1
        self._bursts = _Bursts()
        self._most_threads: dict[int, int] = {}
        self._next = self._next_of_held = 0.0

    def look(self, *, last: bool = False) -> None:
        """Measure, unless the last time was a moment ago."""
        now = self._now()
        if now < self._next and not last:
            return
        self._next = now + _PACE
        pids = [process.pid for process in below_quickly(self._root)]
        self._seconds = max(self._seconds, _tree_seconds(self._root, pids))
        self._memory = max(self._memory, sum(kibibytes(Path(f"/proc/{pid}/status"), "VmHWM") or 0 for pid in pids))
        least = max(_LEAST_SECONDS, _LEAST_SHARE * (now - self._began))
        each = [self._computing(pid, least) for pid in pids]
        self._threads = max(self._threads, sum(number for number, _ in each))
        self._threads_but_bursts = max(self._threads_but_bursts, sum(number for _, number in each))
        if not self._has_begun():
            self._starting_threads = self._threads_but_bursts
        if not self._alone and (last or now >= self._next_of_held):
            self._next_of_held = now + _PACE_OF_HELD
            self._alone = "a trial uses a GPU" if uses_gpu(pids) else held_resource(pids)

    def ended(self, memory: int) -> None:
        """Look a last time. `memory`: the most bytes that one of its processes took, even between two looks."""
        self.look(last=True)
        self._memory = max(self._memory, memory)

    def usage(self) -> Usage:
        """Return what was measured."""
        spent, used = max(self._now() - self._began, _TICK), self._seconds - self._first
        others = _machine_seconds() - self._machine - used - (time.process_time() - self._own)
        are_imported = self._bursts.threads <= self._imported()
        threads = self._threads_but_bursts if are_imported else self._threads
        cores = max(threads, math.ceil(used / spent - _SLACK))
        return Usage(cores, self._memory, max(others / spent, 0.0), self._alone)

    def starts_on_one_core(self, start: Mapping[str, Any]) -> bool:
        """Return whether only one thread of the trial computes until the first step, and whether that takes a while.

        A second thread would go on while the first one waits. `start`: see `Processes.start`.
        """
        imported, (main, *others) = self._imported(), start["threads"] or [(0, 0.0)]
        most = [_SPIN_SECONDS if thread in imported else _LEAST_SECONDS for thread, _ in others]
        ended = start["seconds"] - main[1] - sum(seconds for _, seconds in others)
        is_one = all(seconds < least for (_, seconds), least in zip(others, most, strict=True))
        is_long = start["at"] - start["began"] >= _LEAST_START
        return is_long and is_one and ended < _ENDED_SECONDS and self._starting_threads == 1

    def _computing(self, pid: int, least: float) -> tuple[int, int]:
        """Return how many threads of a process compute, and how many do so after a burst at their beginning.

        If threads that ended have computed, it is the largest number that ever ran at a time.
        """
        each = _thread_seconds(pid)
        most = self._most_threads[pid] = max(len(each), self._most_threads.get(pid, 0))
        spent = sum(_cpu_times(pid)[:2])

        def number(bursts: dict[int, float]) -> int:
            later = {thread: seconds - bursts.get(thread, 0.0) for thread, seconds in each.items()}
            ended = spent - sum(bursts.values()) - sum(later.values())
            if each and ended > max(_ENDED_SECONDS, least):
                return max(most, 2)
            return sum(seconds >= least for seconds in later.values())

        return number({}), number(self._bursts.look(pid, each, least))


class _Bursts:
    """The processor time that each thread takes at its beginning, until it waits for the first time.

    `threads`: the ids of those that have not computed since.
    """

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self._seconds: dict[int, float] = {}  # of each thread, at the last look
        self._bursts: dict[int, dict[int, float]] = {}  # by process and thread, also of threads that have ended
        self._waited: set[int] = set()

    def look(self, pid: int, each: dict[int, float], least: float) -> dict[int, float]:
        """Return the bursts of a process. `each`: the processor time of its threads. The main thread has no burst."""
        bursts = self._bursts.setdefault(pid, {})
        for thread, seconds in each.items():
            if thread != pid:
                self._follow(thread, seconds, bursts)
                is_idle = seconds - bursts.get(thread, 0.0) < least <= seconds
                (self.threads.add if is_idle else self.threads.discard)(thread)
        return bursts

    def _follow(self, thread: int, seconds: float, bursts: dict[int, float]) -> None:
        if seconds and self._seconds.get(thread) == seconds:
            self._waited.add(thread)
        self._seconds[thread] = seconds
        if thread not in self._waited:
            bursts[thread] = seconds
        if bursts.get(thread, 0.0) > _SPIN_SECONDS:
            bursts[thread] = 0.0  # it computes


def _tree_seconds(root: int, pids: Iterable[int]) -> float:
    """Return the processor time of everything that ran below a process.

    The time of an ended process counts for its parent.
    """
    return sum(_cpu_times(root)[2:]) + sum(sum(_cpu_times(pid)) for pid in pids)


def _cpu_times(pid: int) -> list[float]:
    """Return user and system time of a process, then of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return [0.0] * 4
    return [int(field) * _TICK for field in fields[11:15]]


def _thread_seconds(pid: int) -> dict[int, float]:
    """Return the processor time of each thread that has not ended, by the thread's id."""
    seconds = {}
    for task in _tasks(pid):
        try:
            seconds[int(task.name)] = int((task / "schedstat").read_bytes().split()[0]) / 1e9
        except (OSError, IndexError):
            continue
    return seconds


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _machine_seconds() -> float:
    """Return the processor time spent on the cores of this process. Idle time and waits for a disk are left out."""
    own, total = {f"cpu{number}" for number in os.sched_getaffinity(0)}, 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in own:
            user, nice, system, _, _, *rest = map(int, fields[:8])
            total += user + nice + system + sum(rest)
    return total * _TICK
