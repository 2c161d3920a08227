"""From what the trainings of a setup left on disk to its result: nothing is trained or run here."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits import comparison, store
from samebits.errors import DataError
from samebits.model import Result
from samebits.store.record import RECORD as RECORD_FILE
from samebits_parity.init import formulas
from samebits_parity.init.fans import ordinary
from samebits_study import outcomes, runs
from samebits_study.catalog import Library, StudySetup
from samebits_study.commands import Work
from samebits_study.outcomes import weights_files
from samebits_study.results import Cells, Digits, Initial, Plain, Retest, SetupResult, TrainedModel, WeightDistance

AGAIN = "Remove the folder of the trial: the study runs it again."
Judge = Callable[[NDArray[Any]], Digits | Cells]


def collect(work: Work, setup: StudySetup, judge: Judge, retests: list[Retest], reason: str = "") -> SetupResult:
    """The result of a setup, with as many trials as `work` has. Raises DataError, RecordError.

    `judge`: what the test predictions are worth; `reason`: why it is not complete.
    """
    folder = runs.record_folder(work, setup)
    if not (folder / RECORD_FILE).is_file():
        return SetupResult(id=setup.id, about=setup.about, status="skipped", reason=reason, trials=work.trials)
    places = places_of_models(work, setup)
    models = [_model(number, place, judge, _machine(folder, setup, number)) for number, place in places]
    record = store.open_record(folder)
    whole = [trial for trial in record.trials if trial.file.id <= work.trials] if places else []
    judged = comparison.judge(record.file, whole) if whole else None
    return SetupResult(
        id=setup.id,
        about=setup.about,
        status="done" if len(places) == work.trials and not reason else "partial",
        reason=reason,
        trials=work.trials,
        library=str(outcomes.read_outcome(places[0][1])["library"]) if places else "",
        command=record.file.command,
        groups=groups_of(models),
        models=models,
        distances=distances(places, groups_of(models)),
        retests=retests,
        plain=_plain(work, setup, models),
        initial=look(weights_files(places[0][1])[0][1], setup.library) if places else [],
        **_verdict(judged, setup),
    )


def places_of_models(work: Work, setup: StudySetup) -> list[tuple[int, Path]]:
    """(number, folder of its results) of each model that is whole."""
    held = runs.record_folder(work, setup) / "trials"
    folders = [held / f"{number:03d}" for number in range(1, 2 if setup.one_process else work.trials + 1)]
    places = [place for folder in folders for place in runs.places_of_trial(setup, folder, work.trials)]
    return [(number, place) for number, place in enumerate(places, 1) if outcomes.is_whole(place)]


def _verdict(judged: Result | None, setup: StudySetup) -> dict[str, Any]:
    """What check says of the trials; of a setup with one process only its controls."""
    if judged is None:
        return {}
    if setup.one_process:
        return {"controls": judged.setup.controls}
    return {
        "controls": judged.setup.controls,
        "verdict": judged.verdict,
        "sentence": judged.sentence if judged.verdict != "inconclusive" else judged.reason or "",
        "divergence": judged.divergence,
    }


def _model(number: int, place: Path, judge: Judge, machine: str) -> TrainedModel:
    outcome = outcomes.read_outcome(place)
    worth = judge(read_predictions(place))
    return TrainedModel(
        trial=number,
        weights=fingerprint(last_weights(place)),
        predictions=fingerprint(place / "predictions.npz"),
        train_seconds=outcome["train_seconds"],
        test_seconds=outcome["test_seconds"],
        machine=machine,
        loss=outcome.get("loss", []),
        validation_loss=outcome.get("validation_loss", []),
        digits=worth if isinstance(worth, Digits) else None,
        cells=worth if isinstance(worth, Cells) else None,
    )


def read_predictions(place: Path) -> NDArray[Any]:
    """What a model gave for the test data. Raises DataError."""
    path = place / outcomes.PREDICTIONS
    try:
        with np.load(path) as saved:
            found: NDArray[Any] = saved["predictions"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as why:
        raise DataError(f"{path} cannot be read: {why}", AGAIN) from None
    return found


def last_weights(place: Path) -> Path:
    """The file of the trained weights."""
    return weights_files(place)[-1][1]


def fingerprint(path: Path) -> str:
    """32 hex digits over a file of arrays: names do not count, their order does. Raises DataError."""
    saved = store.fingerprint_file(path, named=True)
    if saved.error:
        raise DataError(f"{path}: {saved.error}", AGAIN)
    return hashlib.blake2b("".join(saved.tensors.values()).encode(), digest_size=16).hexdigest()


def groups_of(models: list[TrainedModel]) -> list[list[int]]:
    """Trials with equal weights, in the order in which they come."""
    groups: dict[str, list[int]] = {}
    for model in models:
        groups.setdefault(model.weights, []).append(model.trial)
    return list(groups.values())


def distances(places: list[tuple[int, Path]], groups: list[list[int]]) -> list[WeightDistance]:
    """Of each group's first trial from the first trial of the largest group: one line for each other model."""
    if len(groups) < 2:
        return []
    known = dict(places)
    reference = max(groups, key=len)[0]
    base = {epoch: _flat(path) for epoch, path in weights_files(known[reference])}
    return [_distance(group[0], known[group[0]], base) for group in groups if group[0] != reference]


