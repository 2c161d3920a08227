"""One setting: a record of its own, whose trials hold some controls, and to which trials are added one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samebits import check, store
from samebits.explain.seen import Seen, Where
from samebits.launch import custody, documents, recorded
from samebits.launch.plan import Plan, Request, make_plan
from samebits.launch.progress import Progress
from samebits.launch.rounds import NO_VERDICT, Looked, Trials
from samebits.launch.trial import Limits
from samebits.model import Divergence, RecordFile, Result, TrialFile
from samebits.store.outputs import last_words
from samebits_probe import wire


@dataclass
class Setting:
    """A record that grows. `steps`: how many each trial makes, None for whole trials. `result`: None without trials.
    `excused`: see Seen."""

    trials: Trials
    file: RecordFile
    steps: int | None
    result: Result | None = None
    seconds: float = 0.0
    excused: frozenset[str] = frozenset()

    @property
    def plan(self) -> Plan:
        """What is run."""
        return self.trials.plan

    @property
    def number(self) -> int:
        """How many trials it has."""
        return len(self.result.trials) if self.result else 0

    def run(self, more: int) -> Looked:
        """Run more trials, and judge all. Where that is interrupted, the record is left as it was."""
        ids = list(range(self.number + 1, self.number + more + 1))
        with documents.full_disk_said(self.plan.record):
            try:
                looked = self.trials.run_round(Limits(steps=self.steps), ids)
            except BaseException:
                self._forget(ids)
                raise
            options = self.file.options.model_copy(update={"trials": len(ids) + self.number, "steps": self.steps})
            self.file = check.after(self.file.model_copy(update={"options": options}), looked)
            check.save(self.plan, self.file)
        self.result = check.judge(self.plan)
        self.seconds += looked.seconds
        return looked

    def _forget(self, ids: Sequence[int]) -> None:
        """Remove trials that are not to count: one that was cut short would take away the verdict of the others."""
        for id in ids:
            folder = self.plan.trial_folder(id)
            if folder.exists():
                custody.remove(folder.rename(self.plan.record / f"{custody.NEW}{folder.name}"))

    def seen(self) -> Seen:
        """What its trials show."""
        held = frozenset(self.plan.controls)
        if self.result is None:
            return Seen(held, excused=self.excused)
        files = store.open_record(self.plan.record).trials
        broke = next((words(trial.file, self.plan) for trial in files if trial.file.status in NO_VERDICT), "")
        judged = self.result.verdict != "inconclusive" or self.number < 2
        return Seen(
            held,
            groups=tuple(sorted(map(len, self.result.groups), reverse=True)),
            where=place(self.result.divergence) if self.result.verdict == "diverged" else None,
            broke=broke,
            unclear="" if judged or broke else self.result.reason or "",
            effect={control.id: (control.took_effect, control.detail) for control in self.result.setup.controls},
            excused=self.excused,
        )


def place(divergence: Divergence | None) -> Where | None:
    """Where trials part, in the order of judging."""
    if divergence is None:
        return None
    return divergence.process.order, divergence.step, wire.CODE[divergence.kind]


def words(file: TrialFile, plan: Plan) -> str:
    """How a trial ended badly, with the last line that it wrote to standard error."""
    said = last_words(plan.trial_folder(file.id))
    return file.why + (f": {said}" if said and file.status == "failed" else "")


def make(request: Request, progress: Progress) -> Setting:
    """A setting without trials, in the record folder that the request names."""
    plan = make_plan(replace(request, against=None))
    file = check.describe(plan)
    check.save(plan, file)
    return Setting(Trials(plan, progress), file, request.options.steps)


def adopt(folder: Path, result: Result, progress: Progress) -> Setting:
    """The setting of a record that check has made: as many steps as its last round made."""
    old = store.open_record(folder)
    return Setting(check.resume(old, progress), old.file, recorded.last_steps(old), result)
