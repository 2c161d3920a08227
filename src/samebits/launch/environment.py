"""Builds the environment of a trial, and selects the part of it that is recorded."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import samebits_probe
from samebits import controls
from samebits.launch import ray_programs
from samebits.store.record import PROBE, RECORDS, SHIMS
from samebits_probe import wire

if TYPE_CHECKING:
    from samebits.launch.plan import Plan

_ROOM = 64 << 20  # bytes
COMPILING_MAY_TAKE = 60.0  # seconds
_SITE = "_sitecustomize.py"
_SHIM_NAMES = ("python", "python3")
_KEPT = re.compile(
    r"(PYTHON|OMP_|KMP_|MKL|TF_|CUDA|CUDNN|CUBLAS|NCCL_|KERAS|XLA_|JAX_|PJRT_|OPENBLAS|GOTO_|BLIS_|VECLIB|NUMEXPR|TORCH"
    r"|PYTORCH|NVIDIA_|ATEN_|ONEDNN|DNNL|LD_|MALLOC_|GLIBC_|LC_|NPY_)\w*|LANG|TZ|PATH|WORLD_SIZE|MASTER_PORT"
)
_GPUS = Path("/proc/driver/nvidia/gpus")  # one entry for each device, readable without a tool of the driver
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True)
class Slot:
    """The place in which a trial runs.

    It decides the trial's devices and port. `jobs`: how many places there are; with 1, a trial runs alone. `is_plain`:
    the environment is the same as for a trial that runs alone. `has_own_devices`: a host gave the trial its devices, so
    they are not divided again.
    """

    number: int
    jobs: int
    is_plain: bool = False
    has_own_devices: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether no other trial runs meanwhile."""
        return self.jobs == 1


def search_path(python: str | None, shims: Path | None = None) -> str:
    """Return the PATH of a trial. The folder of the requested interpreter comes first."""
    own = os.environ.get("PATH", os.defpath)
    first = [str(shims)] if shims is not None else []
    if python is not None:
        first.append(str(Path(python).parent))
    return os.pathsep.join([*first, own])


def shim(record: Path, python: str | None, name: str) -> str | None:
    """Return the path of the script in a record that replaces `name` (a word of the command), if one is needed."""
    needed = python is not None and name in _SHIM_NAMES and not _is_first(python)
    return str(record / SHIMS / name) if needed else None


def make_shims(record: Path, python: str | None) -> None:
    """Make a folder whose `python` runs the interpreter that the user wants, if that interpreter's own folder has a
    different `python`. It holds scripts, not links: an interpreter finds its virtual environment beside the path by
    which it was started.
    """
    if python is None or _is_first(python):
        return
    folder = record / SHIMS
    folder.mkdir(exist_ok=True)
    for name in _SHIM_NAMES:
        script = folder / name
        script.write_text(f"#!/bin/sh\nexec '{python}' \"$@\"\n")
        script.chmod(0o755)


def copy_probe(folder: Path) -> Path:
    """Copy the probe and `sitecustomize.py` into `folder`/probe, and return that folder. PYTHONPATH begins with it.

    A copy, so that the packages beside the installed probe are never on the program's path, and so that a record keeps
    the probe that made it. The copy includes the bytecode that pip compiled at installation. So a Python of the same
    version starts sooner, even if it may not write its own bytecode (PYTHONDONTWRITEBYTECODE). On a disk that is nearly
    full, the bytecode is left out. Files that the copy of an earlier record has too become links to these: the copies
    of all records take the room of one.
    """
    source = Path(samebits_probe.__file__).parent
    target = folder / PROBE
    if target.exists():
        shutil.rmtree(target)
    without = () if shutil.disk_usage(folder).free > _ROOM else ("__pycache__",)
    target.mkdir()
    _copy(str(source), str(target / source.name), str(_earlier(folder) / source.name), without)
    shutil.copyfile(source / _SITE, target / "sitecustomize.py")
    return target


def _earlier(folder: Path) -> Path:
    """Return the probe of the record that this folder lies in, or else of a record beside it in .samebits."""
    beside = sorted(folder.parent.iterdir(), reverse=True) if folder.parent.name == RECORDS else []
    places = [*folder.parents[:4], *beside]
    return next((place / PROBE for place in places if place != folder and (place / PROBE).is_dir()), folder / PROBE)


