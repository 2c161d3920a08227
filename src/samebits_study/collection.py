"""Makes the result of a setup from what its trainings left on disk.

Nothing is trained or run here. A judge measures how good the test predictions are, depending on the kind of the study's
data.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits import comparison, store
from samebits.errors import DataError
from samebits.model import Result
from samebits.store.record import RECORD as RECORD_FILE
from samebits_parity.init import formulas
from samebits_parity.init.cases import ordinary_fans
from samebits_study import data, runs, scores, trainings
from samebits_study.catalog import Library, Study, StudySetup
from samebits_study.results import Cells, Digits, Initial, Plain, Retest, SetupResult, TrainedModel, WeightDistance
from samebits_study.scores import Judge
from samebits_study.trainings import Work, weights_files

UNDECIDED = -1  # the class of a prediction that holds NaN


def collect(work: Work, setup: StudySetup, judge: Judge, retests: list[Retest], reason: str = "") -> SetupResult:
    """Return the result of a setup, with as many trials as `work` has. Raises DataError, RecordError.

    `judge`: measures the test predictions; `reason`: why the setup is not complete.
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
        library=trainings.read_outcome(places[0][1]).library if places else "",
        command=record.file.command,
        groups=groups_of(models),
        models=models,
        distances=distances(places, groups_of(models)),
        retests=retests,
        plain=_plain(work, setup, models),
        initial=initial_kernels(weights_files(places[0][1])[0][1], setup.library) if places else [],
        **_verdict(judged, setup),
    )


def places_of_models(work: Work, setup: StudySetup) -> list[tuple[int, Path]]:
    """Return (number, folder of its results) of each model that is whole."""
    held = runs.record_folder(work, setup) / "trials"
    folders = [held / f"{number:03d}" for number in range(1, 2 if setup.one_process else work.trials + 1)]
    places = [place for folder in folders for place in runs.places_of_trial(setup, folder, work.trials)]
    return [(number, place) for number, place in enumerate(places, 1) if trainings.is_whole(place)]


def _verdict(judged: Result | None, setup: StudySetup) -> dict[str, Any]:
    """Return the verdict of check on the trials. A setup with one process has only its controls."""
    if judged is None or setup.one_process:
        return {"controls": judged.setup.controls} if judged else {}
    return {
        "controls": judged.setup.controls,
        "verdict": judged.verdict,
        "sentence": judged.sentence if judged.verdict != "inconclusive" else judged.reason or "",
        "divergence": judged.divergence,
        "judged": judged.judged,
    }


def _model(number: int, place: Path, judge: Judge, machine: str) -> TrainedModel:
    outcome = trainings.read_outcome(place)
    worth = judge(read_predictions(place))
    return TrainedModel(
        trial=number,
        weights=fingerprint(last_weights(place)),
        predictions=fingerprint(place / "predictions.npz"),
        train_seconds=outcome.train_seconds,
        test_seconds=outcome.test_seconds,
        machine=machine,
        loss=outcome.loss,
        validation_loss=outcome.validation_loss,
        digits=worth if isinstance(worth, Digits) else None,
        cells=worth if isinstance(worth, Cells) else None,
        scores=worth if isinstance(worth, dict) else None,
    )


