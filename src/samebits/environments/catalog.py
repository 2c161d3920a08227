"""The environments that samebits can build, their lock files, and the interpreter that `--env` or `--python` names."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from samebits.environments import interpreters
from samebits.environments.interpreters import Interpreter
from samebits.errors import NotFound, UsageError
from samebits.places import home

__all__ = ["MARKER", "RECIPES", "Recipe", "environment_folder", "environment_python", "find_python", "unknown"]

LOCKS = Path(__file__).resolve().parent / "locks"


class Recipe(NamedTuple):
    """An environment. `about`: its purpose. `releases`: the Python releases that it takes, the preferred one first.

    `locks`: requirements files with hashes, in the order of installation. `ranges`: requirements files without hashes.
    """

    name: str
    about: str
    releases: tuple[str, ...]
    locks: tuple[str, ...]
    ranges: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return one hash over all its files: an environment that was built from different files is out of date."""
        files = [LOCKS / name for name in (*self.locks, *self.ranges)]
        return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


OLD = ("3.6",)
TODAY = ("3.11", "3.12", "3.13")
OLD_PIP = "pip-3.6.txt"
TORCH = "torch-range.txt"

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("keras-tf1.14", "Keras 2.3.1 on TensorFlow 1.14.0", OLD, (OLD_PIP, "keras-tf1.14.txt")),
        Recipe("keras-tf2.1", "Keras 2.3.1 on TensorFlow 2.1.0, for CPUs", OLD, (OLD_PIP, "keras-tf2.1.txt")),
        Recipe("pytorch-1.3", "PyTorch 1.3.0", OLD, (OLD_PIP, "pytorch-1.3.txt")),
        Recipe("pytorch", "PyTorch of today", TODAY, ("pytorch.txt",), (TORCH,)),
        Recipe("keras3-tensorflow", "Keras 3 on TensorFlow, for CPUs", TODAY, ("keras3-tensorflow.txt",)),
        Recipe("keras3-torch", "Keras 3 on PyTorch (set KERAS_BACKEND=torch)", TODAY, ("keras3-torch.txt",), (TORCH,)),
        Recipe("keras3-jax", "Keras 3 on JAX (set KERAS_BACKEND=jax)", TODAY, ("keras3-jax.txt",)),
    )
}


MARKER = "samebits-environment.json"  # written last: without it, an environment is not complete


def find_python(python: str | None, env: str | None, path: str) -> Interpreter:
    """Return the interpreter that runs as `python` in the command.

    `python`: the value of `--python` (a file, a folder with bin/python, a name, or a release). `env`: the value of
    `--env`. `path`: the PATH to search. If neither is given: `python` on PATH, else `python3`, else the interpreter of
    samebits. Raises NotFound (with the searched places, and how to get it) or UsageError.
    """
    if python is not None and env is not None:
        raise UsageError("--python and --env both name the interpreter.", advice="Give one of them.")
    if env is not None:
        return interpreters.ask(environment_python(env))
    if python is not None:
        return interpreters.named(python, path)
    return interpreters.ask(
        Path(shutil.which("python", path=path) or shutil.which("python3", path=path) or sys.executable)
    )


def environment_folder(name: str) -> Path:
    """Return the folder of an environment, even if it does not exist."""
    return home() / "envs" / name


def environment_python(name: str) -> Path:
    """Return the interpreter of an environment. If it has not been built, NotFound says how to build it."""
    if name not in RECIPES:
        raise unknown(name, "For an environment of your own, give its interpreter: --python FOLDER/bin/python.")
    folder = environment_folder(name)
    python = folder / "bin" / "python"
    if not (folder / MARKER).is_file() or not python.exists():
        raise NotFound(
            f"The environment {name} has not been built. Looked in {home() / 'envs'}.",
            advice=f"Build it: samebits env create {name}",
        )
    return python


def unknown(name: str, advice: str = "") -> NotFound:
    """Return the error for an unknown name."""
    said = f"There is no environment {name!r}. These can be built: {', '.join(RECIPES)}."
    return NotFound(said, advice=advice)