def _copy(source: str, target: str, earlier: str, without: Sequence[str]) -> None:
    """Copy a folder of small files. Keep their times of modification, because their bytecode holds these times.

    `shutil.copytree` takes more than twice as long, and no trial starts before the copy is complete. `earlier`: a
    folder in which the same files may be. `without`: names to leave out.
    """
    os.mkdir(target)  # noqa: PTH102
    with os.scandir(source) as entries:
        for entry in entries:
            place = f"{target}/{entry.name}"
            if entry.name in without or entry.name.startswith(_SITE.removesuffix("py")):
                continue
            if entry.is_dir():
                _copy(entry.path, place, f"{earlier}/{entry.name}", without)
            elif not _link(entry.stat(), f"{earlier}/{entry.name}", place):
                _copy_file(entry.path, place)


def _link(wanted: os.stat_result, earlier: str, target: str) -> bool:
    """Make a link to an earlier copy. Return False if there is none, if it differs, or if the disk has no links."""
    try:
        state = os.lstat(earlier)  # noqa: PTH116
        mine = state.st_uid == os.getuid()  # code in a file of somebody else must never run in a trial
        is_same = mine and (state.st_size, state.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns)
        if is_same:
            os.link(earlier, target)
    except OSError:
        return False
    return is_same


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as old, open(target, "xb", buffering=0) as new:  # noqa: PTH123
        state = os.fstat(old.fileno())
        left = memoryview(old.read())
        while left:
            left = left[new.write(left) :]
        os.utime(new.fileno(), ns=(state.st_atime_ns, state.st_mtime_ns))


def compile_probe(record: Path, python: str) -> None:
    """Let the Python of a trial write the bytecode of the probe in a record.

    A Python that finds none compiles, so the first trial's memory would be laid out differently from that of the next.
    """
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):  # then the first trial compiles
        command = [python, "-I", "-m", "compileall", "-q", str(record / PROBE)]
        subprocess.run(command, capture_output=True, timeout=COMPILING_MAY_TAKE)


def _is_first(python: str) -> bool:
    """Return whether `python`, looked for in the interpreter's own folder, is that interpreter."""
    first = shutil.which("python", path=str(Path(python).parent))
    return first is not None and Path(first).resolve() == Path(python).resolve()


def trial_environment(
    plan: Plan, trial: int, directory: Path, slot: Slot, control_ids: Sequence[str] | None = None
) -> dict[str, str]:
    """Return all variables of a trial. `control_ids`: the controls that it holds, if they are not those of the plan.

    Values are of equal length in every trial, since address layout depends on them.
    """
    own = {**os.environ, **plan.request.variables}
    base = {name: value for name, value in own.items() if value is not None}
    of_controls = controls.environment(plan.controls if control_ids is None else control_ids, plan.seed, base)
    environment = {**base, **of_controls}
    shims = plan.record / SHIMS
    environment["PATH"] = search_path(plan.request.python, shims if shims.is_dir() else None)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(plan.probe), environment.get("PYTHONPATH")]))
    environment[wire.CONFIG_VARIABLE] = str(plan.trial_folder(trial) / "config.json")
    environment["PWD"] = str(directory)
    environment.update({} if slot.is_plain else device_variables(slot))
    if plan.meets_ray:
        carried = ["PYTHONPATH", wire.CONFIG_VARIABLE, *of_controls]
        environment.update(ray_programs.variables(environment, carried))
    return environment


def device_variables(slot: Slot) -> dict[str, str]:
    """Return the variables that separate a trial in this slot from trials in other slots.

    The result is empty if one trial runs at a time.
    """
    if slot.jobs == 1:
        return {}
    port = str(free_port())
    shared = {"MASTER_PORT": port, "PET_MASTER_PORT": port}  # PET_MASTER_PORT is torchrun's own
    share = [] if slot.has_own_devices else split_gpus(visible_gpus(), slot.number, slot.jobs)
    return {**shared, _VISIBLE: ",".join(share)} if share else shared


def visible_gpus() -> list[str]:
    """Return the devices that the user's own trials would see."""
    visible = os.environ.get(_VISIBLE)
    if visible is not None:
        return [device.strip() for device in visible.split(",") if device.strip()]
    return [str(n) for n in range(len(list(_GPUS.iterdir())))] if _GPUS.is_dir() else []


def split_gpus(gpus: list[str], slot: int, jobs: int) -> list[str]:
    """Return the same number of devices for each slot, so that trials are alike.

    If there are too few, slots share them.
    """
    if not gpus:
        return []
    each = len(gpus) // jobs
    return gpus[slot::jobs][:each] if each else [gpus[slot % len(gpus)]]


def free_port() -> int:
    """Return a port of five digits that is free now."""
    import socket  # here, because few trials need it

    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port >= 10000:
            return port
    return port


def recorded(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that can change the bits, without anything that looks like a secret."""
    return {
        name: value for name, value in sorted(environment.items()) if _KEPT.fullmatch(name) and not _SECRET.search(name)
    }
