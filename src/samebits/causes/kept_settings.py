"""A search that was stopped before its end: which record has one, and which settings have whole trials."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from samebits import controls, store
from samebits.documents import Explanation
from samebits.errors import SamebitsError
from samebits.experiment import Experiment, Progress, Request, recorded_trials
from samebits.launch import origin
from samebits.launch.capacity.capacity import Capacity
from samebits.store.record import RECORD, RECORDS


def stopped_search(folder: Path) -> Explanation | None:
    """Return what a search had found when it was stopped; None if the record has no such search."""
    left = store.left_result(folder)
    explanation = left.explanation if left is not None else None
    return explanation if explanation is not None and explanation.unfinished else None


def record_of(request: Request) -> Path | None:
    """Return the record in which the same request was stopped: the one that it names, or the latest one here."""
    records = (request.directory / RECORDS).glob(f"*/{RECORD}")
    latest = max(records, key=lambda path: path.stat().st_mtime, default=request.directory / RECORDS / RECORD).parent
    folder = request.out or latest
    if request.overwrite or not (folder / RECORD).is_file() or stopped_search(folder) is None:
        return None
    try:
        record = store.open_record(folder)
        return folder if _is_same(record, request) and origin.is_own(record) else None
    except SamebitsError:
        return None


def _is_same(record: store.Record, request: Request) -> bool:
    """Return whether a record was made for this request, and its scripts have not changed since."""
    was, file, new = recorded_trials.request_of(record), record.file, request.options
    fields = ("command", "directory", "python", "environment", "host", "each", "seed", "variables")
    same = all(getattr(was, name) == getattr(request, name) for name in fields)
    same_controls = file.controls == controls.resolve(request.controls, request.preset)
    grown = {"trials": new.trials, "steps": new.steps} if file.options.trials > new.trials else {}
    options = file.options.model_copy(update=grown)
    return same and same_controls and options == new and not recorded_trials.changed_script(record)


class KeptSettings:
    """The records of settings below a record whose search was stopped. Each is used once."""

    def __init__(self, folder: Path) -> None:
        self._records: dict[tuple[frozenset[str], int | None], store.Record] = {}
        for path in sorted(folder.glob("[0-9]*")):
            try:
                record = store.open_record(path)
                key = frozenset(record.file.controls), record.file.options.steps
                if record.trials:
                    self._records.setdefault(key, record)
            except SamebitsError:  # it was stopped while it wrote
                continue

    def steps_after(self, held: Iterable[str], steps: int | None) -> int | None:
        """Return the next larger number of steps with which these controls were tried; None if there is none."""
        names = frozenset(held)
        numbers = [many for some, many in self._records if some == names and many is not None]
        return min((many for many in numbers if steps is not None and many > steps), default=None)

    def resumed(
        self, held: Iterable[str], steps: int | None, progress: Progress, capacity: Capacity
    ) -> Experiment | None:
        """Return the record of a setting with its whole trials; None if it has none."""
        record = self._records.pop((frozenset(held), steps), None)
        if record is None:
            return None
        experiment = Experiment.resume(record, progress, capacity=capacity)
        experiment.recall(record.trials)
        experiment.forget(recorded_trials.interrupted(record))
        experiment.change(trials=len(experiment.record.trials), steps=steps)
        return experiment
