"""A study of several seeds: what a different seed adds to a result, beside what trials of one seed add.

Each seed has a study of its own, in a folder of its own. All train on the same data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from samebits import __version__
from samebits.errors import UsageError
from samebits.experiment import Progress
from samebits.model import Document
from samebits.store import read_document, write_document
from samebits_study import conductor
from samebits_study.conductor import StudyRequest
from samebits_study.results import RESULT, StudyResult

SEEDS = "seeds.json"  # in the folder of a study of several seeds


class SeedsDeviation(Document):
    """A standard deviation, with the limits of its 95 % interval."""

    deviation: float
    low: float
    high: float


class SeedsMeasure(Document):
    """The mean of a measure over all trainings of a setup, what seeds add to it, and what trials of one seed add."""

    setup: str
    measure: str
    mean: float
    of_seeds: SeedsDeviation
    of_trials: SeedsDeviation


class SeedsStudy(Document):
    """The studies of all seeds, as far as they have been run: the folder of each, below this document's.

    `measures`: empty until all seeds have been run.
    """

    format: int = 1
    samebits: str
    study: str
    scale: str
    trials: int
    seeds: list[int]
    folders: list[str]
    measures: list[SeedsMeasure] = []


def conduct(asked: StudyRequest, seeds: Sequence[int], progress: Progress) -> SeedsStudy:
    """Run what is missing of the study of each seed. Raises UsageError, and the errors of `conductor.conduct`."""
    if len(set(seeds)) != len(seeds) or len(seeds) < 2:
        raise UsageError("--seeds needs at least two different seeds, each once.", "--seeds 1,2,3,4,5,6,7")
    folder = asked.folder.absolute()
    if (folder / RESULT).is_file():
        raise UsageError(f"{folder} holds a study of one seed.", "Name a different folder with --out DIR.")
    names = [f"seed-{seed}" for seed in seeds]
    made: list[StudyResult] = []
    for seed, name in zip(seeds, names, strict=True):
        progress.note(f"seed {seed}, {len(made) + 1} of {len(seeds)}")
        one = replace(asked, folder=folder / name, seed=seed, data=folder / "data")
        made.append(conductor.conduct(one, progress))
        found = SeedsStudy(
            samebits=__version__,
            study=asked.study,
            scale=asked.scale,
            trials=made[0].trials,
            seeds=list(seeds[: len(made)]),
            folders=names[: len(made)],
        )
        write_document(folder / SEEDS, found)
    return found


def kept(folder: Path) -> tuple[SeedsStudy, list[StudyResult]]:
    """Read a study of several seeds, and that of each seed. Raises RecordError if a document is damaged."""
    found = read_document(folder / SEEDS, SeedsStudy)
    return found, [read_document(folder / name / RESULT, StudyResult) for name in found.folders]
