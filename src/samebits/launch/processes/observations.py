"""The files that watched processes write, read while the trial runs: steps made, processes stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from samebits.errors import RecordError
from samebits_probe import wire

if TYPE_CHECKING:
    from samebits.store.trace import ProcessTrace

__all__ = ["Became", "Processes", "WatchedProcess", "diverges", "events", "named_events", "noted_values", "read_json"]

# seconds: samebits waits for a process that still observes, and not for one that itself waits for a stopped one
_STALLED = 1.0
_HUNG = 30.0  # seconds without any observation, after which missing ranks are no longer expected


class WatchedProcess:
    """One watched process, from its folder below `processes/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = int(folder.name.rpartition("-")[2])
        self.has_ended = False
        self.size = 0
        self.grew = time.monotonic()
        self._has_begun = False
        self._stop: tuple[int, dict[str, Any]] | None = None  # when stopped.json was written, and what it holds
        self._facts: dict[str, Any] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """process.json; empty until it is there. It is final when something has been observed."""
        if self._facts is None:
            document = read_json(self.folder / wire.PROCESS)
            self._facts = document if self.observes else None
            return document or {}
        return self._facts

    @property
    def observes(self) -> bool:
        """Whether it has observed something."""
        return self.size > 0

    def look(self) -> None:
        """Read its files again."""
        size = _size(self.folder / wire.TRACE)
        if size != self.size:
            self.size, self.grew = size, time.monotonic()
        self.has_ended = (self.folder / wire.END).exists()

    def stop(self) -> dict[str, Any] | None:
        """Return the content of stopped.json if the process waits: how far it is."""
        modified = _modified(self.folder / wire.STOPPED)
        if modified is None:
            self._stop = None
        elif self._stop is None or self._stop[0] != modified:
            document = read_json(self.folder / wire.STOPPED)
            self._stop = (modified, document) if document is not None else None
        return self._stop[1] if self._stop is not None else None

    def is_stopped(self, steps: int) -> bool:
        """Return whether it waits after so many steps, or more."""
        stop = self.stop()
        return stop is not None and int(stop["steps"]) >= steps

    def has_begun(self) -> bool:
        """Return whether it has observed something.

        The event before the first observation is enough, because the observation may not be written yet.
        """
        self._has_begun = self._has_begun or self.observes or any("machine" in event for event in events(self.folder))
        return self._has_begun

    def became(self) -> Became | None:
        """Return the program that it became, if its last event says that it is about to become a different program."""
        if self.has_ended or self.stop() is not None:
            return None
        own = [event for event in events(self.folder) if "pid" not in event]
        if not own or own[-1].get("event") != "exec":
            return None
        before = [str(word) for word in self.facts.get("argv") or []]
        return Became(str(own[-1].get("path")), [str(word) for word in own[-1].get("argv") or []], before)

    def steps(self) -> int:
        """Return the steps made so far."""
        for name in (wire.STOPPED, wire.END):
            document = read_json(self.folder / name)
            if document is not None:
                return int(document["steps"])
        return max(self._last_step(), 0)

    def _last_step(self) -> int:
        """Return the step of the last whole record.

        A process records step k while it makes it, so it has finished k steps.
        """
        whole = _size(self.folder / wire.TRACE) // wire.ROW.size
        if not whole:
            return 0
        with (self.folder / wire.TRACE).open("rb") as file:
            file.seek((whole - 1) * wire.ROW.size)
            return int(wire.ROW.unpack(file.read(wire.ROW.size))[0])


class Became(NamedTuple):
    """The program that a process asked to become (by exec); `before`: its arguments until then."""

    path: str
    argv: list[str]
    before: list[str]


class Processes:
    """All watched processes of a trial."""

    def __init__(self, trial_folder: Path) -> None:
        self._folder = trial_folder / wire.PROCESSES
        self._found: dict[str, WatchedProcess] = {}

    def look(self) -> list[WatchedProcess]:
        """Read again what has become of them; in the order in which they were started."""
        for name in _names(self._folder):
            if name not in self._found:
                self._found[name] = WatchedProcess(self._folder / name)
        for process in self._found.values():
            process.look()
        return [self._found[name] for name in sorted(self._found)]

    def pids(self) -> set[int]:
        """Return the processes in which the probe runs or ran."""
        return {process.pid for process in self.look()}

    def forks(self) -> set[int]:
        """Return the forks of these processes that have no files of their own."""
        pids = (event.get("pid") for process in self.look() for event in events(process.folder))
        return {pid for pid in pids if isinstance(pid, int)}

    def imported_threads(self) -> set[int]:
        """Return the ids of the threads that began while a process imported a library."""
        return set(noted_values(self.look(), "threads", "ids"))

    def start(self) -> dict[str, Any] | None:
        """Return the event "start" of the process that took steps; None if no process did so, or several.

        `began`: when the probe started in this process (epoch).
        """
        starts = [
            {**event, "began": process.facts.get("started")}
            for process in self.look()
            for event in named_events([process], "start")
        ]
        return starts[0] if len(starts) == 1 else None

    def became(self) -> dict[int, Became]:
        """Return the processes that were watched until they became a different program by exec.

        The probe did not start in that program. A failed exec does not count: the process goes on, and writes more
        events or its end.
        """
        last = {process.pid: process for process in self.look()}
        return {pid: became for pid, process in last.items() if (became := process.became()) is not None}

    def have_begun(self) -> bool:
        """Return whether anything has been observed by now."""
        return any(process.has_begun() for process in self.look())

    def observing(self) -> list[WatchedProcess]:
        """Return the processes that have observed something."""
        return [process for process in self.look() if process.observes]

    def steps(self) -> int:
        """Return the steps made so far: those of the process that has made most."""
        return max((process.steps() for process in self.observing()), default=0)

    def go_on(self) -> None:
        """Note that processes that waited go on.

        How long they were quiet before does not show whether they are stuck.
        """
        for process in self._found.values():
            process.grew = time.monotonic()

    def are_stopped(self, steps: int) -> bool:
        """Return whether so many steps were observed completely.

        The probe stopped all ranks, and no other process goes on. A process that waits before its first step may not
        have observed anything.
        """
        observing = [process for process in self.look() if process.observes or process.stop() is not None]
        stopped = [process for process in observing if process.is_stopped(steps)]
        if not stopped:
            return False
        now = time.monotonic()
        if all(now - process.grew > _HUNG for process in observing):
            return True
        ranks = max(int(process.facts.get("world_size") or 1) for process in stopped)
        if len({process.facts.get("rank") for process in stopped}) < ranks:
            return False
        return not any(_goes_on(process, now) for process in observing if process not in stopped)


def _goes_on(process: WatchedProcess, now: float) -> bool:
    """Return whether a process still goes on.

    One that waits for a stopped process has not observed anything for a while.
    """
    if process.has_ended or not Path(f"/proc/{process.pid}").exists():
        return False
    return now - process.grew <= _STALLED


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  (every 20 ms)
    except OSError:
        return []


def _modified(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON object, or None if the file is missing or not complete."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def events(folder: Path) -> list[dict[str, Any]]:
    """Return the events of one process; a torn last line is left out."""
    end = read_json(folder / wire.END) or {}
    recorded = list(end.get("events") or [])
    try:
        lines = (folder / wire.EVENTS).read_bytes().splitlines()
    except OSError:
        lines = []
    for line in lines:
        try:
            recorded.append(json.loads(line))
        except ValueError:
            continue
    return [event for event in recorded if isinstance(event, dict)]


def named_events(processes: Iterable[WatchedProcess], name: str) -> Iterator[dict[str, Any]]:
    """Yield the events of one kind of these processes."""
    for process in processes:
        yield from (event for event in events(process.folder) if event.get("event") == name)


def noted_values(processes: Iterable[WatchedProcess], name: str, key: str) -> Iterator[Any]:
    """Yield the values of the lists that events of one kind hold."""
    for event in named_events(processes, name):
        yield from event.get(key) or []


def diverges(process: Path, reference: Path) -> bool:
    """Return whether it is certain that a waiting process has diverged from a process of an earlier trial.

    It is if the first steps of the two differ, and no later step can explain the difference.
    """
    # here, because these import NumPy: `samebits.imports` imports it while the first trial runs
    from samebits.comparison.traces.beside import roles
    from samebits.comparison.traces.differences import difference
    from samebits.store.trace import read_process

    try:
        own, other = read_process(process), read_process(reference)
    except RecordError:
        return False
    if own is None or other is None or not own.stopped or _need_all_steps(own, other):
        return False
    rows = difference(other, own).rows
    # a later step may show that a value that differs trains nothing
    return "trained" in roles([row.point for row in rows], other, own)


def _need_all_steps(own: ProcessTrace, other: ProcessTrace) -> bool:
    """Return whether the first steps of two processes do not show whether they diverge.

    This is so if several threads train, if they may observe the same values in a different order, or if they are
    different children.
    """
    from samebits.comparison.verdict.orders import has_orders
    from samebits.comparison.verdict.threads import trains_elsewhere

    if own.facts.get("identity") != other.facts.get("identity"):
        return True
    return any(trains_elsewhere(trace) or has_orders(trace) for trace in (own, other))
