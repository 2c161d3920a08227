"""Tries on this machine what samebits needs: one short trial for each library, with the controls that act on it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from samebits import checks, controls
from samebits.doctor.documents import TriedLibrary
from samebits.errors import SamebitsError, UsageError
from samebits.experiment import Request
from samebits.kept_record import judged
from samebits.launch.remote.slurm import refuse_without_slurm
from samebits.model import Options
from samebits.store import open_record
from samebits.store.formats import TABLE
from samebits_probe.controls.control import Control
from samebits_probe.watchers import WATCHERS

__all__ = ["PLAIN", "TriedLibrary", "hosts", "libraries", "missing_readers", "tried"]

PLAIN = "python"  # stands for a program that imports no library
_SECONDS = 300.0  # for one trial: TensorFlow can take a minute to import
_PROGRAM = """\
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from samebits_probe import observe
for step in range(2):
    observe("value", 1.0, step=step)
"""
_FOUND = "import importlib.util, json, sys; print(json.dumps([n for n in sys.argv[1:] if importlib.util.find_spec(n)]))"


def libraries(python: Path) -> dict[str, bool]:
    """Return the libraries that samebits watches, or on which controls act -> whether this Python has them."""
    watched = {_top(name) for name in WATCHERS} | {library for entry in controls.table() for library in _own(entry)}
    names = sorted(watched - sys.stdlib_module_names)
    done = subprocess.run([python, "-c", _FOUND, *names], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UsageError(f"{python} cannot look for libraries: {done.stderr.strip()}", "name one: --python PATH.")
    installed = json.loads(done.stdout)
    return {name: name in installed for name in names}


def _own(control: type[Control]) -> set[str]:
    return {_top(name) for name in control.libraries} - sys.stdlib_module_names


def _top(module: str) -> str:
    return module.partition(".")[0]


def tried(library: str, python: Path) -> TriedLibrary:
    """Run a trial that imports a library, or none (PLAIN), and holds the controls that act on it.

    Raises SamebitsError if trials cannot run on this machine.
    """
    own = set() if library == PLAIN else {library}
    acting = [control for control in controls.table() if (own <= _own(control) if own else not _own(control))]
    names = sorted(own | {name for control in acting for name in control.libraries if not own or _top(name) == library})
    with tempfile.TemporaryDirectory(prefix="samebits-doctor-") as folder:
        request = Request(
            command=["python", "-c", _PROGRAM, *names],
            options=Options(trials=1, timeout=_SECONDS),
            python=str(python),
            controls=[control.id for control in acting],
            out=Path(folder, "record"),
            directory=Path(folder),
        )
        recording = checks.record(request)
        record = open_record(recording.folder)
        result, faults = judged(record), record.trials[0].probe_failures
    fault = recording.trial.said or recording.trial.why or next(iter(faults), "")
    fault = fault or ("" if result.trials[0].steps else "its steps were not observed")
    setup = result.setup
    return TriedLibrary(
        name=library,
        version=setup.packages.get(library, ""),
        controls=setup.controls,
        gpus=str(setup.machine.get("gpus", "")),
        fault=fault,
    )


def hosts() -> dict[str, str]:
    """Return each host of --on, and why it cannot be used; "" if it can."""
    ray = "" if importlib.util.find_spec("ray") else "not installed (pip install 'samebits[ray]')"
    try:
        refuse_without_slurm()
        slurm = ""
    except SamebitsError as why:
        slurm = f"{why.message} {why.advice}"
    return {"local": "", "ray": ray, "slurm": slurm}


def missing_readers() -> dict[str, list[str]]:
    """Return the libraries that read files for samebits and are not installed -> the endings of these files."""
    endings: dict[str, list[str]] = {}
    for kind in TABLE:
        if kind.library and importlib.util.find_spec(kind.library) is None:
            endings.setdefault(kind.library, []).extend(kind.endings or [kind.name])
    return endings
