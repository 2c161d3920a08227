"""An environment that has all packages of a Python, but one of them in a different release."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from samebits.environments import Builder, environment_folder
from samebits.places import alone

__all__ = ["package_of", "python_with"]

_FOLDERS = "import json, site, sys; print(json.dumps([sys.version, *(p for p in sys.path if p.endswith('-packages'))]))"


def python_with(python: Path, release: str, note: Callable[[str], None]) -> Path:
    """Return the Python of the environment for a release, such as "torch==2.10"; build it if it is not there.

    Raises EnvironmentFailure with the last lines of pip.
    """
    folder = environment_folder(release.replace("/", "-"))
    with alone(folder.with_name(f"{folder.name}.lock"), lambda: note(f"{release}: waiting for a different samebits")):
        _build(folder, python, release, note)
    return folder / "bin" / "python"


def package_of(release: str) -> str:
    """Return the package of a release: "torch" of "torch==2.10"."""
    return re.split(r"[^\w.-]", release)[0]


def _build(folder: Path, python: Path, release: str, note: Callable[[str], None]) -> None:
    asked = subprocess.run([str(python), "-c", _FOLDERS], capture_output=True, text=True, check=True)
    version, *packages = json.loads(asked.stdout)
    marker, mark = folder / "samebits-release.json", json.dumps([version, *packages])
    if marker.is_file() and marker.read_text() == mark:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.log").open("a") as log:
        shown = f"{python} -m pip index versions {package_of(release)}"
        advice = f"{shown}   (shows the releases that pip finds), then try again"
        builder = Builder(folder, release, log, note, advice)
        builder.run([str(python), "-m", "venv", "--clear", str(folder)], "the virtual environment")
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "packages-below.pth").write_text("".join(f"{path}\n" for path in packages))
        builder.pip([release], release)
    marker.write_text(mark)
