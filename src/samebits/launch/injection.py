"""The folder that begins PYTHONPATH in every trial: `sitecustomize.py` and the probe, nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import samebits_probe

FOLDER = "probe"
_SITE = "_sitecustomize.py"


def prepare(folder: Path) -> Path:
    """Copy the probe into `folder`/probe and return that folder.

    A copy, so that the packages beside the installed probe are never on the program's path, and so that a record
    keeps the probe that made it.
    """
    source = Path(samebits_probe.__file__).parent
    target = folder / FOLDER
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", _SITE))
    shutil.copyfile(source / _SITE, target / "sitecustomize.py")
    return target
