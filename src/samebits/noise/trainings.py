"""Gets the trainings whose noise is measured: runs those of each seed, or reads what earlier trainings left.

Each seed has a record of its own, and several seeds run side by side if there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TypeVar

from samebits import __version__, words
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.experiment.turns import WorkProgress, side_by_side
from samebits.launch.capacity import Capacity
from samebits.launch.plan import AGAIN
from samebits.model import Result, Setup
from samebits.noise import readings
from samebits.noise.result import BY_RECORD, NoiseResult, TrainingRun, metric_names, metric_noise
from samebits.noise.sides import NoNumbers, read_side, study_setup
from samebits.store.record import RECORD, RESULT

__all__ = ["SEED", "Shown", "Trainings", "is_measurable", "measured"]

SEED = "{seed}"  # stands for the seed in the words of the command
Shown = Callable[[str], AbstractContextManager[Progress]]  # a title -> the progress of the trainings under this title
T = TypeVar("T")


class Trainings:
    """Runs trials with each seed. `request`: the request for one seed. `folder`: the folder of the records."""

    def __init__(self, request: Request, folder: Path, shown: Shown) -> None:
        self._request, self._folder, self._shown = replace(request, again=AGAIN), folder, shown
        jobs = request.options.jobs
        self._capacity = None if jobs == "auto" else Capacity(jobs)
        self._done: dict[int | None, tuple[Experiment, Result]] = {}

    def of(self, seeds: Sequence[int | None], keep: Callable[[int | None, Experiment, Result], T]) -> T:
        """Run the trainings of these seeds. Return the last result of `keep`.

        `keep` receives each finished seed as soon as possible, in the order of the seeds.
        """
        left, kept = list(seeds), list[T]()

        def one(seed: int | None, progress: Progress) -> None:
            self._done[seed] = self._trained(seed, progress)
            while left and left[0] in self._done:
                kept.append(keep(left[0], *self._done.pop(left.pop(0))))

        while left and self._room == 1:
            with self._shown(_title(left[0])) as progress:
                one(left[0], progress)
        if left:
            self._run_beside(left, one)
        return kept[-1]

    @property
    def _room(self) -> int:
        """How many trainings run at a time; 1 as long as that is not known."""
        return self._capacity.at_a_time if self._capacity else 1

    def _run_beside(self, seeds: Sequence[int | None], one: Callable[[int | None, Progress], None]) -> None:
        with self._shown(f"{words.count(len(seeds), 'seed')}, up to {self._room} trainings at a time") as progress:
            works = [partial(one, seed, WorkProgress(progress, _title(seed))) for seed in seeds]
            side_by_side(works, most=self._room)

    def _trained(self, seed: int | None, progress: Progress) -> tuple[Experiment, Result]:
        """Run whole trials with one seed, also those of a program that no watcher observes."""
        request = self._with_seed(seed)
        experiment = Experiment.begin(request, progress, capacity=self._capacity)
        self._capacity = experiment.capacity
        experiment.run(Limits(), list(range(1, request.options.trials + 1)))
        judged = experiment.judge().model_copy(update={"record": str(experiment.folder)})
        experiment.write(RESULT, judged)
        return experiment, judged

    def _with_seed(self, seed: int | None) -> Request:
        """Return the request for one seed: whole trials in a record of their own."""
        asked, folder = self._request, self._folder / ("own" if seed is None else f"seed-{seed}")
        options = asked.options.model_copy(update={"full": True})
        command = [word.replace(SEED, str(seed)) for word in asked.command] if seed is not None else asked.command
        return replace(asked, command=command, options=options, seed=seed, out=folder)


def _title(seed: int | None) -> str:
    return "the program's own seed" if seed is None else f"seed {seed}"


def is_measurable(text: str) -> bool:
    """Return whether the text names a record of a check, a study, or a table, and not a command."""
    is_record = Path(text, RECORD).is_file() or Path(text).suffix == ".csv"
    return is_record or study_setup(text)[0] is not None


def measured(text: str) -> NoiseResult:
    """Measure the noise of the trainings that the text names. Nothing runs. Raises UsageError or RecordError."""
    try:
        side = read_side(text)
    except NoNumbers as why:
        return _nothing(text, why.message)
    metrics = [metric_noise(side.trainings, name) for name in metric_names(side.trainings)]
    groups: dict[int | None, list[TrainingRun]] = {}
    for training in side.trainings:
        groups.setdefault(training.seed, []).append(training)
    models = [_models(group) for group in groups.values()]
    return NoiseResult(
        samebits=__version__,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        sentence=readings.sentence(metrics, models, repeats=side.repeats),
        command=[text],
        setup=_setup(text, side.machines),
        seeds=[seed for seed in groups if seed is not None],
        seed_by=BY_RECORD,
        trials=max(map(len, groups.values())),
        models=models,
        repeats=side.repeats,
        trainings=side.trainings,
        metrics=metrics,
        warnings=[*side.warnings, *_of_machines(side.machines)],
        record=str(Path(text).absolute()),
    )


def _nothing(text: str, why: str) -> NoiseResult:
    """Return the result for trainings that gave no value."""
    return NoiseResult(
        samebits=__version__,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        verdict="inconclusive",
        sentence=why,
        reason=why,
        command=[text],
        setup=_setup(text, []),
        seed_by=BY_RECORD,
        trials=0,
        record=str(Path(text).absolute()),
    )


def _of_machines(machines: list[str]) -> list[str]:
    if len(machines) < 2:
        return []
    return [f"the trainings ran on {words.count(len(machines), 'machine')}: these may cause a part of the spread"]


def _setup(text: str, machines: list[str]) -> Setup:
    return Setup(command=[text], python=None, machine={"processor": "; ".join(machines) or "not known"})


def _models(group: list[TrainingRun]) -> int | None:
    """Return how many different models the trainings of one seed gave; None if that is not known."""
    letters = {training.model for training in group}
    return None if None in letters else len(letters)