def read_predictions(place: Path) -> NDArray[Any]:
    """Return the predictions of a model for the test data. Raises DataError."""
    path = place / trainings.PREDICTIONS
    try:
        with np.load(path) as saved:
            found: NDArray[Any] = saved["predictions"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as why:
        raise DataError(f"{path} cannot be read: {why}", trainings.AGAIN) from None
    return found


def last_weights(place: Path) -> Path:
    """Return the file of the trained weights."""
    return weights_files(place)[-1][1]


def fingerprint(path: Path) -> str:
    """32 hex digits over a file of arrays. The order of the arrays counts, their names do not. Raises DataError."""
    saved = store.fingerprint_file(path, named=True)
    if saved.error:
        raise DataError(f"{path}: {saved.error}", trainings.AGAIN)
    return hashlib.blake2b("".join(part.digest for part in saved.parts.values()).encode(), digest_size=16).hexdigest()


def groups_of(models: list[TrainedModel]) -> list[list[int]]:
    """Return the groups of trials with equal weights, in order of their first trials."""
    groups: dict[str, list[int]] = {}
    for model in models:
        groups.setdefault(model.weights, []).append(model.trial)
    return list(groups.values())


def distances(places: list[tuple[int, Path]], groups: list[list[int]]) -> list[WeightDistance]:
    """Return the distance of each group's first trial from that of the largest group: one line for each other group."""
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
    """Return all weights of a file in one row, in float64."""
    with np.load(path) as saved:
        return np.concatenate([saved[name].astype(np.float64).ravel() for name in saved.files])


def _plain(work: Work, setup: StudySetup, models: list[TrainedModel]) -> Plain | None:
    place = runs.plain_folder(work, setup)
    if not trainings.is_whole(place):
        return None
    outcome = trainings.read_outcome(place)
    return Plain(
        train_seconds=outcome.train_seconds,
        test_seconds=outcome.test_seconds,
        same=fingerprint(last_weights(place)) in {model.weights for model in models},
        machine=(place / runs.MACHINE).read_text(),
    )


def _machine(record: Path, setup: StudySetup, number: int) -> str:
    """Return the name of the machine that ran a trial."""
    file = runs.trial_file(record / "trials" / f"{1 if setup.one_process else number:03d}")
    return runs.name_of_machine(file.machine if file else {})


def initial_kernels(path: Path, library: Library) -> list[Initial]:
    """Return from which of the paper's Equations 1 and 2 each kernel of a file of weights was drawn.

    The rule is that of `samebits parity init`: see `samebits_parity/init/formulas.py`.
    """
    with np.load(path) as saved:
        kernels = [(name, saved[name]) for name in saved.files if saved[name].ndim > 1]
    return [judge(name, kernel, connections(kernel.shape, library)) for name, kernel in kernels]


def connections(shape: tuple[int, ...], library: Library) -> float:
    """Return n_in + n_out of a kernel, as its library counts them."""
    return sum(ordinary_fans(shape, "first" if library == "pytorch" else "last"))


def judge(name: str, kernel: NDArray[Any], n: float) -> Initial:
    """Return which of the two equations a kernel's values can come from. `equation`: None if it cannot be told."""
    first, second = formulas.limits(n)
    return Initial(
        name=name,
        shape=list(kernel.shape),
        largest=float(np.abs(kernel).max()),
        equation_1=first,
        equation_2=second,
        equation=formulas.decide(kernel, n),
    )


def _digits(folder: Path, **_: bool) -> Judge:
    with np.load(folder / data.FILE) as arrays:
        return partial(judge_digits, labels=arrays["test_labels"])


def _cells(folder: Path, *, watershed: bool) -> Judge:
    from samebits_study.cells import arrays  # scipy and scikit-image, which LeNet-5 does not need

    return partial(judge_cells, truth=arrays.read_truth(folder / arrays.TRUTH), watershed=watershed)


def judge_digits(predictions: NDArray[Any], labels: NDArray[np.uint8]) -> Digits:
    """Judge predictions (n, classes): accuracy, wrong ones, confusion matrix (rows: true classes).

    A prediction that holds NaN has no class: it is wrong, and the confusion matrix leaves it out.
    """
    found = classes_of(predictions)
    classes = predictions.shape[1]
    confusion = np.zeros((classes, classes), dtype=int)
    decided = found != UNDECIDED
    np.add.at(confusion, (labels[decided].astype(int), found[decided]), 1)
    missed = np.flatnonzero(found != labels).tolist()
    return Digits(
        accuracy=1 - len(missed) / len(labels),
        wrong=len(missed),
        confusion=confusion.tolist(),
        undecided=int((~decided).sum()),
        missed=missed,
    )


def classes_of(predictions: NDArray[Any]) -> NDArray[Any]:
    """Return the likeliest class of each row of (n, classes); UNDECIDED for a row that holds NaN."""
    found: NDArray[Any] = np.where(np.isnan(predictions).any(axis=1), UNDECIDED, predictions.argmax(axis=1))
    return found


def judge_cells(predictions: NDArray[Any], truth: Any, *, watershed: bool = False) -> Cells:
    """Judge masks (n, height, width) of one animal. They are post-processed and counted as in the paper.

    `truth`: `cells.arrays.Truth`; `watershed`: whether touching cells are split, as in the authors' code. An undefined
    measure is None, with the reason. Raises DataError.
    """
    from samebits_study.stereology import agreement, count

    images = []
    for number, prediction in enumerate(predictions):
        mask = truth.masks[number]
        labels = count.cells_of(mask) if truth.labels is None else truth.labels[number]
        frame = count.CountingFrame(*map(int, truth.frames[number]))
        by_hand = None if truth.counts is None else int(truth.counts[number])
        found = count.post_process(prediction, smallest=truth.smallest, watershed=watershed)
        images.append(agreement.agreement(labels, found, frame, name=truth.names[number], by_hand=by_hand))
    animal = agreement.AnimalAgreement(tuple(images))
    scores = {
        "error_rate": animal.error_rate,
        "dice": animal.dice,
        "precision": animal.cells.precision,
        "recall": animal.cells.recall,
        "f1": animal.cells.f1,
        "dice_of_all_pixels": animal.dice_of_all_pixels,
    }
    return Cells(
        **{name: score.value for name, score in scores.items()},
        counted=animal.predicted_count,
        true_count=animal.true_count,
        fields=len(images),
        without_dice=list(animal.without_dice),
        undefined={name: score.undefined for name, score in scores.items() if score.value is None},
        cells=animal.cells.tp + animal.cells.fn,
        missed=[f"{image.name}, cell {cell}" for image in images for cell in image.missed],
    )


# kind of data -> function(folder of the data, watershed=whether cells that touch are split) -> judge
JUDGES: dict[str, Callable[..., Judge]] = {"digits": _digits, "cells": _cells}


def judge_of(study: Study, folder: Path, *, watershed: bool) -> Judge:
    """Return the judge of a study. If the study has its own measures, that is its own script.

    Else it is the judge for its kind of data, or for digits. Data that a script made without measures has labels.
    """
    if study.measures:
        return scores.judge_of(study, folder / data.FILE)
    return JUDGES.get(study.data, _digits)(folder, watershed=watershed)
