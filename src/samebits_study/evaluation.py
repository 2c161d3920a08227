"""What the test predictions of a study are worth, by the kind of its data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits_study import data, digits
from samebits_study.collection import Judge
from samebits_study.results import Cells


def _digits(folder: Path, **_: bool) -> Judge:
    with np.load(folder / data.FILE) as arrays:
        return partial(digits.judge, labels=arrays["test_labels"])


def _cells(folder: Path, *, watershed: bool) -> Judge:
    from samebits_study.cells import arrays  # scipy and scikit-image, which LeNet-5 does without

    return partial(judge_cells, truth=arrays.read_truth(folder / arrays.TRUTH), watershed=watershed)


def judge_cells(predictions: NDArray[Any], truth: Any, *, watershed: bool = False) -> Cells:
    """Masks (n, height, width) of one animal, post-processed and counted as in the paper.

    `truth`: `cells.arrays.Truth`; `watershed`: as in `cells_found`. A measure that is undefined is None, and says why.
    Raises DataError.
    """
    from samebits_study import stereology

    images = []
    for number, prediction in enumerate(predictions):
        mask = truth.masks[number]
        labels = stereology.cells_of(mask) if truth.labels is None else truth.labels[number]
        frame = stereology.CountingFrame(*map(int, truth.frames[number]))
        by_hand = None if truth.counts is None else int(truth.counts[number])
        found = cells_found(prediction, truth, watershed=watershed)
        images.append(stereology.agreement(labels, found, frame, name=truth.names[number], by_hand=by_hand))
    animal = stereology.AnimalAgreement(tuple(images))
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
    )


def cells_found(prediction: NDArray[Any], truth: Any, *, watershed: bool) -> NDArray[Any]:
    """The cells of one predicted mask, numbered. `watershed`: cells that touch are split, as in the authors' code."""
    from samebits_study import stereology

    return stereology.post_process(prediction, smallest=truth.smallest, watershed=watershed)


# kind of data -> function(folder of the data, watershed=whether cells that touch are split) -> judge
JUDGES: dict[str, Callable[..., Judge]] = {"digits": _digits, "cells": _cells}


def judge_of(data: str, folder: Path, *, watershed: bool) -> Judge:
    """The judge of a study's data; of data that a script made, which has labels, that of digits."""
    return JUDGES.get(data, _digits)(folder, watershed=watershed)
