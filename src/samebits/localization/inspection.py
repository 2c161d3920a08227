"""Runs inspections: trials that run to the step in which they diverge, and are observed more closely there.

Each module or operator that a trial executed in the step has an entry. Entries are in the order of execution.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from samebits import comparison, store
from samebits.documents import Apart, Size, UnorderedVariable
from samebits.endings import ENDED_WELL
from samebits.experiment import Experiment, Limits, Progress, recorded_trials
from samebits.model import Divergence, RecordFile
from samebits.store import Tensor, TensorLog, TrialTrace
from samebits_probe import wire


class Output(NamedTuple):
    """An output tensor. `print`: its fingerprint; None if it has no values. `number`: that of its kept values."""

    dtype: str
    shape: tuple[int, ...]
    print: str | None
    number: int | None


class EntryKey(NamedTuple):
    """Identifies an entry across trials. `nth`: how many earlier entries have the same four names."""

    phase: str
    what: str
    name: str
    module: str
    nth: int


@dataclass(frozen=True)
class Entry:
    """A module or an operator that was executed (see `samebits_probe.wire`, DETAILS)."""

    key: EntryKey
    outputs: tuple[Output, ...]
    inputs: tuple[str, ...] | None = None
    type: str = ""
    code: str = ""
    random: bool = False
    unset: bool = False
    view: bool = False
    given: dict[str, str] = field(default_factory=dict)

    @property
    def prints(self) -> tuple[str | None, ...]:
        """The fingerprints of its outputs. If their values are undefined by contract: their dtypes and shapes."""
        if self.unset:
            return tuple(f"{output.dtype} {output.shape}" for output in self.outputs)
        return tuple(output.print for output in self.outputs)


@dataclass(frozen=True)
class Execution:
    """One trial of an inspection. `folder`: of the process in which trials diverge; None if that did not start."""

    trial: TrialTrace
    folder: Path | None

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        path = self.folder / wire.DETAILS if self.folder else None
        if path is None or not path.is_file():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    @cached_property
    def _tensors(self) -> TensorLog | None:
        return TensorLog(self.folder) if self.folder else None

    @cached_property
    def entries(self) -> list[Entry]:
        """Everything that was executed in the step."""
        return list(_entries(line for line in self._lines if line["what"] not in ("access", "note")))

    @property
    def notes(self) -> list[str]:
        """Notes on what the inspection itself changed or could not see."""
        return [line["name"] for line in self._lines if line["what"] == "note"]

    @property
    def unordered(self) -> list[UnorderedVariable]:
        """The variables that the step reads and writes without an order between the two."""
        lines = [line for line in self._lines if line["what"] == "access"]
        return [UnorderedVariable(variable=line["name"], reads=line["reads"], writes=line["writes"]) for line in lines]

    def values(self, output: Output) -> Tensor | None:
        """Return the values of an output; None if they were not kept."""
        if self._tensors is None or output.number is None:
            return None
        row = self._tensors.find("output", str(output.number))
        return self._tensors.read(row) if row else None

    def followed(self) -> dict[int, Tensor]:
        """Return {step: the followed tensor after that step}. The step -1 stands for the start."""
        tensors: dict[int, Tensor] = {}
        if self._tensors is not None:
            for row in self._tensors.rows:
                if row.kind != "output":
                    step = max(row.step - 1, -1) if row.kind == "start" else row.step
                    tensors.setdefault(step, self._tensors.read(row))
        return tensors


def _entries(lines: Iterator[dict[str, Any]]) -> Iterator[Entry]:
    count = Counter[tuple[str, ...]]()
    for line in lines:
        key = (line["phase"], line["what"], line["name"], line.get("module", ""))
        outputs = [Output(dtype, tuple(shape), *rest) for dtype, shape, *rest in line["outputs"]]
        yield Entry(
            EntryKey(*key, count[key]),
            tuple(outputs),
            tuple(line["inputs"]) if "inputs" in line else None,
            line.get("type", ""),
            line.get("code", ""),
            bool(line.get("random")),
            bool(line.get("unset")),
            bool(line.get("view")),
            line.get("given", {}),
        )
        count[key] += 1


def growth(a: Execution, b: Execution) -> list[Apart]:
    """Measure the distance of the followed tensor after each step that both trials made."""
    mine, theirs = a.followed(), b.followed()
    return [_apart(step, mine[step], theirs[step]) for step in sorted(set(mine) & set(theirs))]


def _apart(step: int, a: Tensor, b: Tensor) -> Apart:
    size = comparison.measure(a.data, b.data, a.dtype, a.shape)
    relative = comparison.relative_distance(a.data, b.data, a.dtype)
    return Apart(step=step, different=size.different, elements=size.elements, max_ulp=size.max_ulp, relative=relative)


def update_looks(a: Execution, b: Execution, step: int) -> str:
    """Describe how two updates of one step differ; "" if the trials did not begin the step with the same tensor."""
    mine, theirs = a.followed(), b.followed()
    if not {step - 1, step} <= set(mine) & set(theirs) or mine[step - 1] != theirs[step - 1]:
        return ""
    before = mine[step - 1]
    return comparison.update_looks(before.data, (mine[step].data, theirs[step].data), before.dtype)


def size_of(a: Tensor | None, b: Tensor | None) -> Size | None:
    """Measure how far two tensors are apart; None if one was not kept, or if they have different dtypes or shapes."""
    if a is None or b is None or (a.dtype, a.shape) != (b.dtype, b.shape):
        return None
    return comparison.measure(a.data, b.data, a.dtype, a.shape)


FOLDER = "locate"
MOST_BYTES = 1 << 27  # of values that one process of an inspection keeps
MORE_STEPS = 20  # after the inspected step, to measure how the distance of the trials grows
MORE_SECONDS = 30.0  # that these steps may take in each trial


@dataclass(frozen=True)
class InspectedTrials:
    """The trials of an inspection that ended well, agree up to the step and diverge in it.

    If no trials diverge in the step, these are all trials that ended well. `divergence`: the divergence that the usual
    comparison finds among them. `failed`: why the other trials failed.
    """

    step: int
    trials: list[Execution]
    divergence: Divergence | None
    failed: list[str]


@dataclass(frozen=True)
class Looker:
    """Runs trials of a record again. `follow`: the name of the followed weight. `more`: steps after the inspected."""

    experiment: Experiment
    file: RecordFile
    process: int
    follow: str
    more: int

    def look(self, step: int, level: str, count: int) -> InspectedTrials:
        """Run `count` trials past `step`, and inspect this step at a level: "module" or "operator"."""
        most = step + 1 + self.more
        followed = {
            "first": max(step - 1, 0),
            "last": step + self.more,
            "kinds": ("start", "update"),
            "name": self.follow,
        }
        details = {"step": step, "level": level, "most": MOST_BYTES}
        limits = Limits(steps=most, tensors=followed if self.follow else None, details=details)
        self.experiment.recall(())
        finished = self.experiment.run(limits, list(range(1, count + 1)), tries_first=True)
        well = [file.id for file in finished.files if file.status in ENDED_WELL]
        trials = [self._execution(trial) for trial in well]
        failed = [file.why or file.status for file in finished.files if file.status not in ENDED_WELL]
        alike, divergence = diverging_in(step, self.file, trials)
        return InspectedTrials(step, alike, divergence, failed)

    def keep(self, wanted: dict[str, Any], count: int) -> tuple[Execution, Execution] | None:
        """Run `count` trials that keep the wanted tensors. Return two trials that diverge; None if all agree."""
        self.experiment.recall(())
        limits = Limits(steps=wanted["last"] + 1, tensors=wanted)
        ran = self.experiment.run(limits, list(range(1, count + 1)), tries_first=True)
        trials = [self._execution(file.id) for file in ran.files if file.status in ENDED_WELL]
        divergence = _divergence(self.file, trials)
        return diverging_pair(trials, divergence) if divergence is not None else None

    def _execution(self, trial: int) -> Execution:
        folders = self.experiment.processes(trial)
        folder = folders[self.process] if self.process < len(folders) else None
        return Execution(self.experiment.trial(trial), folder)


def diverging_pair(trials: Sequence[Execution], where: Divergence) -> tuple[Execution, Execution] | None:
    """Return a trial of the reference group, and one that diverges from it at this point."""
    others = [execution for execution in trials if execution.trial.id in where.trials]
    rest = [execution for execution in trials if execution.trial.id not in where.trials]
    return (rest[0], others[0]) if others and rest else None


def diverging_in(step: int, file: RecordFile, trials: list[Execution]) -> tuple[list[Execution], Divergence | None]:
    """Return (the trials that agree up to a step and diverge in it, their divergence).

    Trials that differ already before the step are left out. If no trials diverge in the step: all trials, and the
    divergence elsewhere, if there is one.
    """
    divergence = everywhere = _divergence(file, trials)
    alike = trials
    while divergence is not None and max(divergence.step, 0) < step:
        left = [execution for execution in alike if execution.trial.id in divergence.trials]
        stayed = [execution for execution in alike if execution.trial.id not in divergence.trials]
        alike = max(stayed, left, key=len)
        divergence = _divergence(file, alike)
    is_there = divergence is not None and max(divergence.step, 0) == step
    return (alike, divergence) if is_there else (trials, everywhere)


def _divergence(file: RecordFile, trials: Sequence[Execution]) -> Divergence | None:
    return comparison.judge(file, [execution.trial for execution in trials]).divergence if len(trials) > 1 else None


@contextmanager
def looker(record: store.Record, where: Divergence, progress: Progress) -> Iterator[Looker]:
    """Yield a looker whose trials have a folder in the record, and remove this folder afterwards.

    Raises NotFoundError if the record's command or folder is gone.
    """
    request = recorded_trials.request_of(record)
    options = request.options.model_copy(update={"artifacts": [], "metrics": {}})
    with Experiment.inside(record, FOLDER, replace(request, options=options), progress) as experiment:
        yield Looker(experiment, record.file, where.process.order, _followed(record, where), _more(record))


def _more(record: store.Record) -> int:
    """Return how many steps after the divergence fit into MORE_SECONDS."""
    each = [trial.file.seconds / max(1, process.steps) for trial in record.trials for process in trial.observed]
    return max(1, min(MORE_STEPS, int(MORE_SECONDS / max(each, default=MORE_SECONDS)))) if each else 1


def _followed(record: store.Record, where: Divergence) -> str:
    """Return the weight to follow: that of the divergence, or else the first trained weight; "" if there is none."""
    points = _points(record, where)
    weights = [name for kind, name in points if kind == "gradient"] or [n for k, n in points if k == "update"]
    weights = [name for name in weights if ("update", name) in points]
    return where.name if where.name in weights else next(iter(weights), "")


def _points(record: store.Record, where: Divergence) -> Sequence[tuple[str, str]]:
    for trial in record.trials:
        if where.process.order < len(trial.observed):
            points = trial.observed[where.process.order].points
            return [(point.kind, point.name) for point in points if point.dtype]
    return []
