"""Judges existing records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits.comparison import judge
from samebits.comparison.verdict.merged_records import judged_together, levels
from samebits.documents import Location
from samebits.errors import SamebitsError, UsageError
from samebits.model import Result
from samebits.store.record import LOCATION, Record, left_result, open_record
from samebits.store.record_files import DISTANCES, read_document


def judged_pair(first: Path | str, second: Path | str, *, aligns: bool = True) -> tuple[Any, Result]:
    """Judge two records together. Return (both as one record that reports can show, the result).

    `aligns`: whether layers with different names may belong together. Raises UsageError if they cannot be compared.
    """
    records = open_record(first), open_record(second)
    if records[0].folder.resolve() == records[1].folder.resolve():
        raise UsageError(f"{first} is named twice: a record always equals itself.", "name two records.")
    joined, result = judged_together(*records, aligns=aligns)
    return joined, result.model_copy(update={"levels": levels(joined, result)})


def judged(record: Record) -> Result:
    """Judge a record again. Raises RecordError if its trials cannot be read.

    Only the run itself can measure the size of a divergence. It comes from the result that the run left.
    """
    result = judge(record.file, record.trials)
    update = {"record": str(record.folder.absolute()), "location": location_of(record, result)}
    result = result.model_copy(update=update)
    return _with_measures(result, left_result(record.folder))


def reported(record: Record) -> Result:
    """Judge a record again, and return the result with the answer about a golden file that the run left.

    That answer holds only if the trials still agree with each other.
    """
    result, left = judged(record), left_result(record.folder)
    if left is None or left.golden is None or result.verdict != "repeated":
        return result
    fields = ("golden", "verdict", "sentence", "reason", "advice")
    return result.model_copy(update={name: getattr(left, name) for name in fields})


def location_of(record: Record, result: Result) -> Location | None:
    """Return what an earlier locate found about the divergence of the result; None if it looked at a different one."""
    if (where := result.divergence) is None:
        return None
    try:
        location = read_document(record.folder / LOCATION, Location, DISTANCES)
    except SamebitsError:
        return None
    # more trials (--add) can diverge earlier
    return location if (location.step, location.kind, location.name) == (where.step, where.kind, where.name) else None


def _with_measures(result: Result, left: Result | None) -> Result:
    if left is None or left.verdict != result.verdict:
        return result
    result = result.model_copy(update={"explanation": left.explanation})
    if left.explanation is not None:
        warnings = left.explanation.warnings(result.warnings, result.unseeded)
        result = result.model_copy(update={"warnings": warnings})
    return result.sized_as(left)
