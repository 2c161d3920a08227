"""Finds the Python interpreters of this machine: on PATH and in the folders of pyenv, uv and conda."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from samebits.errors import NotFoundError, UsageError

SECONDS_TO_ANSWER = 30
QUESTION = (
    "import json, sys; sys.stdout.write(json.dumps({'samebits': [sys.executable, sys.prefix, "
    "list(sys.version_info[:3])]}))"
)
CONDA_BASES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", "opt/conda", "conda")


class Interpreter(NamedTuple):
    """A Python interpreter that answered. `prefix` distinguishes a virtual environment from its base Python."""

    path: Path
    prefix: Path
    version: tuple[int, int, int]

    @property
    def release(self) -> str:
        """The version as text, such as "3.6.15"."""
        return ".".join(map(str, self.version))

    def is_release(self, release: str) -> bool:
        """Return whether it belongs to a release: 3.6.15 belongs to "3.6"."""
        return (self.release + ".").startswith(release + ".")


def ask(path: Path) -> Interpreter:
    """Ask a file which Python it is.

    Raises UsageError if it is not Python, and NotFoundError if there is no such file.
    """
    return _answer(path.expanduser().absolute())


@functools.lru_cache(maxsize=256)
def _answer(path: Path) -> Interpreter:
    try:
        done = subprocess.run(
            [path, "-E", "-s", "-c", QUESTION], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_TO_ANSWER
        )
        executable, prefix, version = json.loads(done.stdout)["samebits"]
        return Interpreter(Path(executable), Path(prefix), (version[0], version[1], version[2]))
    except FileNotFoundError:
        raise NotFoundError(f"There is no interpreter {path}.", advice=how_to_get(None)) from None
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        raise UsageError(
            f"{path} does not answer like a Python interpreter.",
            advice="Name one, as in --python /usr/bin/python3; `samebits env list` shows those found here.",
        ) from None


def candidates(path: str) -> Iterator[Path]:
    """Yield the files that are named like interpreters, in the order of preference."""
    for folder in path.split(os.pathsep):
        if folder:
            yield from _matching(Path(folder), "python", "python[23]", "python[23].*")
    for place, pattern in places().values():
        yield from _matching(place, pattern)
    for base in conda_bases():
        yield from _matching(base, "bin/python", "envs/*/bin/python")


def _matching(folder: Path, *patterns: str) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if re.fullmatch(r"python(\d(\.\d+)?)?", path.name) and os.access(path, os.X_OK):
                yield path


def places() -> dict[str, tuple[Path, str]]:
    """Return {tool: (its folder, the pattern of interpreters in it)}."""
    share = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or share / "uv" / "python")
    return {"pyenv": (pyenv / "versions", "*/bin/python"), "uv": (uv, "*/bin/python3")}


def conda_bases() -> list[Path]:
    """Return the folders of conda installations (or of similar tools), and of the environments in conda's list."""
    prefixes = [os.environ.get("MAMBA_ROOT_PREFIX"), os.environ.get("CONDA_PREFIX")]
    program = os.environ.get("CONDA_EXE")
    bases = [Path(text) for text in prefixes if text] + ([Path(program).parent.parent] if program else [])
    bases += [Path.home() / name for name in CONDA_BASES] + [Path("/opt") / name for name in CONDA_BASES]
    listed = Path.home() / ".conda" / "environments.txt"
    if listed.is_file():
        bases += [Path(line) for line in listed.read_text(errors="replace").splitlines() if line.strip()]
    return [base for base in dict.fromkeys(bases) if base.is_dir()]


def found(path: str | None = None) -> Iterator[Interpreter]:
    """Yield each interpreter of this machine once, in the order of preference. Each is asked when it is its turn."""
    keys = set()
    for candidate in candidates(os.environ.get("PATH", "") if path is None else path):
        try:
            answer = _answer(candidate)
        except (NotFoundError, UsageError):
            continue
        key = (answer.path.resolve(), answer.prefix.resolve())
        if key not in keys:
            keys.add(key)
            yield answer


def of_release(release: str, path: str | None = None) -> Interpreter:
    """Return an interpreter of a release ("3.6", "3.6.15").

    NotFoundError names the searched places, and how to get it.
    """
    for answer in found(path):
        if answer.is_release(release):
            return answer
    raise NotFoundError(f"No Python {release} on this machine. Looked {where_looked()}.", advice=how_to_get(release))


def where_looked() -> str:
    """Return the searched places, as the end of a sentence that begins with "looked"."""
    parts = ["on PATH"] + [f"in {folder} ({tool})" for tool, (folder, _) in places().items()]
    bases = conda_bases()
    parts.append("in " + ", ".join(map(str, bases)) + " (conda)" if bases else "for conda (not installed here)")
    return ", ".join(parts)


def how_to_get(release: str | None) -> str:
    """Return commands that install an interpreter. The oldest release that uv has is 3.7."""
    if release is None:
        return "`samebits env list` shows the interpreters found here."
    exact = "3.6.15" if release == "3.6" else release
    ways = [f"pyenv install {exact}", f"conda create -n py{release} python={release}"]
    if tuple(map(int, release.split(".")[:2])) >= (3, 7):
        ways.insert(1, f"uv python install {release}")
    return "One of these installs it: " + ", ".join(f"`{way}`" for way in ways) + "."


def named(text: str, path: str) -> Interpreter:
    """Return the interpreter that a word names: a file, a folder with bin/python, a release, or a name on PATH."""
    file = Path(text).expanduser()
    try:
        if file.is_dir():
            return _in_folder(file)
        if file.is_file() or os.sep in text:
            return ask(file)
    except OSError as why:
        raise NotFoundError(
            f"{text!r} cannot be an interpreter: {why.strerror or why}.", advice=how_to_get(None)
        ) from None
    on_path = shutil.which(text, path=path)
    if on_path:
        return ask(Path(on_path))
    release = re.fullmatch(r"(?:python)?(\d\.\d+(\.\d+)?)", text)
    if release:
        return of_release(release.group(1), path)
    raise NotFoundError(f"There is no interpreter {text!r}. Looked {where_looked()}.", advice=how_to_get(None))


def _in_folder(folder: Path) -> Interpreter:
    for inner in ("bin/python", "bin/python3", "python", "python3"):
        if (folder / inner).is_file():
            return ask(folder / inner)
    raise NotFoundError(f"There is no interpreter in the folder {folder}: no bin/python.", advice=how_to_get(None))
