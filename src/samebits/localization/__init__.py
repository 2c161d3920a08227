"""Where trials diverge: step, phase, module, operator. Each is found by trials of its own, looked at more closely."""

from __future__ import annotations

from pathlib import Path

from samebits import checks
from samebits.experiment import Progress, Request
from samebits.kept_record import judged
from samebits.launch import origin
from samebits.localization.search import locate
from samebits.model import Result
from samebits.store import Record, open_record

__all__ = ["locate", "run", "run_record"]


def run(request: Request, progress: Progress | None = None) -> tuple[Record, Result]:
    """Check, and if the trials diverge, find out where. Raises what `checks.check` raises."""
    ended = checks.run(request, progress)
    return _located(ended.experiment.record, ended.result, progress)


def run_record(folder: Path, progress: Progress | None = None, *, run: bool = False) -> tuple[Record, Result]:
    """Find out where the trials of a record diverge. `run`: a record from elsewhere may run, too.

    Raises NotFound if its command or its folder is gone, Untrusted for a record from elsewhere.
    """
    record = open_record(folder)
    result = judged(record)
    if result.verdict == "diverged":
        origin.require(record, run=run)
    return _located(record, result, progress)


def _located(record: Record, result: Result, progress: Progress | None) -> tuple[Record, Result]:
    """The record, and its result with what was found; without a location if the trials do not diverge."""
    return record, result.model_copy(update={"location": locate(record, result, progress)})
