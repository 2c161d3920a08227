"""Masks without a training, for comparison with a study's: the true mask, and the best single grey level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits_study import data
from samebits_study.collection import Judge
from samebits_study.results import Baseline, Cells

Bytes = NDArray[np.uint8]
CELL, LEVELS = 255, 256
TRUE_MASK, GREY_LEVEL = "the true mask", "one grey level"


def of(kind: str, folder: Path, judge: Judge) -> list[Baseline]:
    """Return both masks, judged like the masks of the trainings. The result is empty if the data holds no cells.

    Raises DataError. `folder`: of the study's data.
    """
    if kind != "cells":
        return []
    from samebits_study.cells import arrays  # scipy and scikit-image, which LeNet-5 does not need

    masks = arrays.read_truth(folder / arrays.TRUTH).masks
    with np.load(folder / data.FILE) as file:
        level = best_level(file["train_images"], file["train_masks"])
        darker = np.where(file["test_images"] <= level, CELL, 0).astype(np.uint8)
    about = (
        f"a pixel belongs to a cell if its grey level is at most {level}: the level with the highest Dice on the "
        "training fields"
    )
    return [
        *_judged(TRUE_MASK, "the masks of the test fields, counted like a prediction", judge(masks)),
        *_judged(GREY_LEVEL, about, judge(darker)),
    ]


def _judged(name: str, about: str, found: Any) -> list[Baseline]:
    return [Baseline(name=name, about=about, cells=found)] if isinstance(found, Cells) else []


def best_level(images: Bytes, masks: Bytes) -> int:
    """Return the grey level that gives the highest Dice over all pixels, if pixels at or below it count as cells."""
    cell = np.bincount(images[masks > 0], minlength=LEVELS).cumsum()
    either = np.bincount(images.ravel(), minlength=LEVELS).cumsum() + cell[-1]
    return int((2 * cell / np.maximum(either, 1)).argmax())
