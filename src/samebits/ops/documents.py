"""The documents of operator replay: the content of `ops.json` and of `--json`.

They are made from the files that the probe left (`findings` in `samebits_probe/watchers/pytorch/replay`). The values in
these files are measured, then removed.
"""

from __future__ import annotations

import linecache
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from samebits import comparison
from samebits.launch.processes.observations import WatchedProcess, events, read_json
from samebits.model import RECORD_FORMAT, Document, Size, Verdict
from samebits.store import TensorLog, tensor_log
from samebits_probe import wire

Phase = Literal["forward", "backward", "optimizer"]
Outcome = Literal["same", "differed", "nothing"]
VERDICTS: dict[Outcome, Verdict] = {"same": "repeated", "differed": "diverged", "nothing": "inconclusive"}


class Operator(Document):
    """One overload of an operator in one phase. `seen`, `replayed`: its calls. `differed`: calls with different bits.

    `replays`: the replays of all these calls. `operator`: the name in the schema, without a trailing underscore.
    `overload`: the whole name, with that of the overload.
    """

    operator: str
    overload: str
    phase: Phase
    seen: int
    replayed: int
    replays: int
    differed: int


class DifferingResult(Document):
    """A result that differed, or an argument that the operator wrote to. `size`: the largest of up to eight
    differences; null if the values were too large to be kept.
    """

    name: str
    dtype: str
    shape: list[int]
    size: Size | None = None


class DifferingPlace(Document):
    """One place at which an operator differed.

    `order`: its number among the operators that ran, from 1. `differed`: calls with a replay that differed. `replays`:
    the replays of these calls; `replays_differed`: those that differed. `memory`: whether the content of newly
    allocated memory decides the bits, because the operator reads memory that nobody wrote (null: not known). `node`: in
    a backward, the node of the graph. `file`, `line`, `source`: the line of the program; in a backward, the line of the
    forward that the node belongs to (line 0: not known). `module`: the innermost module that runs; in a backward, that
    of the forward. `inputs`: dtypes and shapes of the input tensors. `process`: the number of the process, among those
    with replays.
    """

    operator: str
    overload: str
    phase: Phase
    step: int
    order: int
    node: str = ""
    file: str = ""
    line: int = 0
    source: str = ""
    module: str = ""
    inputs: list[str] = []
    differed: int
    replays: int
    replays_differed: int
    memory: bool | None = None
    results: list[DifferingResult] = []
    process: int = 0

    @property
    def size(self) -> Size | None:
        """The largest difference of all results."""
        sizes = [result.size for result in self.results if result.size is not None]
        return max(sizes, key=magnitude, default=None)


class LeftOut(Document):
    """An operator that was not replayed. `why`: the reason. `seen`: its calls."""

    operator: str
    why: str
    seen: int


class Unwritten(Document):
    """Elements of a result that the operator did not write: they are not compared."""

    operator: str
    result: str
    elements: int
    of: int


class ReplayResult(Document):
    """The result of replaying the operators of some steps.

    `first`, `last`: the steps to replay; `steps`: those of them that were replayed to their end. `reason`, `advice`:
    set if nothing was replayed. `differed`: in the order in which the operators first ran. `failed`: operators whose
    replay raised an error.
    """

    format: int = RECORD_FORMAT
    samebits: str
    outcome: Outcome
    sentence: str
    reason: str | None = None
    advice: str | None = None
    command: list[str]
    python: str | None = None  # the interpreter of the run
    first: int
    last: int
    repeats: int
    steps: list[int] = []
    operators: list[Operator] = []
    differed: list[DifferingPlace] = []
    left_out: list[LeftOut] = []
    failed: list[LeftOut] = []
    unwritten: list[Unwritten] = []
    notes: list[str] = []
    seconds: float = 0.0
    record: str | None = None


def magnitude(size: Size) -> tuple[int, float, int]:
    """Return the key that orders differences by their size."""
    return size.max_ulp or 0, size.max_relative or 0.0, size.different


