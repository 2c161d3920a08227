"""Data that a script of the study makes, in the manner of its trainings: a flat file that runs by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from samebits.errors import DataError
from samebits_study import catalog
from samebits_study.catalog import SEED

LAST_WORDS = 800  # characters of a script's error that are shown


def make(script: str, settings: dict[str, int], target: Path, source: Path | None) -> dict[str, Any]:
    """Run a script that writes the npz file `target`; gives what is said of the data. Raises DataError.

    `settings`: the scale's, each an option of the script; `source`: the folder that the user named (--data).
    """
    words = [sys.executable, str(catalog.SCRIPTS / script), "--out", str(target), "--seed", str(SEED)]
    for name, value in settings.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    if source is not None:
        words += ["--source", str(source.absolute())]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"{script} ended with {done.returncode}:\n{done.stderr[-LAST_WORDS:]}")
    _refuse_other(script, target)
    return {"about": f"made by {script}"}


def _refuse_other(script: str, target: Path) -> None:
    """DataError where a script wrote nothing that its trainings' predictions can be judged by."""
    try:
        with np.load(target) as arrays:
            missing = "test_labels" not in arrays
    except (OSError, ValueError) as why:
        raise DataError(f"{script} wrote no npz file: {why}") from None
    if missing:
        raise DataError(f"{script} wrote no test_labels, by which predictions are judged.")
