"""One look: trials that run to the step in which they diverge, and are observed more closely there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from samebits import comparison, store
from samebits.experiment import Experiment, Limits, Progress, recorded_trials
from samebits.localization.execution import Execution
from samebits.model import ENDED_WELL, Divergence, RecordFile

FOLDER = "locate"
MOST_BYTES = 1 << 27  # of values that one process of a look keeps
MORE_STEPS = 20  # after the one that is looked into, in which it is seen how far the trials go apart
MORE_SECONDS = 30.0  # that these may take in each trial


@dataclass(frozen=True)
class InspectedTrials:
    """The trials of a look that ended well and agreed up to the step; all of them where those went on to agree.

    `divergence`: what the usual comparison finds among them.
    """

    step: int
    trials: list[Execution]
    divergence: Divergence | None
    failed: list[str]


@dataclass(frozen=True)
class Looker:
    """Runs trials of a record anew. `follow`: name of the weight that is followed; `more`: for so many steps."""

    experiment: Experiment
    file: RecordFile
    process: int
    follow: str
    more: int

    def look(self, step: int, level: str, count: int) -> InspectedTrials:
        """Run `count` trials to behind `step`, which is looked into at a level: "module" or "operator"."""
        most = step + 1 + self.more
        followed = {
            "first": max(step - 1, 0),
            "last": step + self.more,
            "kinds": ("start", "update"),
            "name": self.follow,
        }
        details = {"step": step, "level": level, "most": MOST_BYTES}
        limits = Limits(steps=most, tensors=followed if self.follow else None, details=details)
        self.experiment.recall(())
        looked = self.experiment.run(limits, list(range(1, count + 1)), tries_first=True)
        well = [file.id for file in looked.files if file.status in ENDED_WELL]
        trials = [self._seen(trial) for trial in well]
        failed = [file.why or file.status for file in looked.files if file.status not in ENDED_WELL]
        alike, divergence = parting_in(step, self.file, trials)
        return InspectedTrials(step, alike, divergence, failed)

    def _seen(self, trial: int) -> Execution:
        folders = self.experiment.processes(trial)
        folder = folders[self.process] if self.process < len(folders) else None
        return Execution(self.experiment.trial(trial), folder)


def parting_in(step: int, file: RecordFile, trials: list[Execution]) -> tuple[list[Execution], Divergence | None]:
    """(trials that agree up to a step and part in it, where they do): parted before, they would show it there too.

    Where none do: all trials, and where they diverge elsewhere, if they do.
    """
    divergence = everywhere = _divergence(file, trials)
    alike = trials
    while divergence is not None and max(divergence.step, 0) < step:
        left = [seen for seen in alike if seen.trial.id in divergence.trials]
        stayed = [seen for seen in alike if seen.trial.id not in divergence.trials]
        alike = max(stayed, left, key=len)
        divergence = _divergence(file, alike)
    is_there = divergence is not None and max(divergence.step, 0) == step
    return (alike, divergence) if is_there else (trials, everywhere)


def _divergence(file: RecordFile, trials: Sequence[Execution]) -> Divergence | None:
    return comparison.judge(file, [seen.trial for seen in trials]).divergence if len(trials) > 1 else None


@contextmanager
def looker(record: store.Record, where: Divergence, progress: Progress) -> Iterator[Looker]:
    """A looker whose trials have a folder in the record, which is gone afterwards.

    Raises NotFound where the record's command or folder is gone.
    """
    request = recorded_trials.request_of(record)
    options = request.options.model_copy(update={"artifacts": [], "metrics": {}})
    with Experiment.inside(record, FOLDER, replace(request, options=options), progress) as experiment:
        yield Looker(experiment, record.file, where.process.order, _followed(record, where), _more(record))


def _more(record: store.Record) -> int:
    """How many steps after the divergence fit into the time for them."""
    each = [trial.file.seconds / max(1, process.steps) for trial in record.trials for process in trial.observed]
    return max(1, min(MORE_STEPS, int(MORE_SECONDS / max(each, default=MORE_SECONDS)))) if each else 1


def _followed(record: store.Record, where: Divergence) -> str:
    """The weight that is followed: that of the divergence, else the first that is trained; "" where there is none."""
    points = _points(record, where)
    weights = [name for kind, name in points if kind == "gradient"] or [n for k, n in points if k == "update"]
    weights = [name for name in weights if ("update", name) in points]
    return where.name if where.name in weights else next(iter(weights), "")


def _points(record: store.Record, where: Divergence) -> Sequence[tuple[str, str]]:
    for trial in record.trials:
        if where.process.order < len(trial.observed):
            points = trial.observed[where.process.order].points
            return [(point.kind, point.name) for point in points if point.dtype]
    return []
