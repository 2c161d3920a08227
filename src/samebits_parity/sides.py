"""The sides of a comparison: which library, under which interpreter. It also runs samebits' scripts there."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from samebits.environments import environment_python
from samebits.errors import NotFoundError, SamebitsError, UsageError

T = TypeVar("T")
Family = Literal["keras2", "keras3", "tfkeras", "pytorch", "jax", "flax"]
LAST_WORDS = 800  # how many characters of a script's error are shown
MOST_SECONDS = 900.0  # of samebits' own scripts


class LibraryFailure(SamebitsError):
    """A script of samebits that ended badly under a library's interpreter. The message has the script's last words."""


class Side(NamedTuple):
    """A library.

    `environment`: where it lives if it is not beside samebits; `modules`: what it needs there. `python`: its
    interpreter, if the user named one.
    """

    id: str
    family: Family
    environment: str
    modules: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    python: str = ""


SIDES: dict[str, Side] = {
    side.id: side
    for side in (
        Side("keras-tf1.14", "keras2", "keras-tf1.14"),
        Side("keras-tf2.1", "keras2", "keras-tf2.1"),
        Side("pytorch-1.3", "pytorch", "pytorch-1.3"),
        Side("pytorch", "pytorch", "pytorch", ("torch",)),
        Side("keras3-tensorflow", "keras3", "keras3-tensorflow", ("keras", "tensorflow"),
             {"KERAS_BACKEND": "tensorflow"}),
        Side("keras3-torch", "keras3", "keras3-torch", ("keras", "torch"), {"KERAS_BACKEND": "torch"}),
        Side("keras3-jax", "keras3", "keras3-jax", ("keras", "jax"), {"KERAS_BACKEND": "jax"}),
        Side("tf.keras", "tfkeras", "keras3-tensorflow", ("tensorflow",)),
        Side("jax", "jax", "keras3-jax", ("jax",)),
        Side("flax", "flax", "keras3-jax", ("flax",)),
    )
}  # fmt: skip


def named(names: list[str]) -> list[Side]:
    """Return the sides of the table, in its order; all of them if none is named. Raises UsageError."""
    unknown = [name for name in names if name not in SIDES]
    if unknown:
        raise UsageError(f"There is no library {unknown[0]!r} here.", f"Choose from: {', '.join(SIDES)}.")
    return [side for side in SIDES.values() if not names or side.id in names]


def interpreter(side: Side) -> str:
    """Return the interpreter of a library.

    It is the one that runs samebits if it has the library, else that of the library's environment. Raises
    NotFoundError.
    """
    if side.python:
        return side.python
    if side.modules and all(importlib.util.find_spec(module) for module in side.modules):
        return sys.executable
    try:
        return str(environment_python(side.environment))
    except NotFoundError as why:
        raise NotFoundError(f"{side.id} is not installed here: {why.message}", why.advice) from None


def attempt(side: Side, measure: Callable[[], T], *, is_named: bool) -> tuple[T | None, str]:
    """Return (the result of `measure`, "") for an installed library, or (None, why not) if the user did not name it.

    Raises NotFoundError or LibraryFailure for a library that the user named.
    """
    try:
        interpreter(side)
        return measure(), ""
    except (NotFoundError, LibraryFailure) as why:
        if is_named:
            raise
        return None, " ".join(f"not measured: {why.message} {why.advice}".split())


def run_script(side: Side, script: Path, request: dict[str, Any], out: Path | None = None) -> Any:
    """Return what a script of samebits answers under a library's interpreter.

    It is started as `python SCRIPT REQUEST.json ANSWER.json` and writes its answer there. `out`: a folder for its other
    files, which the request names as `out`. Raises NotFoundError, LibraryFailure.
    """
    python = interpreter(side)
    with tempfile.TemporaryDirectory(prefix="samebits-parity-") as folder:
        asked, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps({**request, "side": side.id, **({"out": str(out)} if out else {})}))
        try:
            done = subprocess.run(
                [python, str(script), str(asked), str(answer)], cwd=folder, env=_environment(side, python),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=MOST_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            what = f"{side.id}: {script.name} did not end in {MOST_SECONDS:.0f} s."
            raise LibraryFailure(what, "Give the command again when the machine is less busy.") from None
        if done.returncode or not answer.is_file():
            said = done.stderr.strip()[-LAST_WORDS:]
            what = f"{side.id}: {script.name} ended with exit status {done.returncode}:\n{said}"
            raise LibraryFailure(what, f"Make sure that the library works with this Python: {python}")
        return json.loads(answer.read_text())


def _environment(side: Side, python: str) -> dict[str, str]:
    """Return the environment of a script.

    A user's PYTHONPATH is for this Python; an old one cannot read its packages.
    """
    search = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" or python == sys.executable}
    return {**kept, **quiet, **side.variables, "PATH": search}
