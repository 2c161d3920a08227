"""From what a user asked for (`--python`, `--env`, or neither) to an interpreter."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from samebits.environments import interpreters
from samebits.environments.catalog import RECIPES
from samebits.environments.interpreters import Interpreter
from samebits.errors import NotFound, UsageError
from samebits.places import home

__all__ = ["MARKER", "environment_folder", "environment_python", "find_python", "unknown"]

MARKER = "samebits-environment.json"  # written last: an environment without it was not finished


def find_python(python: str | None, env: str | None, path: str) -> Interpreter:
    """The interpreter that `python` in the command shall be.

    `python`: what `--python` said (a file, a folder that holds bin/python, a name, a release). `env`: what `--env`
    said. `path`: the PATH to look on. With neither: `python` on PATH, else `python3`, else the one that runs samebits.
    Raises NotFound (with where it was looked for, and how to get it) or UsageError.
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
    """The folder of an environment, whether it is there or not."""
    return home() / "envs" / name


def environment_python(name: str) -> Path:
    """The interpreter of an environment that has been built. NotFound says how to build it."""
    if name not in RECIPES:
        raise unknown(name)
    folder = environment_folder(name)
    python = folder / "bin" / "python"
    if not (folder / MARKER).is_file() or not python.exists():
        raise NotFound(
            f"The environment {name} has not been built. Looked in {home() / 'envs'}.",
            advice=f"Build it: samebits env create {name}",
        )
    return python


def unknown(name: str) -> NotFound:
    """The error for a name that is none of ours."""
    return NotFound(
        f"There is no environment {name!r}. These can be built: {', '.join(RECIPES)}.",
        advice="An environment made by other means is named by its interpreter: --python FOLDER/bin/python.",
    )
