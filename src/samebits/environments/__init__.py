"""Environments and interpreters: finds or builds the Python that runs the command of a setup.

The environments that samebits can build stand here, with their lock files. A marker is written last. So an environment
without a marker is not complete, and an interrupted build continues where it stopped. (An environment is built in its
final folder, because virtual environments cannot be moved.)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from samebits.environments import interpreters
from samebits.environments.interpreters import Interpreter
from samebits.errors import EnvironmentFailure, NotFoundError, UsageError
from samebits.places import alone, home

__all__ = [
    "MARKER",
    "RECIPES",
    "Interpreter",
    "Recipe",
    "create",
    "environment_folder",
    "environment_python",
    "find_python",
    "listing",
    "state",
    "unknown",
]


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
    samebits. Raises NotFoundError (with the searched places, and how to get it) or UsageError.
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
    """Return the interpreter of an environment. If it has not been built, NotFoundError says how to build it."""
    if name not in RECIPES:
        raise unknown(name, "For an environment of your own, give its interpreter: --python FOLDER/bin/python.")
    folder = environment_folder(name)
    python = folder / "bin" / "python"
    if not (folder / MARKER).is_file() or not python.exists():
        raise NotFoundError(
            f"The environment {name} has not been built. Looked in {home() / 'envs'}.",
            advice=f"Build it: samebits env create {name}",
        )
    return python


def unknown(name: str, advice: str = "") -> NotFoundError:
    """Return the error for an unknown name."""
    what = f"There is no environment {name!r}. These can be built: {', '.join(RECIPES)}."
    return NotFoundError(what, advice=advice)


Note = Callable[[str], None]
MARKER_FORMAT = 1
TOLD = ("Collecting ", "Downloading ", "Building ", "Installing ")
LINES_SHOWN = 4
# variables that would make pip install into a different place, or Python import from one
MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_HASHES", "PIP_NO_DEPS")


def silent(text: str) -> None:
    """Ignore a note."""


def create(name: str, note: Note = silent) -> Path:
    """Build an environment, or finish its build, and return the path of its interpreter. A complete one stays as it is.

    Raises NotFoundError (no such environment, or no Python for it) or EnvironmentFailure (with the last lines of pip).
    """
    if name not in RECIPES:
        raise unknown(name)
    folder, recipe = environment_folder(name), RECIPES[name]
    try:
        with alone(
            folder.with_name(f"{name}.lock"),
            lambda: note(f"{name}: a different samebits process is building it; waiting"),
        ):
            if not is_current(folder, recipe):
                _build(folder, recipe, note)
    except OSError as why:
        what = f"The environment {name} could not be built in {folder}: {why.strerror or why}."
        raise EnvironmentFailure(what, "Make sure that you can write there, then give the command again.") from why
    return folder / "bin" / "python"


def is_current(folder: Path, recipe: Recipe) -> bool:
    """Return whether an environment is complete, and was built from the present lock files."""
    try:
        marker = json.loads((folder / MARKER).read_text())
        return bool(marker["locks"] == recipe.digest()) and (folder / "bin" / "python").exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _build(folder: Path, recipe: Recipe, note: Note) -> None:
    python = _python_for(recipe)
    (folder / MARKER).unlink(missing_ok=True)
    with folder.with_name(f"{folder.name}.log").open("a") as log:
        builder = Builder(folder, recipe.name, log, note)
        if not builder.works(python):
            shutil.rmtree(folder, ignore_errors=True)
            builder.run([str(python.path), "-m", "venv", str(folder)], "the virtual environment")
        for lock in recipe.locks:
            builder.install(lock, "--require-hashes", "--no-deps")
        for requirements in recipe.ranges:
            builder.install(requirements)
    _write_marker(folder, recipe, python)


def _python_for(recipe: Recipe) -> interpreters.Interpreter:
    for release in recipe.releases:
        try:
            return interpreters.of_release(release)
        except NotFoundError as why:
            missing = why
    wanted = " or ".join(recipe.releases)
    raise NotFoundError(
        f"The environment {recipe.name} needs Python {wanted}, and there is none on this machine. "
        f"Looked {interpreters.where_looked()}.",
        advice=missing.advice,
    )


def _write_marker(folder: Path, recipe: Recipe, python: interpreters.Interpreter) -> None:
    version = ".".join(map(str, python.version))
    marker = {"format": MARKER_FORMAT, "name": recipe.name, "python": version, "locks": recipe.digest()}
    draft = folder / f"{MARKER}.part"
    draft.write_text(json.dumps(marker, allow_nan=False) + "\n")
    draft.replace(folder / MARKER)


class Builder:
    """Runs the commands of one build. Their output goes to the log, and its last lines into the error."""

    def __init__(self, folder: Path, name: str, log: IO[str], note: Note, advice: str = "") -> None:
        self.folder, self.name, self.log, self.note = folder, name, log, note
        self.advice = advice or f"Remove the cause, then: samebits env create {name}   (it goes on where it stopped)"
        self.environment = {key: value for key, value in os.environ.items() if key not in MISLEADING}

    def works(self, python: interpreters.Interpreter) -> bool:
        """Return whether the folder already holds a virtual environment of exactly this Python, with pip."""
        command = [str(self.folder / "bin" / "python"), "-c", "import pip, sys; print(list(sys.version_info[:3]))"]
        try:
            done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=self.environment)
        except OSError:
            return False
        return done.returncode == 0 and json.loads(done.stdout) == list(python.version)

    def install(self, requirements: str, *options: str) -> None:
        """Install the packages of a requirements file."""
        self.pip([*options, "--requirement", str(LOCKS / requirements)], requirements)

    def pip(self, words: list[str], what: str) -> None:
        """Run `pip install` with these words."""
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        self.run([*pip, *words], what)

    def run(self, command: list[str], what: str) -> None:
        """Run a command until it succeeds. Raises EnvironmentFailure, with its last lines and the path of the log."""
        last: deque[str] = deque(maxlen=LINES_SHOWN)
        self.log.write(f"$ {' '.join(command)}\n")
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self.environment,
        ) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    self._hear(line.rstrip(), last)
            except BaseException:  # for example Ctrl-C: pip must not run on alone
                process.kill()
                raise
        if process.returncode:
            raise self._failure(what, last)

    def _hear(self, line: str, last: deque[str]) -> None:
        self.log.write(line + "\n")
        self.log.flush()
        if line.strip():
            last.append(line.strip())
        if line.strip().startswith(TOLD):
            self.note(f"{self.name}: {_short(line.strip())}")

    def _failure(self, what: str, last: deque[str]) -> EnvironmentFailure:
        output = "\n".join(f"   {line}" for line in last)
        return EnvironmentFailure(
            f"The environment {self.name} could not be built: {what} failed.\n{output}\n"
            f"   the whole output: {self.log.name}",
            advice=self.advice,
        )


def _short(line: str) -> str:
    """Return a line of pip without URLs and origins."""
    words = line.split(" (from ")[0].split(" ")
    return " ".join(word.rsplit("/", 1)[-1] if "://" in word else word for word in words)


def listing() -> str:
    """Return a list of the environments (built or not) and of the interpreters found, as text."""
    lines = [f"environments (in {home() / 'envs'})"]
    lines += [f"   {recipe.name:<18} {state(recipe):<12} {recipe.about}" for recipe in RECIPES.values()]
    lines += ["interpreters"]
    answers = sorted(interpreters.found(), key=lambda answer: answer.version)
    lines += [f"   {answer.release:<18} {answer.path}" for answer in answers]
    return "\n".join(lines) + "\n"


def state(recipe: Recipe) -> str:
    """Return "built", "out of date" (its lock files have changed) or "not built"."""
    folder = environment_folder(recipe.name)
    if is_current(folder, recipe):
        return "built"
    return "out of date" if (folder / MARKER).is_file() else "not built"
