"""Builds environments: a virtual environment with the packages that its lock files name.

A marker is written last. So an environment without a marker is not complete, and an interrupted build continues where
it stopped. (An environment is built in its final folder, because virtual environments cannot be moved.)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from samebits.environments import interpreters
from samebits.environments.catalog import LOCKS, MARKER, RECIPES, Recipe, environment_folder, unknown
from samebits.errors import EnvironmentFailure, NotFound
from samebits.places import alone, home

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

    Raises NotFound (no such environment, or no Python for it) or EnvironmentFailure (with the last lines of pip).
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
        raise EnvironmentFailure(f"The environment {name} could not be built in {folder}: {why.strerror}.") from why
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
        except NotFound as why:
            missing = why
    wanted = " or ".join(recipe.releases)
    raise NotFound(
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

    def __init__(self, folder: Path, name: str, log: IO[str], note: Note) -> None:
        self.folder, self.name, self.log, self.note = folder, name, log, note
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
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        self.run([*pip, *options, "--requirement", str(LOCKS / requirements)], requirements)

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
        said = "\n".join(f"   {line}" for line in last)
        return EnvironmentFailure(
            f"The environment {self.name} could not be built: {what} failed.\n{said}\n"
            f"   the whole output: {self.log.name}",
            advice=f"When the cause is gone, `samebits env create {self.name}` goes on where it stopped.",
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
    lines += [f"   {answer.release:<18} {answer.path}" for answer in _by_release()]
    return "\n".join(lines) + "\n"


def state(recipe: Recipe) -> str:
    """Return "built", "out of date" (its lock files have changed) or "not built"."""
    folder = environment_folder(recipe.name)
    if is_current(folder, recipe):
        return "built"
    return "out of date" if (folder / MARKER).is_file() else "not built"


def _by_release() -> list[interpreters.InterpreterFacts]:
    return sorted(interpreters.found(), key=lambda answer: answer.version)
