"""The trainings of a study: the interpreter, script and arguments of each, and what it leaves.

Every command can be run by hand, in the folder of the study.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from samebits.document import AnyNumber, Document
from samebits.environments import environment_python
from samebits.errors import DataError, NotFoundError
from samebits.model import ClockLaw
from samebits_study import catalog
from samebits_study.catalog import SEED, Study, StudyScale, StudySetup

HASH_SEED = "PYTHONHASHSEED=0"  # in every setup, as in the paper (section VII)


@dataclass(frozen=True, kw_only=True)
class Work:
    """The work of a study.

    `data`: the file that its scripts read. `seed`: of each training; None for the paper's. In a study of several seeds,
    each seed has its own, and only trials are run. `watershed`: whether touching cells are split before they are
    counted; None if there are no cells. `host`, `each`: of the watched trials, see `Request`.
    """

    study: Study
    scale_name: str
    scale: StudyScale
    trials: int
    folder: Path
    data: Path
    seed: int | None = None
    watershed: bool | None = None
    host: str = "local"
    each: Mapping[str, str] = field(default_factory=dict)

    def setup_folder(self, setup: StudySetup) -> Path:
        """Return where a setup's record and results are."""
        return self.folder / "setups" / setup.id


AGAIN = "Remove the folder of the trial: the study runs it again."


def interpreter(setup: StudySetup) -> str:
    """Return the setup's interpreter: its environment, or this one if it has the packages. Raises NotFoundError."""
    try:
        return str(environment_python(setup.environment))
    except NotFoundError:
        if setup.modules and all(importlib.util.find_spec(module) for module in setup.modules):
            return sys.executable
        what = f"{setup.id} needs the environment {setup.environment}, which has not been built."
        raise NotFoundError(what, f"samebits env create {setup.environment}") from None


def training_command(
    work: Work, setup: StudySetup, out: str, *, initial: Path | None = None, epochs: int | None = None
) -> list[str]:
    """Return the command of a training whose results go to `out`."""
    words = [*_script(work, setup), "--out", out, "--epochs", str(work.scale.epochs if epochs is None else epochs)]
    if initial is not None:
        words += ["--initial", _from_folder(work, initial)]
    if setup.one_process and epochs is None:
        words += ["--repeat", str(work.trials)]
    return words


def test_command(work: Work, setup: StudySetup, weights: Path, out: str) -> list[str]:
    """Return the command that tests saved weights again."""
    return [*_script(work, setup), "--out", out, "--test", _from_folder(work, weights)]


def _from_folder(work: Work, path: Path) -> str:
    """Return a path relative to the study's folder, where commands run. So the folder can be moved."""
    return os.path.relpath(path, work.folder)


def _script(work: Work, setup: StudySetup) -> list[str]:
    variables = [f"{name}={value}" for name, value in setup.variables.items()]
    script = catalog.SCRIPTS / work.study.scripts[setup.library]
    data = _from_folder(work, work.data)
    seed = str(SEED if work.seed is None else work.seed)
    words = ["env", HASH_SEED, *variables, "python", str(script), "--data", data, "--seed", seed]
    return [*words, *work.scale.arguments, *setup.arguments]


OUTCOME, PREDICTIONS = "outcome.json", "predictions.npz"
# Keras prints the whole seconds of an epoch. Each printed number that counts is in the outcome too.
IGNORED = ["stdout"]
# what the script of a study measures (see TrainingOutcome), where one process trains one model, and where it trains all
DURATIONS = [
    ClockLaw(place=f"{folder}/{OUTCOME} > {name} = # > number 1", law="duration")
    for folder in ("{out}", "{out}/model-#")
    for name in ("train_seconds", "test_seconds")
]


def is_whole(place: Path) -> bool:
    """Return whether a training ended, and its outcome, predictions and weights can all be read."""
    weights = [path for _, path in weights_files(place)]
    if not weights or not all(zipfile.is_zipfile(path) for path in (place / PREDICTIONS, *weights)):
        return False
    try:
        read_outcome(place)
    except DataError:
        return False
    return True


class TrainingOutcome(Document):
    """outcome.json: what the script of a study says about one training. `loss`: of each epoch."""

    library: str
    train_seconds: float
    test_seconds: float
    loss: list[AnyNumber] = []
    validation_loss: list[AnyNumber] = []


def read_outcome(place: Path) -> TrainingOutcome:
    """Read the outcome.json of a training. Raises DataError."""
    path = place / OUTCOME
    try:
        return TrainingOutcome.model_validate(json.loads(path.read_bytes()))
    except ValidationError as why:
        first = why.errors()[0]
        what = f"{path} is not the outcome of a training: {'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
        raise DataError(f"{what}.", "samebits schema outcome   (prints what it holds)") from None
    except (OSError, ValueError) as why:
        raise DataError(f"{path} cannot be read: {why}", AGAIN) from None


def weights_files(place: Path) -> list[tuple[int, Path]]:
    """Return (epoch, file) of the kept weights, with epoch 0 for the initial ones."""
    return [(int(path.stem.split("-")[1]), path) for path in sorted(place.glob("weights-*.npz"))]
