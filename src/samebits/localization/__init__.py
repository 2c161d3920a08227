"""Finds where trials diverge: step, phase, module, operator. New trials run for the modules, and for the operators."""

from __future__ import annotations

from pathlib import Path

from samebits import checks
from samebits.experiment import Progress, Request
from samebits.kept_record import judged
from samebits.launch import origin
from samebits.localization.search import locate
from samebits.model import Result
from samebits.store import Record, open_record

__all__ = ["locate", "run"]


def run(
    asked: Request | Path, progress: Progress | None = None, *, run: bool = False, heat: bool = False
) -> tuple[Record, Result]:
    """Find out where the trials of a request (after a check) or of the record in a folder diverge.

    `run`: run the command even if the record is from elsewhere. `heat`: also measure the distance of every tensor.
    Returns the record and its result. The result has no location if the trials do not diverge. Raises the errors of
    `checks.run`; for a record, NotFoundError if its command or its folder is gone, and UntrustedRecord if it is from
    elsewhere.
    """
    record, result = _recorded(asked, run=run) if isinstance(asked, Path) else _checked(asked, progress)
    return record, result.model_copy(update={"location": locate(record, result, progress, heat=heat)})


def _checked(request: Request, progress: Progress | None) -> tuple[Record, Result]:
    ended = checks.run(request, progress)
    return ended.experiment.record, ended.result


def _recorded(folder: Path, *, run: bool) -> tuple[Record, Result]:
    record = open_record(folder)
    result = judged(record)
    if result.verdict == "diverged":
        origin.require(record, run=run)
    return record, result
