"""Finds what the program of a trial wrote last on standard error if the trial did not end well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from samebits.comparison.verdict.merged_records import MergedRecord
from samebits.endings import ENDED_WELL
from samebits.model import Result
from samebits.reports.result_words import cell_words
from samebits.store.outputs import last_lines, last_words

if TYPE_CHECKING:
    from samebits.store.record import Record


class ProgramError(NamedTuple):
    """The error of a trial. `said`: in one line. `lines`: the last lines that the trial wrote."""

    trial: int
    said: str
    lines: list[str]

    @property
    def about(self) -> str:
        """What the lines are."""
        return f"last lines of trial {self.trial} on standard error"


def program_error(result: Result, record: Record | MergedRecord | None) -> ProgramError | None:
    """Return the error of the first trial that did not end well; None if there is none, or if it wrote nothing."""
    badly = next((trial.id for trial in result.trials if trial.status not in ENDED_WELL), None)
    if badly is None or record is None:
        return None
    folder = _folder(record, badly)
    lines = last_lines(folder)
    return ProgramError(badly, _in_cell(record, badly) or last_words(folder), lines) if lines else None


def _in_cell(record: Record | MergedRecord, trial: int) -> str:
    """Return the exception with which the last cell of a notebook ended, and its place; "" if there is none."""
    processes = [process for trace in record.trials if trace.id == trial for process in trace.processes]
    for process in processes:
        begun, raised = process.events_named("cell-runs"), process.events_named("cell-raised")
        last = raised[-1] if raised else {}
        if begun and last.get("number") and last["number"] == begun[-1].get("number"):
            return f"{cell_words(last['number'], last.get('line') or 0)}: {last.get('text')}"
    return ""


def _folder(record: Record | MergedRecord, trial: int) -> Path:
    """Return the folder of a trial. If two records are compared, the trials of the second one have new numbers."""
    folder, number = record.folder, trial
    if isinstance(record, MergedRecord):
        first, second = record.sides
        if trial in second.trials:
            folder, number = second.folder, trial - max(first.trials, default=0)
    return folder / "trials" / f"{number:03d}"
