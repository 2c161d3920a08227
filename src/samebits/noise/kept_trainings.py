"""Measures the noise of existing trainings: a check, a setup of a study, or a table of numbers."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from samebits import __version__, words
from samebits.model import Setup
from samebits.noise import readings
from samebits.noise.result import BY_RECORD, NoiseResult, TrainingRun, metric_names, metric_noise
from samebits.noise.sides import NoNumbers, read_side, study_setup
from samebits.store.record import RECORD

__all__ = ["is_measurable", "measured"]


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
