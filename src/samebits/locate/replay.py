"""Operators of the step that differ when they are run again on the same inputs, in one process (`samebits ops`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from samebits import ops
from samebits.experiment import Progress, recorded_trials
from samebits.ops.documents import DifferingPlace
from samebits.store import Record

_WATCHER = "pytorch"  # no other library's operators can be replayed


def replayed(record: Record, step: int, folder: Path, progress: Progress) -> list[str]:
    """`operator (phase, line), differed in k of n replays`, in the order of their first runs; none where none can be.

    In a backward the line is that of the forward which it belongs to.

    `folder`: where the run has its record; the caller removes it.
    """
    if not _uses_torch(record):
        return []
    request = replace(recorded_trials.request_of(record), overwrite=False)
    found = ops.replay(request, step, folder=folder, progress=progress)
    said = [
        f"{one.operator} ({_place(one)}), differed in {one.replays_differed} of {one.replays} replays"
        for one in found.differed
    ]
    return list(dict.fromkeys(said))


def _place(one: DifferingPlace) -> str:
    if not one.line:
        return one.phase
    return f"{one.phase}{' of' if one.phase == 'backward' else ','} {one.file}:{one.line}"


def _uses_torch(record: Record) -> bool:
    processes = [process for trial in record.trials for process in trial.observed]
    return any(event.get("name") == _WATCHER for process in processes for event in process.events_named("watcher"))
