"""Trains several times with each seed, and measures how a metric moves: within seeds, between seeds, between cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from samebits import __version__, checks, clock, controls
from samebits.errors import UsageError
from samebits.experiment import Experiment, Request, arrange
from samebits.launch.plan import make_record_folder
from samebits.model import Result
from samebits.noise import readings, result
from samebits.noise.result import NOISE_FORMAT, NoiseResult
from samebits.noise.trainings import SEED, Shown, Trainings
from samebits.options import DEFAULT_SEED
from samebits.store import record_files, write_document

__all__ = ["DOCUMENT", "SEED", "NoiseRequest", "check", "noise", "read"]

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
    checks.stop_tells(held.folder)
    found = readings.Readings(asked.request.options.metrics, asked.cases or {})

    def keep(seed: int | None, experiment: Experiment, judged: Result) -> NoiseResult:
        found.add(seed, experiment.record, judged)
        if seed == seeds[-1]:
            found.check_seeds()
            found.check_cases()
        update = {"seconds": clock.now() - began, "record": str(held.folder)}
        answer = _result(asked, found, by).model_copy(update=update)
        write_document(held.folder / DOCUMENT, answer)
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
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
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
    )


def read(folder: Path) -> NoiseResult:
    """Read the result of an earlier `noise`. Raises RecordError if it cannot be read."""
    path = folder / DOCUMENT
    content = record_files.as_object(record_files.parse(record_files.read_bytes(path), path), path)
    record_files.check_format(content, path, NOISE_FORMAT)
    return record_files.checked(content, path, NoiseResult).model_copy(update={"record": str(folder.absolute())})
