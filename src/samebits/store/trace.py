"""Reads the observations of one trial: its documents, and the traces of its processes as arrays over the files."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.documents import Effect, with_effect
from samebits.model import Document, FilesFile, TrialFile
from samebits.store.record_files import array, as_object, broken, checked, is_shape, json_lines, read_object
from samebits_probe import wire

ROW_TYPE = np.dtype([(name, code) for name, code in wire.ROW_FIELDS])
SCALAR_TYPE = np.dtype([(name, code) for name, code in wire.SCALAR_FIELDS])
_CHUNK = 1 << 20
TRIAL_FOLDER = "{trial-folder}"


class Point(NamedTuple):
    """A row in the table of points of a process."""

    kind: str
    name: str
    dtype: str = ""
    shape: tuple[int, ...] = ()


class _Facts(Document):
    """The fields of process.json that the comparison needs, so that their types are checked."""

    pid: int
    parent: int | None = None
    forked_from: int | None = None
    argv: list[str]
    rank: int | None = None
    world_size: int | None = None
    identity: list[int] | None = None
    name: str | None = None


class _PointLine(Document):
    id: int
    kind: str
    name: str
    dtype: str = ""
    shape: list[int] = []


class _Event(Document):
    """The fields of an event whose types are checked if they are there (wire.py lists the events)."""

    event: str
    how: str | None = None
    id: str | None = None
    effect: Effect | None = None
    point: str | None = None
    key: str | None = None
    why: str | None = None
    where: str | None = None
    error: str | None = None
    text: str | None = None
    number: int | None = None
    line: int | None = None
    step: int = 0


class _Steps(Document):
    steps: int
    rows: int | None = None
    events: list[dict[str, Any]] = []


@dataclass(frozen=True)
class ProcessTrace:
    """The observations of one watched process.

    `rows` and `scalars`: structured arrays (wire.ROW_FIELDS, wire.SCALAR_FIELDS) over the files, without torn
    ends. `points`: by id. `end`, `stopped`: the documents; None if the process did not write them.
    """

    facts: dict[str, Any]
    points: list[Point]
    rows: NDArray[Any]
    scalars: NDArray[Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None
    stopped: dict[str, Any] | None = None

    @property
    def observed(self) -> bool:
        """Whether it observed anything. Only such processes are compared."""
        return len(self.rows) > 0

    @cached_property
    def last_step(self) -> int:
        """The largest step of any row; -1 if there is none after the start."""
        return max((int(part["step"].max()) for part in chunks(self.rows)), default=-1)

    @property
    def steps(self) -> int:
        """The number of steps made, as far as it is known."""
        document = self.end or self.stopped
        return int(document["steps"]) if document else self.last_step + 1

    @property
    def limit(self) -> int | None:
        """The first step whose rows may be incomplete; None for a process that was seen to its end."""
        if self.end is not None:
            return None
        # without either document, the process was ended from outside, perhaps while it wrote a step
        return int(self.stopped["steps"]) if self.stopped else max(self.last_step, 0)

    def events_named(self, name: str) -> list[dict[str, Any]]:
        """Return the events of one name, in their order."""
        return [event for event in self.events if event.get("event") == name]

    def point_numbers(self, kind: str, name: str | None = None) -> list[int]:
        """Return the ids of a kind's points (of one name)."""
        return [n for n, point in enumerate(self.points) if point.kind == kind and name in (None, point.name)]

    def rows_of(self, *kinds: str, name: str | None = None) -> NDArray[Any]:
        """Return the rows of the points of these kinds (of one name)."""
        numbers = [number for kind in kinds for number in self.point_numbers(kind, name)]
        rows: NDArray[Any] = self.rows[np.isin(self.rows["point"], numbers)]
        return rows

    def began_with(self, name: str) -> bool:
        """Return whether this initial value is one of the first that the process observed.

        A watcher observes all weights of a model together. A program that calls `observe` may observe each at any time.
        """
        values = [point for point in self.points if point.kind != "rng"]
        first = list(itertools.takewhile(lambda point: point.kind == "start", values))
        is_named = any(event.get("kind") == "start" for event in self.events_named("observed-by"))
        return name in [point.name for point in (first[:1] if is_named else first)]


