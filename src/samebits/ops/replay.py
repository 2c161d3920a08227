"""One watched run whose operators are replayed: the steps of it, in order."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from samebits import controls
from samebits.errors import RecordError, UsageError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.ops import findings, verdict
from samebits.ops.documents import ReplayResult
from samebits.store.record_files import read_document

OPS = "ops.json"
REPEATS = 4
MOST_REPEATS = 1000
_TUNABLES = "GLIBC_TUNABLES"


def replay(
    request: Request,
    step: int | tuple[int, int] = 0,
    repeats: int = REPEATS,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> ReplayResult:
    """Run the command once, up to the end of the last step asked for, and replay the operators of these steps.

    `step`: one, or the first and the last of several. `repeats`: how often each operator is run again. `folder`: the
    record folder (default: that of the request). Raises what `checks.check` raises before anything runs. What kept
    operators from being replayed is said in the result.
    """
    first, last = (step, step) if isinstance(step, int) else step
    if not 0 <= first <= last or not 1 <= repeats <= MOST_REPEATS:
        raise UsageError(f"Steps {first} to {last}, {repeats} replays: this cannot be.", "samebits ops --help")
    began = time.monotonic()
    experiment = Experiment.begin(_alone(request, last, folder), progress)
    want = {"first": first, "last": last, "repeats": repeats}
    looked = experiment.run(Limits(steps=last + 1, replay=want), [1])
    plan = experiment.plan
    found = findings.collect(plan.trial_folder(1), plan.directory)
    result = verdict.judge(found, looked.files[0], plan.request.command, want)
    update = {"seconds": time.monotonic() - began, "record": str(experiment.folder)}
    result = result.model_copy(update=update)
    experiment.write(OPS, result)
    return result


def _alone(request: Request, last: int, folder: Path | None) -> Request:
    """The request for this one run. Small pieces of memory are given unfilled by the cache of a thread: it is off."""
    options = request.options.model_copy(update={"trials": 1, "steps": last + 1, "budget": None, "jobs": 1})
    base = {name: value for name, value in {**os.environ, **request.variables}.items() if value is not None}
    tunables = controls.environment(["fill-uninitialized"], 0, base).get(_TUNABLES)
    variables = {**request.variables, _TUNABLES: tunables}
    return replace(request, options=options, variables=variables, out=folder or request.out, against=None)


def read(folder: Path) -> ReplayResult:
    """What an earlier replay found. Raises RecordError where the folder holds none, or a broken one."""
    path = folder / OPS
    if not path.is_file():
        raise RecordError(f"{folder} holds no {OPS}: no operators were replayed.", "samebits ops -- python train.py")
    return read_document(path, ReplayResult)
