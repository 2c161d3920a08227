"""Measures predictions of a study that has its own measures, and predictions that no training made.

The script that makes the data of such a study measures them, outside of the trainings. It defines
`scores(predictions, data)`, which returns a number, or None, for each measure. It may define `decisions(predictions)`,
which returns an array of decisions, and `baselines(data)`, which yields (name, how they were made, predictions) for
predictions that no training made.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.errors import DataError
from samebits_study import catalog, data
from samebits_study.catalog import Study
from samebits_study.results import Baseline, Cells, Digits

Scores = dict[str, float | None]
Judge = Callable[[NDArray[Any]], Digits | Cells | Scores]  # from predictions
_AGAIN = "Correct it, and give the command again: the trainings are kept."
Function = Callable[..., Any]


def judge_of(study: Study, data: Path) -> Callable[[NDArray[Any]], Scores]:
    """Return the function from predictions to scores. Raises DataError if the script has none."""
    compute = _function(study.data, "scores")
    if compute is None:
        raise DataError(f"{study.data} defines no scores(predictions, data), by which predictions are judged.", _AGAIN)
    return partial(_scores, study=study, compute=compute, arrays=_arrays(data))


def _arrays(data: Path) -> dict[str, NDArray[Any]]:
    with np.load(data) as saved:
        return {name: saved[name] for name in saved.files}


def baselines(study: Study, data: Path) -> list[Baseline]:
    """Return the measures of predictions that no training made.

    The result is empty if the study's data has no script, or if the script has none. Raises DataError.
    """
    make = _function(study.data, "baselines") if study.measures else None
    if make is None:
        return []
    judge = judge_of(study, data)
    try:
        given = [(name, about, judge(made)) for name, about, made in make(_arrays(data))]
    except Exception as why:  # the script is the user's own code
        raise DataError(f"baselines(data) of {study.data} failed: {type(why).__name__}: {why}.", _AGAIN) from None
    return [Baseline(name=name, about=about, scores=scores) for name, about, scores in given]


def _scores(
    predictions: NDArray[Any], *, study: Study, compute: Function, arrays: Mapping[str, NDArray[Any]]
) -> Scores:
    given = compute(predictions, arrays)
    missing = [measure.name for measure in study.measures if measure.name not in given]
    if missing:
        raise DataError(f"The scores of {study.data} lack {missing[0]}, a measure of the study {study.name}.", _AGAIN)
    values = {measure.name: given[measure.name] for measure in study.measures}
    return {name: None if value is None else float(value) for name, value in values.items()}


def decisions(study: Study, predictions: NDArray[Any]) -> NDArray[Any] | None:
    """Return the decisions that follow from predictions; None if the script does not define them."""
    compute = _function(study.data, "decisions")
    return None if compute is None else np.asarray(compute(predictions))


def _function(script: str, name: str) -> Function | None:
    """Return a function that a script defines. The script's main part does not run."""
    found: Function | None = runpy.run_path(str(catalog.SCRIPTS / script), run_name="scores").get(name)
    return found


# -- masks without a training: the true mask, and those of methods without a network ----------------------------------

TRUE_MASK = "the true mask"


def cell_baselines(kind: str, folder: Path, judge: Judge) -> list[Baseline]:
    """Return the masks, judged like the masks of the trainings. The result is empty if the data holds no cells.

    Raises DataError. `folder`: of the study's data.
    """
    if kind != "cells":
        return []
    from samebits_study.cells import arrays, methods  # scipy and scikit-image, which LeNet-5 does not need

    masks = arrays.read_truth(folder / arrays.TRUTH).masks
    true = methods.MethodMasks(TRUE_MASK, "the masks of the test fields, counted like a prediction", masks)
    judged = [(one, judge(one.masks)) for one in (true, *methods.every(folder / data.FILE))]
    return [Baseline(name=one.name, about=one.about, cells=cells) for one, cells in judged if isinstance(cells, Cells)]
