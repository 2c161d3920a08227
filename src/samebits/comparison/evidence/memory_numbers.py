"""Reads the numbers and texts in memory that a process kept beside their fingerprints, so that they can be judged."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from samebits.store.trace import Point, ProcessTrace

MEMORY = "memory"  # places in files have the path of the file here


def place_of(point: Point) -> str:
    """Return the name of a point's place, for --ignore."""
    return f"{point.kind} {point.name}"


def numbers_by_place(trace: ProcessTrace) -> dict[str, list[float]]:
    """Return all numbers that a process kept, in order, by their places."""
    places: dict[str, list[float]] = {}
    order = np.argsort(trace.scalars["point"], kind="stable")
    rows = trace.scalars[order]
    for part in np.split(rows, np.flatnonzero(np.diff(rows["point"])) + 1) if len(rows) else ():
        places[place_of(trace.points[int(part["point"][0])])] = part["value"].tolist()
    for event in trace.events_named("numbers"):
        places[f"end {event.get('name')}"] = _numbers_of(event.get("values"))
    return places


def scalars(trace: ProcessTrace, point: Point) -> NDArray[np.void]:
    """Return the numbers that a process kept of a point, each with its step and occurrence."""
    number = next((number for number, candidate in enumerate(trace.points) if candidate[:2] == point[:2]), -1)
    rows: NDArray[np.void] = np.asarray(trace.scalars[trace.scalars["point"] == number])
    return rows


def listed(trace: ProcessTrace, point: Point) -> list[float]:
    """Return the numbers of a short list, which a point of kind "end" keeps one by one."""
    for event in trace.events_named("numbers") if point.kind == "end" else ():
        if event.get("name") == point.name:
            return _numbers_of(event.get("values"))
    return []


def shown(trace: ProcessTrace, point: Point) -> str:
    """Return the text of a point; "" if it was not kept."""
    events = [event for event in trace.events_named("shown") if (event.get("kind"), event.get("name")) == point[:2]]
    return str(events[-1].get("text") or "") if events else ""


def kept(trace: ProcessTrace) -> set[tuple[str, str]]:
    """Return the kinds and names of the points of which a process kept numbers or a text."""
    points = {trace.points[number][:2] for number in np.unique(trace.scalars["point"]).tolist()}
    points |= {("end", str(event.get("name"))) for event in trace.events_named("numbers")}
    return points | {(str(event.get("kind")), str(event.get("name"))) for event in trace.events_named("shown")}


def differing(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the pairs of numbers that differ."""
    unequal = np.flatnonzero((first != second) & ~(np.isnan(first) & np.isnan(second)))
    return list(zip(first[unequal].tolist(), second[unequal].tolist(), strict=True))


def _numbers_of(values: object) -> list[float]:
    return [float(value) for value in values if type(value) in (int, float)] if isinstance(values, list) else []


def words_of(place: str) -> str:
    """Return a place as the words of an entry, in which signs for numbers have a meaning."""
    return re.sub(r"[#@]", "~", place)
