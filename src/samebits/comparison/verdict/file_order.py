"""Compares the order in which two trials opened the same files. Pure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import Comparison
from samebits.documents import FileOrder
from samebits.model import ProcessKey
from samebits.store.trace import ProcessTrace

MOST_SHOWN = 16
_CODE = (".py", ".pyc", ".so")  # opened when a library needs it: its order says nothing about the data


def file_order(comparison: Comparison, number: int, process: ProcessKey) -> FileOrder | None:
    """Return the order of files of one process, in the reference and in this trial.

    The result is None if it is the same, or not known.
    """
    pair = [_trace(trial, process) for trial in (comparison.reference, comparison.trial(number))]
    orders = [_opening_order(trace) for trace in pair if trace is not None]
    return order_of(comparison.reference.id, number, *orders) if len(orders) == 2 else None


def _trace(trial: AlignedTrial, process: ProcessKey) -> ProcessTrace | None:
    return next((member.trace for member in trial.members if member.process == process), None)


def _opening_order(trace: ProcessTrace) -> list[str]:
    """Return the files in the order in which the process first opened them, without files that it wrote itself."""
    paths = (event.get("path") for event in trace.events_named("opened"))
    return list(dict.fromkeys(path for path in paths if isinstance(path, str) and not path.endswith(_CODE)))


def order_of(first: int, second: int, one: Sequence[str], other: Sequence[str]) -> FileOrder | None:
    """Compare two orders.

    Two files in folders of different names are the same one if each trial has exactly one file of that name.
    """
    names = _short(set(one) & set(other))
    _name_the_rest(names, one, other)
    rows, others = ([names[path] for path in some if path in names] for some in (one, other))
    unequal = [place for place, (a, b) in enumerate(zip(rows, others, strict=True)) if a != b]
    if not unequal:
        return None
    start = unequal[0]
    return FileOrder(
        trials=[first, second], files=len(rows), moved=len(unequal), start=start,
        one=rows[start : start + MOST_SHOWN], other=others[start : start + MOST_SHOWN],
    )  # fmt: skip


def _short(paths: Iterable[str]) -> dict[str, str]:
    """Return the path -> the part that distinguishes it from the others."""
    every = list(paths)
    shared = os.path.commonpath([PurePath(path).parent for path in every]) if every else ""
    return {path: os.path.relpath(path, shared) for path in every}


def _name_the_rest(names: dict[str, str], one: Sequence[str], other: Sequence[str]) -> None:
    """Name the files that lie in different folders: a temporary folder has a new name in each trial."""
    sides = [[path for path in dict.fromkeys(some) if path not in names] for some in (one, other)]
    counts = [Counter(PurePath(path).name for path in side) for side in sides]
    taken = set(names.values())
    shared = {name for name in counts[0] if counts[0][name] == counts[1][name] == 1 and name not in taken}
    for path in (path for side in sides for path in side):
        if PurePath(path).name in shared:
            names[path] = PurePath(path).name