@dataclass(frozen=True)
class TrialTrace:
    """One trial. `processes`: all that were watched, in the order of their start. `written_at`: its folder when it ran.

    `probe_failures`: messages of probes that could not start. `stamps`: for a trial that had no seal yet, the size and
    the last change of each file.
    """

    file: TrialFile
    files: FilesFile
    processes: list[ProcessTrace]
    written_at: str = ""
    hash: str = ""
    warnings: list[str] = field(default_factory=list)
    probe_failures: list[str] = field(default_factory=list)
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)

    def without_folders(self, text: str) -> str:
        """Return the text without the folders that only this trial had.

        These are its own folder, and its copy of the working folder.
        """
        for folder in (self.written_at, self.file.working_copy):
            text = text.replace(folder, TRIAL_FOLDER) if folder else text
        return text

    def failures(self) -> list[str]:
        """Return where and how the probe itself failed, in words."""
        return [*self.probe_failures, *(failure for failure, _ in self._failed())]

    def interruptions(self) -> list[str]:
        """Return the failures that a thread of the program caused by raising an exception in the probe."""
        return [failure for failure, is_foreign in self._failed() if is_foreign]

    def _failed(self) -> list[tuple[str, bool]]:
        events = [event for process in self.processes for event in process.events_named("probe-failed")]
        texts = [f"{event.get('where', '?')}: {event.get('error', '?')}" for event in events]
        return [(failure, bool(event.get("foreign"))) for failure, event in zip(texts, events, strict=True)]

    @property
    def id(self) -> int:
        """The trial's number."""
        return self.file.id

    @property
    def observed(self) -> list[ProcessTrace]:
        """The processes that observed something, in the order of their start."""
        return [process for process in self.processes if process.observed]


def chunks(rows: NDArray[Any]) -> list[NDArray[Any]]:
    """Return views of at most a million rows each, so that temporary arrays stay small."""
    return [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)]


def read_process(folder: Path) -> ProcessTrace | None:
    """Read the trace of a process; None if it died before it wrote anything. Raises RecordError."""
    if not any(os.path.lexists(folder / name) for name in (wire.PROCESS, wire.POINTS, wire.TRACE)):
        return None
    facts = read_object(folder / wire.PROCESS)
    checked(facts, folder / wire.PROCESS, _Facts)
    points = _read_points(folder / wire.POINTS)
    rows = array(folder / wire.TRACE, ROW_TYPE)
    scalars = array(folder / wire.SCALARS, SCALAR_TYPE)
    _check_rows(rows, points, folder / wire.TRACE)
    _check_scalars(scalars, points, folder / wire.SCALARS)
    end, stopped = _read_end(folder / wire.END, len(rows)), _steps(folder / wire.STOPPED)
    path = folder / wire.EVENTS
    events = _checked_events([as_object(line, path) for line in json_lines(path)], path)
    events += _checked_events((end or {}).get("events", []), folder / wire.END)
    return ProcessTrace(facts, points, rows, scalars, events, end, stopped)


def _read_end(path: Path, rows: int) -> dict[str, Any] | None:
    """Read end.json; None if the process recorded anything later, because then it was not the end."""
    end = _steps(path)
    number = end.get("rows") if end else None
    return end if number is None or rows <= number else None


def _steps(path: Path) -> dict[str, Any] | None:
    if not os.path.lexists(path):
        return None
    content = read_object(path)
    if checked(content, path, _Steps).steps < 0:
        raise broken(path, f"steps: {content['steps']} is less than 0")
    return content


def _checked_events(events: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    for event in events:
        checked(event, path, _Event)
    return [with_effect(event) if event["event"] == "control" else event for event in events]


def _read_points(path: Path) -> list[Point]:
    points: list[Point] = []
    for line in json_lines(path):
        row = checked(as_object(line, path), path, _PointLine)
        if row.id != len(points):
            raise broken(path, f"point {row.id} is at the place of point {len(points)}")
        if row.kind not in wire.CODE:
            raise broken(path, f"point {row.id} has the unknown kind {row.kind[:40]!r}")
        if not is_shape(row.shape):
            raise broken(path, f"point {row.id} has an impossible shape")
        points.append(Point(row.kind, row.name, row.dtype, tuple(row.shape)))
    return points


def _check_rows(rows: NDArray[Any], points: list[Point], path: Path) -> None:
    kinds = np.array([wire.CODE[point.kind] for point in points], "u1")
    for at, part in enumerate(chunks(rows)):
        fault = _fault(part, kinds)
        if fault:
            index, what = fault
            raise broken(path, f"row {at * _CHUNK + index:,} {what}")


def _fault(part: NDArray[Any], kinds: NDArray[np.uint8]) -> tuple[int, str] | None:
    """Return (index, what is wrong) of the first row that no probe writes, or None."""
    outside = part["point"] >= len(kinds)
    if outside.any():
        index = int(outside.argmax())
        return index, f"names point {part['point'][index]}, which is not in the table of points"
    tests = (
        ("kind", kinds[part["point"]] != part["kind"], "has a kind that is not its point's"),
        ("step", part["step"] < -1, "has a step before the start"),
        ("flag", part["flag"] > wire.DIGEST, "has an unknown flag"),
    )
    for name, wrong, what in tests:
        if wrong.any():
            index = int(wrong.argmax())
            return index, f"{what} ({part[name][index]})"
    return None


def _check_scalars(scalars: NDArray[Any], points: list[Point], path: Path) -> None:
    if len(scalars) and int(scalars["point"].max()) >= len(points):
        raise broken(path, f"names point {scalars['point'].max()}, which is not in the table of points")
    if len(scalars) and int(scalars["step"].min()) < -1:
        raise broken(path, f"has a step before the start ({scalars['step'].min()})")
