"""Says what helps if worker processes draw: the program's seeds do not reach them, a random_state does."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samebits import words
from samebits.documents import Fix
from samebits.store.trace import TrialTrace
from samebits_probe.controls.control import CODE

MOST_CALLS = 5


@dataclass(frozen=True)
class WorkerDraw:
    """Draws in tasks that a line of the program gave to workers. `unseeded`: classes of estimators without a seed."""

    control: str
    path: str
    line: int
    unseeded: tuple[str, ...]

    @property
    def place(self) -> str:
        """The line as "train.py:12"."""
        return f"{Path(self.path).name}:{self.line}"


def draws(trials: Iterable[TrialTrace], cause: Collection[str]) -> list[WorkerDraw]:
    """Return each draw from a generator that the controls of the cause seed, once."""
    events = [event for trial in trials for one in trial.processes for event in one.events_named("drew-in-worker")]
    found = (_draw(event) for event in events if event.get("place") and event["id"] in cause)
    return list(dict.fromkeys(found))


def _draw(event: dict[str, Any]) -> WorkerDraw:
    path, line = event["place"]
    return WorkerDraw(str(event["id"]), str(path), int(line), tuple(event["unseeded"]))


def fixes(found: Iterable[WorkerDraw], seed: int) -> list[Fix]:
    """Return the arguments that estimators need, with the lines of the program that construct these estimators."""
    lines = dict.fromkeys(line for draw in found for name in draw.unseeded for line in _lines(draw, name, seed))
    controls = dict.fromkeys(draw.control for draw in found)
    return [Fix(control=name, library="sklearn", where=CODE, lines=[*lines][:MOST_CALLS]) for name in controls if lines]


def _lines(draw: WorkerDraw, name: str, seed: int) -> Iterator[str]:
    """Yield the call of each line that constructs an estimator of a class without a random_state."""
    file = Path(draw.path).name
    places = [f"{file}:{line}" for line in _calls(Path(draw.path), name)] or [f"for {draw.place}"]
    yield from (f"{name}(..., random_state={seed})  # {place}; it draws in worker processes" for place in places)


def _calls(path: Path, name: str) -> list[int]:
    """Return the lines of a file that call a class without a random_state; empty if the file cannot be read."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError):  # the notebook's cells, or the files of a trial that is over
        return []
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    named = (call for call in calls if name == getattr(call.func, "id", getattr(call.func, "attr", None)))
    return sorted(call.lineno for call in named if "random_state" not in [one.arg for one in call.keywords])


def notes(found: Iterable[WorkerDraw]) -> list[str]:
    """Return a note for draws of functions: the lines to paste seed only the process that starts the workers."""
    places = dict.fromkeys(f"{draw.place} ({draw.control})" for draw in found if not draw.unseeded)
    where = words.listed(places)
    return [f"worker processes draw random numbers for {where}: set a seed in their function"] if places else []
