"""The environment of a trial, built in this one place; and the part of it that is recorded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from samebits import controls
from samebits.launch import devices
from samebits_probe import wire

if TYPE_CHECKING:
    from samebits.launch.plan import Plan

SHIMS = "bin"
_SHIM_NAMES = ("python", "python3")
_KEPT = re.compile(
    r"(PYTHON|OMP_|KMP_|MKL|TF_|CUDA|CUDNN|CUBLAS|NCCL_|KERAS|XLA_|JAX_|PJRT_|OPENBLAS|GOTO_|BLIS_|VECLIB|NUMEXPR|TORCH"
    r"|PYTORCH|NVIDIA_|ATEN_|ONEDNN|DNNL|LD_|MALLOC_|GLIBC_|LC_|NPY_)\w*|LANG|TZ|PATH|WORLD_SIZE|MASTER_PORT"
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True)
class Slot:
    """Which of the `jobs` places a trial runs in: it decides its devices and its port."""

    number: int
    jobs: int


def search_path(python: str | None, shims: Path | None = None) -> str:
    """PATH in a trial: the folder of the interpreter that was asked for comes first."""
    own = os.environ.get("PATH", os.defpath)
    first = [str(shims)] if shims is not None else []
    if python is not None:
        first.append(str(Path(python).parent))
    return os.pathsep.join([*first, own])


def shim(record: Path, python: str | None, name: str) -> str | None:
    """Path of the script that stands for `name` (a word of the command) in a record, where one is needed."""
    needed = python is not None and name in _SHIM_NAMES and not _is_first(python)
    return str(record / SHIMS / name) if needed else None


def make_shims(record: Path, python: str | None) -> None:
    """A folder whose `python` runs the interpreter that was asked for, where its own folder has another one.

    Scripts, not links: an interpreter finds its virtual environment beside the name it was started by.
    """
    if python is None or _is_first(python):
        return
    folder = record / SHIMS
    folder.mkdir(exist_ok=True)
    for name in _SHIM_NAMES:
        script = folder / name
        script.write_text(f"#!/bin/sh\nexec '{python}' \"$@\"\n")
        script.chmod(0o755)


def _is_first(python: str) -> bool:
    """Whether `python`, looked for in the interpreter's own folder, is that interpreter."""
    found = shutil.which("python", path=str(Path(python).parent))
    return found is not None and Path(found).resolve() == Path(python).resolve()


def trial_environment(plan: Plan, trial: int, directory: Path, slot: Slot) -> dict[str, str]:
    """All variables of a trial. Values are of equal length in every trial, since address layout depends on them."""
    own = {**os.environ, **plan.request.variables}
    base = {name: value for name, value in own.items() if value is not None}
    environment = {**base, **controls.environment(plan.controls, plan.seed, base)}
    shims = plan.record / SHIMS
    environment["PATH"] = search_path(plan.request.python, shims if shims.is_dir() else None)
    environment["PYTHONPATH"] = _python_path(plan.probe, environment)
    environment[wire.CONFIG_VARIABLE] = str(plan.trial_folder(trial) / "config.json")
    environment["PWD"] = str(directory)
    environment.update(devices.variables(slot.number, slot.jobs))
    return environment


def _python_path(probe: Path, environment: Mapping[str, str]) -> str:
    own = environment.get("PYTHONPATH")
    return str(probe) if not own else os.pathsep.join([str(probe), own])


def recorded(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that can change the bits, without anything that looks like a secret."""
    return {
        name: value for name, value in sorted(environment.items()) if _KEPT.fullmatch(name) and not _SECRET.search(name)
    }
