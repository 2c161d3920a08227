"""Captures the tensor at a divergence, in short runs that stop right after the divergence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from samebits import comparison, store
from samebits.experiment import Experiment
from samebits.experiment.recorded_trials import request_of, seconds_allowed
from samebits.launch.capacity.capacity import Capacity
from samebits.launch.plan import Limits, Request
from samebits.model import Divergence, RecordFile, Result, Size, TrialFile
from samebits.tensor_pairs import MOST_RUNS, WITH_TENSORS

if TYPE_CHECKING:
    from samebits.store import TrialTrace

MOST_SECONDS = 60.0  # for all runs together
MOST_BYTES = 1 << 30
_FOLDER = "captures"


class CapturedTensor(NamedTuple):
    """One tensor of a run: its bytes in logical order, and everything that the run observed."""

    data: bytes
    dtype: str
    shape: tuple[int, ...]
    trial: TrialTrace


def measurable(result: Result, files: list[TrialFile], most_seconds: float = MOST_SECONDS) -> Divergence | None:
    """Return the divergence if its size can be measured; None if that may take more than `most_seconds`."""
    where = result.divergence
    if where is None or result.verdict != "diverged" or where.kind not in WITH_TENSORS:
        return None
    return where if seconds_needed(files) <= most_seconds else None


def measure(record: store.Record, where: Divergence, capacity: Capacity | None = None) -> Size | None:
    """Measure how far the values at a divergence are apart. Returns None if no two trials diverge there again.

    Trials run again until two of them diverge at the same point; the first two side by side, or from the same time on,
    if there is room. Each trial is stopped right after the step. `capacity`: that of the recorded trials, if it is
    known.
    """
    wanted, tensors = tensor_at(where), list[CapturedTensor]()
    with Experiment.inside(record, _FOLDER, _request(record), capacity=capacity) as experiment:
        room = max(experiment.capacity.fitting(2), experiment.capacity.starting(2))
        begun = range(1, min(room, 2) + 1)  # more may fit: as many as the user wants
        for number in range(1, MOST_RUNS + 1):
            if number not in begun[1:]:
                _run(experiment, wanted, begun if number == 1 else [number], wanted["last"] + 1)
            tensor = _captured(experiment, wanted, number)
            if tensor is None:
                return None
            other = next((earlier for earlier in tensors if _diverge_there(record.file, where, earlier, tensor)), None)
            if other is not None:
                return _size(other, tensor, where.kind)
            tensors.append(tensor)
    return None


def _size(first: CapturedTensor, second: CapturedTensor, kind: str) -> Size:
    """Measure how far two tensors are apart, and choose the values that a report shows."""
    size = comparison.measure(first.data, second.data, second.dtype, second.shape)
    pair = comparison.TensorPair(first.data, second.data, second.dtype, second.shape)
    difference = comparison.shown_difference(pair, kind, is_related=not size.unrelated)
    return size.model_copy(update={"shown": difference})


def seconds_needed(files: list[TrialFile]) -> float:
    """Return an upper bound for the time of all runs: no run goes further than the recorded trials."""
    return MOST_RUNS * max((file.seconds for file in files), default=MOST_SECONDS)


def _diverge_there(file: RecordFile, where: Divergence, a: CapturedTensor, b: CapturedTensor) -> bool:
    """Return whether two runs first diverge at this point. They may diverge earlier than the recorded trials did."""
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    again = comparison.judge(file, [a.trial, b.trial]).divergence
    return again is not None and (again.step, again.kind, again.name) == (where.step, where.kind, where.name)


def tensor_at(where: Divergence) -> dict[str, Any]:
    """Return the request to the probe for the tensor at which trials diverge."""
    step = max(where.step, 0)  # the probe sees initial weights during the first step
    return wanted_tensor(where.process.order, step, where.kind, where.name)


def wanted_tensor(process: int, step: int, kind: str, name: str) -> dict[str, Any]:
    """Return the request to the probe for one tensor. `process`: its place in the order in which processes started."""
    return {"process": process, "first": step, "last": step, "kinds": (kind,), "name": name}


def capture(record: store.Record, wanted: dict[str, Any], *, steps: int | None) -> CapturedTensor | None:
    """Run a trial of a record again, to its end or for `steps`, and capture one tensor.

    `wanted`: the request to the probe (see samebits_probe.wire). Returns None if the tensor was not seen.
    """
    with Experiment.inside(record, _FOLDER, _request(record)) as experiment:
        _run(experiment, wanted, [1], steps)
        return _captured(experiment, wanted, 1)


def _request(record: store.Record) -> Request:
    """Return the request of the trials, with a limit of time that ends a run if it stalls."""
    request = request_of(record)
    timeout = seconds_allowed([trial.file for trial in record.trials], request.options.timeout)
    return replace(request, options=request.options.model_copy(update={"timeout": timeout}))


def _run(experiment: Experiment, wanted: dict[str, Any], numbers: Sequence[int], steps: int | None) -> None:
    experiment.recall(())
    experiment.run(Limits(steps=steps, tensors=wanted, together=True), numbers)


def _captured(experiment: Experiment, wanted: dict[str, Any], number: int) -> CapturedTensor | None:
    folders = experiment.processes(number)
    if wanted["process"] >= len(folders):
        return None
    log = store.TensorLog(folders[wanted["process"]])
    row = log.find(wanted["kinds"][0], wanted["name"])
    if row is None or row.size > MOST_BYTES:
        return None
    return CapturedTensor(*log.read(row), experiment.trial(number))