def _distance(trial: int, place: Path, base: dict[int, NDArray[np.float64]]) -> WeightDistance:
    epochs, relative = [], []
    for epoch, path in weights_files(place):
        if epoch in base:
            epochs.append(epoch)
            relative.append(float(np.linalg.norm(_flat(path) - base[epoch]) / np.linalg.norm(base[epoch])))
    return WeightDistance(trial=trial, epochs=epochs, relative=relative)


def _flat(path: Path) -> NDArray[np.float64]:
    """All weights of a file in one row, in float64."""
    with np.load(path) as saved:
        return np.concatenate([saved[name].astype(np.float64).ravel() for name in saved.files])


def _plain(work: Work, setup: StudySetup, models: list[TrainedModel]) -> Plain | None:
    place = runs.plain_folder(work, setup)
    if not outcomes.is_whole(place):
        return None
    outcome = outcomes.read_outcome(place)
    return Plain(
        train_seconds=outcome["train_seconds"],
        test_seconds=outcome["test_seconds"],
        same=fingerprint(last_weights(place)) in {model.weights for model in models},
        machine=(place / runs.MACHINE).read_text(),
    )


def _machine(record: Path, setup: StudySetup, number: int) -> str:
    """The name of the machine that ran a trial."""
    file = runs.trial_file(record / "trials" / f"{1 if setup.one_process else number:03d}")
    return runs.name_of_machine(file.machine if file else {})


# Which of the paper's Equations 1 and 2 the weights were drawn from that a model started with.
#
# The rule is that of `samebits parity init`: see `samebits_parity/init/formulas.py`.


def look(path: Path, library: Library) -> list[Initial]:
    """One line for each kernel of a file of weights."""
    with np.load(path) as saved:
        kernels = [(name, saved[name]) for name in saved.files if saved[name].ndim > 1]
    return [judge(name, kernel, connections(kernel.shape, library)) for name, kernel in kernels]


def connections(shape: tuple[int, ...], library: Library) -> float:
    """n_in + n_out of a kernel, as its library counts them."""
    return sum(ordinary(shape, "first" if library == "pytorch" else "last"))


def judge(name: str, kernel: NDArray[Any], n: float) -> Initial:
    """Which of the two equations a kernel's values can come from. `equation`: None where it cannot be told."""
    first, second = formulas.limits(n)
    return Initial(
        name=name,
        shape=list(kernel.shape),
        largest=float(np.abs(kernel).max()),
        equation_1=first,
        equation_2=second,
        equation=formulas.decide(kernel, n),
    )
