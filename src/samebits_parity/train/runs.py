"""Runs the two trainings as watched trials that keep their values.

The second one gets weights if the user wants that: B runs again with those of A until its outputs show which layer of B
takes the weights of which layer of A. With B's own initial weights, the outputs do not show which layers belong
together. The order of the layers may not show it either: the batch norm of a shortcut may run before or after those on
the main path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from samebits.comparison.verdict.reasons import AFTER_AN_INTERRUPTION, INTERRUPTED
from samebits.endings import ENDED_WELL
from samebits.errors import SamebitsError, UsageError
from samebits.experiment import Experiment, Limits, Progress, Request, arrange
from samebits.launch import HOSTS
from samebits.launch.processes.observations import events
from samebits.model import Options
from samebits.store.outputs import last_words
from samebits_parity.train.pairs import Pairer, WeightPair
from samebits_parity.train.values import TrainingValues
from samebits_probe import wire
from samebits_probe.probe.tensor_log import row

MOST_BYTES = 1 << 31  # bytes of values that one training may write


class TrainingFailure(SamebitsError):
    """A training that ended badly; the message has its last words."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What is compared. `a`, `b`: commands; `pythons`: interpreters, None for those on PATH; `single`: B begins each
    step with A's weights; `carry`: B begins the first step with A's weights; `folder`: for what the trials write.
    `host`, `each`: see `Request`.
    """

    a: list[str]
    b: list[str]
    folder: Path
    pythons: tuple[str | None, str | None] = (None, None)
    steps: int = 50
    single: bool = False
    carry: bool = False
    timeout: float | None = None
    host: str = "local"
    each: dict[str, str] = field(default_factory=dict)
    directory: Path = field(default_factory=Path.cwd)
    progress: Progress = field(default_factory=Progress)

    def command(self, side: str) -> list[str]:
        """Return the words of a side, "A" or "B"."""
        return self.a if side == "A" else self.b


def train(asked: TrainRequest, side: str, steps: int, feed: Path | None = None) -> TrainingValues:
    """Run one side for so many steps.

    Raises TrainingFailure, and NotFoundError or UsageError if it cannot be started.
    """
    given = "" if feed is None else " (with A's weights)"
    asked.progress.note(f"{side}{given}: {' '.join(asked.command(side))}")
    experiment = Experiment.begin(_request(asked, side), asked.progress)
    tensors = {"first": 0, "last": steps - 1, "most": MOST_BYTES, "layers": True}
    limits = Limits(steps=steps, tensors=tensors, feed={"folder": str(feed)} if feed else None)
    file = experiment.run(limits, [1]).files[0]
    folder = experiment.plan.trial_folder(1)
    if file.status not in ENDED_WELL:
        what = f"{side} ({' '.join(asked.command(side))}): {file.why or file.status}."
        said = last_words(folder)
        raise TrainingFailure(what + (f" It said: {said}" if said else ""), "Make it run by itself first.")
    processes = [TrainingValues(process) for process in experiment.processes(1)]
    training = max(processes, key=lambda process: process.steps, default=TrainingValues(folder))
    refuse_unusable(training, side)
    return training


def check(asked: TrainRequest) -> None:
    """Raise UsageError or NotFoundError if one of the sides could not be started.

    This is asked before the first one runs.
    """
    if asked.host.partition("://")[0] in HOSTS and (asked.single or asked.carry):
        what = f"--on {asked.host}: with --carry and --single-step B reads A's weights from a folder of this machine."
        raise UsageError(what, "leave --on out, or --carry and --single-step.")
    for side in "AB":
        arrange(_request(asked, side), asked.folder / side)


def _request(asked: TrainRequest, side: str) -> Request:
    return Request(
        command=asked.command(side),
        directory=asked.directory,
        python=asked.pythons["AB".index(side)],
        host=asked.host,
        each=asked.each,
        out=asked.folder / side,
        overwrite=True,
        options=Options(trials=1, jobs=1, timeout=asked.timeout),
    )


def refuse_unusable(training: TrainingValues, side: str) -> None:
    """Raise TrainingFailure if the probe failed, or if weights could not be set."""
    for event in events(training.folder):
        kind, advice = event.get("event"), "Leave --carry and --single-step out."
        if kind == "probe-failed" and event.get("foreign"):
            what, advice = f"{INTERRUPTED} ({event['where']}: {event['error']})", AFTER_AN_INTERRUPTION
        elif kind == "probe-failed":
            what = f"samebits itself failed in this training, at {event['where']}: {event['error']}"
            advice = "Please report it, with both scripts."
        elif kind == "not-observed" and event["point"] == "feed":
            what, advice = event["why"], "Give the scripts in the other order."
        elif kind == "not-fed":
            what = f"these weights could not be set: {', '.join(event['names'])}"
        else:
            continue
        raise TrainingFailure(f"{side}: {what}.", advice)


def write_feed(folder: Path, a: TrainingValues, b: TrainingValues, pairs: list[WeightPair], *, steps: range) -> Path:
    """Write A's weights after each of these steps (-1: the initial ones).

    They are in B's order of axes and types, as the probe reads them (samebits_probe.wire).
    """
    folder.mkdir(parents=True, exist_ok=True)
    types = b.names(-1, "start")
    with (folder / wire.TENSORS).open("wb") as values, (folder / wire.TENSOR_ROWS).open("wb") as rows:
        for step, pair in product(steps, pairs):
            value = pair.way.to_b(a.weight(step, pair.a)).astype(types[pair.b].dtype.rpartition(".")[2])
            rows.write(row((step, "weight", pair.b), value.dtype, value.shape, values.tell(), value.nbytes))
            values.write(value.tobytes())
    return folder


# -- B with A's weights -----------------------------------------------------------------------------------------------


Pairs = list[WeightPair]
MOST_RUNS = 4  # runs of B with A's weights


def fed(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> tuple[TrainingValues, Pairs]:
    """Return B with A's weights at its start (--carry) and after each step (--single-step), and its pairs."""
    b = _run(asked, a, b, pairs)
    for _ in range(MOST_RUNS - 1 if asked.carry else 0):
        seen, left = Pairer(a, b).pairs()
        if left or _names(seen) == _names(pairs):
            break
        b, pairs = _run(asked, a, b, seen), seen
    return b, pairs


def _run(asked: TrainRequest, a: TrainingValues, b: TrainingValues, pairs: Pairs) -> TrainingValues:
    first, last = (-1 if asked.carry else 0), (a.steps if asked.single else 0)
    feed = write_feed(asked.folder / "feed", a, b, pairs, steps=range(first, last))
    return train(asked, "B", asked.steps, feed)  # not A's number of steps: B may make more


def _names(pairs: Pairs) -> set[tuple[str, str]]:
    return {(pair.a, pair.b) for pair in pairs}
