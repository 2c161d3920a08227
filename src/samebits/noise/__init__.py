"""Trains several times with each seed, and measures how a metric moves: within seeds, between seeds, between cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from samebits import __version__, checks, clock, controls, words
from samebits.errors import UsageError
from samebits.experiment import Experiment, Limits, Progress, Request, arrange
from samebits.experiment.estimates import CostEstimate
from samebits.experiment.turns import WorkProgress, side_by_side
from samebits.launch.capacity.capacity import Capacity
from samebits.launch.plan import AGAIN, make_record_folder
from samebits.model import Result, Setup
from samebits.noise import readings, result
from samebits.noise.result import BY_RECORD, NOISE_FORMAT, NoiseResult, TrainingRun, metric_names, metric_noise
from samebits.noise.sides import MetricSide, NoNumbers, read_side, several_machines, study_setup
from samebits.options import DEFAULT_SEED
from samebits.store import record_files, write_document
from samebits.store.record import RECORD, RESULT

__all__ = [
    "DOCUMENT",
    "SEED",
    "NoiseRequest",
    "Shown",
    "Trainings",
    "check",
    "is_measurable",
    "measured",
    "noise",
    "read",
]

DOCUMENT = "noise.json"


@dataclass(frozen=True)
class NoiseRequest:
    """The request of `noise`. `request`: for the trials of one seed. `seeds`: if empty, the program sets its own.

    `cases`: metric -> the regex that finds a test case and its value.
    """

    request: Request
    seeds: Sequence[int] = ()
    cases: Mapping[str, str] | None = None


def noise(asked: NoiseRequest, shown: Shown) -> NoiseResult:
    """Run the trials of each seed in a record of its own. Write noise.json after each seed.

    Raises UsageError, NotFoundError or RecordExists before anything runs.
    """
    seeds, by = check(asked)
    began = clock.now()
    held = make_record_folder(asked.request)
    found = readings.Readings(asked.request.options.metrics, asked.cases or {})

    def keep(seed: int | None, experiment: Experiment, judged: Result) -> NoiseResult:
        found.add(seed, experiment.record, judged)
        if seed == seeds[-1]:
            found.check_seeds()
            found.check_cases()
        update = {"seconds": clock.now() - began, "record": str(held.folder)}
        answer = _result(asked, found, by).model_copy(update=update)
        write_document(held.folder / DOCUMENT, answer)
        checks.stop_tells(held.folder, replace=True)  # before that, only the record of a seed can be read
        return answer

    return Trainings(asked.request, held.folder, shown).of(seeds, keep)


def check(asked: NoiseRequest) -> tuple[list[int | None], str]:
    """Return the seeds to train with, and how they reach the program.

    Raises UsageError or NotFoundError if the program could not be trained with them.
    """
    seeds, by = _reach(asked)
    if not asked.request.options.metrics and not asked.cases:
        raise UsageError("There is no metric to measure.", "--metric 'accuracy=acc: ([0-9.]+)'")
    if asked.request.host == "local":
        arrange(asked.request, asked.request.directory)
    return seeds, by


def _reach(asked: NoiseRequest) -> tuple[list[int | None], str]:
    """Return the seeds to train with, and how they reach the program. Raises UsageError if they cannot reach it."""
    request = asked.request
    in_words = any(SEED in word for word in request.command)
    seeds = list(dict.fromkeys(asked.seeds))
    if in_words:
        return list(seeds or [DEFAULT_SEED]), f"{SEED} in the command"
    if not seeds:
        return [None], ""
    if not any(controls.describe(held).is_seed for held in controls.resolve(request.controls, request.preset)):
        advice = f"python train.py --seed {SEED}; or hold a control that seeds: --control torch-seed"
        raise UsageError("--seeds: neither the command nor a control passes the seeds to the program.", advice)
    return list(seeds), "the controls that seed"


def _result(asked: NoiseRequest, found: readings.Readings, by: str) -> NoiseResult:
    names = result.metric_names(found.trainings)
    metrics = [result.metric_noise(found.trainings, name) for name in names]
    reason = None if metrics else found.why_nothing()
    return NoiseResult(
        samebits=__version__,
        created=clock.date(),
        verdict=None if metrics else "inconclusive",
        sentence=readings.sentence(metrics, found.models(), repeats=found.repeats())
        if metrics
        else f"{str(reason)[:1].upper()}{str(reason)[1:]}",
        reason=reason,
        command=asked.request.command,
        setup=found.setup(),
        seeds=[seed for seed in found.results if seed is not None],
        seed_by=by,
        trials=asked.request.options.trials,
        models=found.models(),
        repeats=found.repeats(),
        trainings=found.trainings,
        metrics=metrics,
        records={str(seed): folder for seed, folder in found.folders.items() if seed is not None},
        warnings=found.warnings,
        unseeded=found.unseeded,
    )


def read(folder: Path) -> NoiseResult:
    """Read the result of an earlier `noise`. Raises RecordError if it cannot be read."""
    path = folder / DOCUMENT
    content = record_files.as_object(record_files.parse(record_files.read_bytes(path), path), path)
    record_files.check_format(content, path, NOISE_FORMAT)
    return record_files.checked(content, path, NoiseResult).model_copy(update={"record": str(folder.absolute())})


# -- the trainings whose noise is measured: those of each seed are run, or those that are there are read --------------
# Each seed has a record of its own, and several seeds run side by side if there is room.

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
        self._seconds: float | None = None
        self._is_said = False

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
                self._say_cost(left, progress)
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
            self._say_cost(seeds, progress)
            works = [partial(one, seed, WorkProgress(progress, _title(seed))) for seed in seeds]
            side_by_side(works, most=self._room)

    def _say_cost(self, left: Sequence[int | None], progress: Progress) -> None:
        """Say what the trials of the seeds that are left cost: before the first seed, and when its time is known."""
        number = len(left) * self._request.options.trials
        if self._seconds is None:
            progress.estimate(CostEstimate(f"{words.count(len(left), 'seed')}:", number, number))
        elif self._seconds and not self._is_said:
            self._is_said = True
            progress.estimate(CostEstimate("the other seeds need", number, number, self._seconds, self._room))

    def _trained(self, seed: int | None, progress: Progress) -> tuple[Experiment, Result]:
        """Run whole trials with one seed, also those of a program that no watcher observes."""
        request = self._with_seed(seed)
        experiment = Experiment.begin(request, progress, capacity=self._capacity)
        self._capacity = experiment.capacity
        checks.stop_tells(experiment.folder)
        experiment.run(Limits(), list(range(1, request.options.trials + 1)))
        judged = experiment.judge().model_copy(update={"record": str(experiment.folder)})
        experiment.write(RESULT, judged)
        self._seconds = max((trial.seconds for trial in judged.trials), default=0.0)
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
    reason = None
    try:
        side = read_side(text)
    except NoNumbers as why:
        side, reason = MetricSide(name=text, trainings=[]), why.message
    metrics = [metric_noise(side.trainings, name) for name in metric_names(side.trainings)]
    groups: dict[int | None, list[TrainingRun]] = {}
    for training in side.trainings:
        groups.setdefault(training.seed, []).append(training)
    models = [_models(group) for group in groups.values()]
    return NoiseResult(
        samebits=__version__,
        created=clock.date(),
        verdict="inconclusive" if reason else None,
        sentence=reason or readings.sentence(metrics, models, repeats=side.repeats),
        reason=reason,
        command=[text],
        setup=Setup(command=[text], python=None, machine={"processor": "; ".join(side.machines) or "not known"}),
        seeds=[seed for seed in groups if seed is not None],
        seed_by=BY_RECORD,
        trials=max(map(len, groups.values()), default=0),
        models=models,
        repeats=side.repeats,
        trainings=side.trainings,
        metrics=metrics,
        warnings=[*side.warnings, *several_machines(side.machines, "spread")],
        record=str(Path(text).absolute()),
    )


def _models(group: list[TrainingRun]) -> int | None:
    """Return how many different models the trainings of one seed gave; None if that is not known."""
    letters = {training.model for training in group}
    return None if None in letters else len(letters)
