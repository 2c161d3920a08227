"""Lets the trials of a second side begin with the initial weights of the first one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from samebits import store, words
from samebits.comparison.traces.layers import aligned_layers
from samebits.endings import ENDED_WELL
from samebits.errors import UsageError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.store.tensor_log import write_weights
from samebits_probe import wire

_WEIGHTS = {"first": 0, "last": 0, "kinds": ["start"]}


class InitialWeights:
    """The initial weights of a side, from a trial of one step. Raises UsageError unless one process has them."""

    def __init__(self, request: Request, progress: Progress) -> None:
        progress.note("keeps the initial weights in a trial of one step")
        with _experiment(replace(request, starts_as=request.out), progress) as experiment:
            self._model = _model(_trial(experiment, 1, tensors=_WEIGHTS))
        self._folder = next(folder for folder in experiment.processes(1) if (folder / wire.TENSOR_ROWS).exists())

    def given_to(self, request: Request, progress: Progress) -> Request:
        """Return the request with these weights for its trials. A trial of one step shows that they can be set.

        Raises UsageError if they cannot.
        """
        progress.note("sets the initial weights of the first side, and tests this in trials of one step")
        with _experiment(request, progress) as experiment:
            of_second = aligned_layers(self._model.points, _model(_trial(experiment, 1)).points).names
            names = {ours: theirs for theirs, ours in of_second.items()}
            folder = Path(tempfile.mkdtemp(prefix="weights-", dir=experiment.folder.parent))
            written = write_weights(folder, self._folder, -1, names)
            if not written:
                raise _impossible("no layer has the same shapes on both sides")
            trial = _trial(experiment, 2, feed={"folder": str(folder)})
        fed = {event["name"] for process in trial.processes for event in process.events_named("fed")}
        missing = [name for name in written if name not in fed]
        if missing:
            known = "samebits can set weights of PyTorch, and of Keras on TensorFlow or PyTorch"
            raise _impossible(f"{known}, but not {words.first_few(missing, 3)}")
        return replace(request, weights=folder, starts_as=request.starts_as or experiment.folder)


@contextmanager
def _experiment(request: Request, progress: Progress) -> Iterator[Experiment]:
    """Yield an experiment, and settle the working folder at the end, as a check does."""
    assert request.out is not None
    experiment = Experiment.begin(replace(request, out=request.out.with_name(f"{request.out.name}-start")), progress)
    try:
        yield experiment
    finally:
        experiment.settle()


def _trial(experiment: Experiment, number: int, **limits: Any) -> store.TrialTrace:
    """Run a trial of one step."""
    file = experiment.run(Limits(steps=1, **limits), [number]).files[0]
    trial = experiment.trial(number)
    if file.status not in ENDED_WELL or trial.failures():
        why = "; ".join(trial.failures()) or store.last_words(experiment.plan.trial_folder(number)) or file.why
        raise _impossible(f"the trial of one step failed: {why}")
    return trial


def _model(trial: store.TrialTrace) -> store.ProcessTrace:
    models = [process for process in trial.processes if any(point.kind == "start" for point in process.points)]
    if len(models) != 1:
        raise _impossible(f"samebits saw initial weights in {words.count(len(models), 'process')}, not in one")
    return models[0]


def _impossible(why: str) -> UsageError:
    return UsageError(f"--same-weights is not possible: {why.rstrip('.')}. Leave it out.")
