"""What diverged in a program that takes no step: the file or the array that the trials of a setting must have."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.comparison.classification import GLOBALS
from samebits.comparison.file_names import pattern_of
from samebits.model import Result
from samebits.names import matches_any
from samebits.store.trace import TrialTrace

__all__ = ["holds", "sought_without_steps"]


def sought_without_steps(result: Result, trials: Sequence[TrialTrace]) -> str:
    """Return the file or the array in which trials diverge, if the program takes no step; "" if there is none.

    For a file it is a pattern, because its path may hold a time or an id of the run.
    """
    divergence = result.divergence
    if divergence is None or divergence.kind != "end" or any(trial.steps for trial in result.trials):
        return ""
    name = divergence.name or ""
    if name.startswith(GLOBALS):
        return name
    return pattern_of([name.partition(" > ")[0]], [[file.path for file in trial.files.files] for trial in trials])


def holds(trial: TrialTrace, name: str) -> bool:
    """Return whether a trial ended well and left an array of that name, or a file that it matches as a pattern."""
    files = {file.path for file in trial.files.files}
    arrays = {point.name for process in trial.observed for point in process.points if point.kind == "end"}
    is_there = name in files | arrays or any(matches_any(path, [name]) for path in files)
    return trial.file.status == "complete" and is_there
