"""Takes the uninterrupted runs of an audit from a record of a check, or from an earlier audit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samebits.audit.arms import CHECKPOINT, Arm, Arms
from samebits.audit.result import Checkpoint
from samebits.endings import ENDED_WELL
from samebits.errors import UsageError
from samebits.experiment import Request
from samebits.experiment.recorded_trials import request_of
from samebits.launch import origin
from samebits.launch.plan import trial_name
from samebits.launch.processes.observations import read_json
from samebits.store import Record, TrialTrace, open_record, record_files
from samebits.store.record import TRIALS
from samebits_probe.resume import KEPT

__all__ = ["RecordedRuns"]

_BLIND = (
    "The record of a check holds values of each step, but not the state. The audit sees only effects on these values. "
    "samebits audit -- COMMAND sees the state, too."
)
WHOLE = "whole"  # in the record of an audit: the record of its uninterrupted runs


@dataclass
class RecordedRuns:
    """A record with two uninterrupted runs. `is_audit`: an audit made it, so the runs kept their files and values."""

    record: Record
    trials: list[TrialTrace]
    is_audit: bool

    @classmethod
    def read(cls, folder: Path) -> RecordedRuns:
        """Open a record. Raises UsageError if it does not hold two whole runs, and RecordError if it cannot be read."""
        is_audit = (folder / WHOLE).is_dir()
        record = open_record(folder / WHOLE if is_audit else folder)
        trials = [trial for trial in record.trials if trial.file.status in ENDED_WELL][:2]
        if len(trials) < 2 or record.file.host != "local":
            raise _unusable(folder, "holds fewer than two trials that ended well on this machine")
        config = record_files.as_object(read_json(_folder(record, trials[0]) / "config.json"), folder)
        most = config["thin"]["after"]
        if any(process.steps > most for process in trials[0].observed):
            raise _unusable(folder, f"holds only digests of the steps after {most:,}")
        return cls(record, trials, is_audit)

    @property
    def hash(self) -> str:
        """The hash algorithm of its fingerprints."""
        return self.record.file.hash

    @property
    def is_own(self) -> bool:
        """Whether it was made by this user here."""
        return origin.is_own(self.record)

    def request(self, given: Request) -> Request:
        """Return the request of the record, with a folder of its own."""
        return replace(request_of(self.record), out=given.out, overwrite=given.overwrite)

    def arm(self, arms: Arms, number: int) -> Arm:
        """Return one of the two runs. A check kept its files only at its end: the second run gets a copy of these."""
        trial = self.trials[number]
        arm = arms.read(trial, _folder(self.record, trial))
        if self.is_audit or not number:
            return arm
        copy = arms.folder / "recorded-files"
        shutil.copytree(arm.out, copy / "out", symlinks=True)
        arms.warnings.append(_BLIND)
        return replace(arm, copy=copy)

    def usable(self, known: Sequence[Checkpoint], resume: Sequence[str]) -> list[Checkpoint]:
        """Return the checkpoints that the record still holds. Raises UsageError if there is none."""
        if self.is_audit:
            places = [path for path in self.record.folder.glob("trials/*/processes/*/" + KEPT.replace("%d", "*"))]
            names = {path.name for path in places}
            return [one for one in known if KEPT % one.step in names]
        if not any(CHECKPOINT in word for word in resume):
            what = "A record of a check holds all checkpoints side by side, so --resume must name {checkpoint}."
            raise UsageError(what, "--resume 'python train.py --resume {checkpoint} --out {out}'")
        if not known:
            raise _unusable(self.record.folder, "holds no file in {out} whose name has the number of a step")
        return list(known)


def _folder(record: Record, trial: TrialTrace) -> Path:
    return record.folder.absolute() / TRIALS / trial_name(trial.id)


def _unusable(folder: Path, why: str) -> UsageError:
    advice = "samebits audit -- COMMAND ...   (runs the training itself, and sees when it saves)"
    return UsageError(f"{folder} {why}, so audit cannot take the uninterrupted run from it.", advice)