@dataclass
class ReplayFindings:
    """The findings of all processes of a trial. `steps`: steps that at least one process replayed to their end.

    `made`: steps that the program made, replayed or not. `why_not`: the probe's reason for replaying nothing.
    `has_torch`: whether any process imported PyTorch. `rested`: the number of processes that made steps, but replayed
    none. `failures`: where the probe itself failed, and its error. `interruptions`: where an exception of the program's
    thread interrupted the probe.
    """

    steps: list[int] = field(default_factory=list)
    made: int = 0
    operators: list[Operator] = field(default_factory=list)
    differed: list[DifferingPlace] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    failed: list[LeftOut] = field(default_factory=list)
    unwritten: list[Unwritten] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    why_not: str = ""
    has_torch: bool = False
    rested: int = 0
    failures: list[str] = field(default_factory=list)
    interruptions: list[str] = field(default_factory=list)


def collect(trial: Path, directory: Path) -> ReplayFindings:
    """Read the findings of the processes of a trial. `directory`: of the program; paths are relative to it."""
    findings = ReplayFindings()
    folders = sorted((trial / wire.PROCESSES).iterdir()) if (trial / wire.PROCESSES).is_dir() else []
    order = 0
    for folder in folders:
        document = read_json(folder / wire.REPLAY)
        _add_events(findings, folder)
        process = WatchedProcess(folder)
        process.look()
        findings.made = max(findings.made, process.steps() if process.observes else 0)
        if document is not None and document["operators"]:
            _add(findings, document, _Reader(TensorLog(folder), directory, order))
            tensor_log.remove(folder)
            order += 1
        elif process.observes and process.steps():
            findings.rested += 1
    return findings


def _add_events(findings: ReplayFindings, folder: Path) -> None:
    for event in events(folder):
        if event["event"] == "replay":
            findings.why_not = str(event["why"])
        elif event["event"] == "watcher" and event.get("name") == "pytorch":
            findings.has_torch = True
        elif event["event"] == "probe-failed":
            kind = findings.interruptions if event.get("foreign") else findings.failures
            kind.append(f"{event['where']}: {event['error']}")


def _add(findings: ReplayFindings, document: dict[str, Any], reader: _Reader) -> None:
    findings.steps = sorted({*findings.steps, *document["steps"]})
    findings.operators = _sums([*findings.operators, *map(Operator.model_validate, document["operators"])])
    findings.differed += [reader.differed(place) for place in document["differed"]]
    findings.left_out += [LeftOut.model_validate(item) for item in document["left_out"]]
    findings.failed += [LeftOut(seen=1, **item) for item in document["failed"]]
    findings.unwritten += [Unwritten.model_validate(item) for item in document["uninitialised"]]
    findings.notes += document["notes"]
    if document["unfilled"]:
        findings.notes.append(document["unfilled"])


def _sums(operators: list[Operator]) -> list[Operator]:
    """Add up the entries of each overload and phase over all processes."""
    joined: dict[tuple[str, str], Operator] = {}
    for new in operators:
        old = joined.get((new.overload, new.phase))
        if old is not None:
            counts = {
                name: getattr(old, name) + getattr(new, name) for name in ("seen", "replayed", "replays", "differed")
            }
            new = new.model_copy(update=counts)
        joined[new.overload, new.phase] = new
    return list(joined.values())


@dataclass(frozen=True)
class _Reader:
    """Reads the findings of one process."""

    tensors: TensorLog
    directory: Path
    order: int

    def differed(self, place: dict[str, Any]) -> DifferingPlace:
        """Return one place that differed, with the size of the difference and the text of the line."""
        results = [
            DifferingResult(name=name, dtype=result["dtype"], shape=result["shape"], size=self._size(result))
            for name, result in place.pop("results").items()
        ]
        source = linecache.getline(place["file"], place["line"]).strip() if place["line"] else ""
        place["file"] = _relative_path(place["file"], self.directory)
        return DifferingPlace(results=results, source=source, process=self.order, **place)

    def _size(self, result: dict[str, Any]) -> Size | None:
        """Return the largest of the differences whose values were kept."""
        pairs = [self._pair(str(number)) for number in result["pairs"]]
        layout = result["dtype"], tuple(result["shape"])
        sizes = [comparison.measure(*pair, *layout) for pair in pairs if pair is not None]
        return max(sizes, key=magnitude, default=None)

    def _pair(self, number: str) -> tuple[bytes, bytes] | None:
        own, again = self.tensors.find("own", number), self.tensors.find("again", number)
        return (self.tensors.read(own).data, self.tensors.read(again).data) if own and again else None


def _relative_path(file: str, directory: Path) -> str:
    """Return the path of a file, relative if it lies below the program's folder."""
    return os.path.relpath(file, directory) if Path(file).is_relative_to(directory) else file
