"""The data of a study: made once, outside of the trainings, in files that every library reads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from samebits import datasets
from samebits.errors import UsageError
from samebits.study import digits
from samebits.study.catalog import SEED, Scale, Study

FILE, SETTINGS = "data.npz", "data.json"


def prepare(study: Study, scale: Scale, folder: Path, source: Path | None) -> dict[str, Any]:
    """Make the study's data in `folder`, unless it is there; gives its settings and digest.

    `source`: where the images are (default: MNIST from the cache or the network; cells from the generator). Raises
    UsageError where the folder holds other data, DataError where the source's is no such data.
    """
    asked = {"study": study.data, "source": str(source.absolute()) if source else None, "seed": SEED, **scale.data}
    path = folder / SETTINGS
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text())
        if {name: known.get(name) for name in asked} != asked:
            raise UsageError(
                f"{folder} holds the data of another study or scale: {known}.", "--out names another folder."
            )
        return known
    folder.mkdir(parents=True, exist_ok=True)
    made = {**asked, **_MAKERS[study.data](scale, folder, source)}
    made["digest"] = hashlib.blake2b((folder / FILE).read_bytes(), digest_size=16).hexdigest()
    path.write_text(json.dumps(made, indent=1))
    return made


def _digits(scale: Scale, folder: Path, source: Path | None) -> dict[str, Any]:
    where = source or datasets.get("mnist")
    arrays = digits.prepare(where, **scale.data, seed=SEED)
    np.savez(folder / FILE, **arrays)  # type: ignore[arg-type]
    return {
        "about": "MNIST: the first training digits without those held out for validation, and the first test digits"
    }


def _cells(scale: Scale, folder: Path, source: Path | None) -> dict[str, Any]:
    from samebits.study.cells import arrays  # scipy and scikit-image, which LeNet-5 does without

    made = arrays.prepare(source, **scale.data, seed=SEED, folder=folder)
    return {"about": made.about, "test_animal": made.test_animal, "train_images": made.train, "test_images": made.test}


_MAKERS = {"digits": _digits, "cells": _cells}
