"""What a trial executed within the step that was looked into: one entry each, in the order in which it was executed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from samebits import comparison
from samebits.documents import Apart, Size, UnorderedVariable
from samebits.store import Tensor, TensorLog, TrialTrace
from samebits_probe import wire


class Output(NamedTuple):
    """A tensor that something gave. `print`: None if it has no values. `number`: of its values, if they were kept."""

    dtype: str
    shape: tuple[int, ...]
    print: str | None
    number: int | None


class EntryKey(NamedTuple):
    """What makes two entries of different trials the same one. `nth`: how many like it came before."""

    phase: str
    what: str
    name: str
    module: str
    nth: int


@dataclass(frozen=True)
class Entry:
    """One thing that was executed (see `samebits_probe.wire`, DETAILS)."""

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
        """The fingerprints of its outputs; dtypes and shapes where they hold no values by contract."""
        if self.unset:
            return tuple(f"{output.dtype} {output.shape}" for output in self.outputs)
        return tuple(output.print for output in self.outputs)


@dataclass(frozen=True)
class Execution:
    """One trial of a look. `folder`: of the process in which the trials diverge; None where it did not begin."""

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
        """All that was executed in the step."""
        return list(_entries(line for line in self._lines if line["what"] not in ("access", "note")))

    @property
    def notes(self) -> list[str]:
        """What the look itself changed, or could not see."""
        return [line["name"] for line in self._lines if line["what"] == "note"]

    @property
    def unordered(self) -> list[UnorderedVariable]:
        """Variables without an order between a read and a write of the step."""
        lines = [line for line in self._lines if line["what"] == "access"]
        return [UnorderedVariable(variable=line["name"], reads=line["reads"], writes=line["writes"]) for line in lines]

    def values(self, output: Output) -> Tensor | None:
        """The values of an output, where there was room to keep them."""
        if self._tensors is None or output.number is None:
            return None
        row = self._tensors.find("output", str(output.number))
        return self._tensors.read(row) if row else None

    def followed(self) -> dict[int, Tensor]:
        """Step -> the tensor that was followed, after that step; -1: at the start."""
        found: dict[int, Tensor] = {}
        if self._tensors is not None:
            for row in self._tensors.rows:
                if row.kind != "output":
                    step = max(row.step - 1, -1) if row.kind == "start" else row.step
                    found.setdefault(step, self._tensors.read(row))
        return found


def _entries(lines: Iterator[dict[str, Any]]) -> Iterator[Entry]:
    count = Counter[tuple[str, ...]]()
    for line in lines:
        named = (line["phase"], line["what"], line["name"], line.get("module", ""))
        outputs = [Output(dtype, tuple(shape), *rest) for dtype, shape, *rest in line["outputs"]]
        yield Entry(
            EntryKey(*named, count[named]),
            tuple(outputs),
            tuple(line["inputs"]) if "inputs" in line else None,
            line.get("type", ""),
            line.get("code", ""),
            bool(line.get("random")),
            bool(line.get("unset")),
            bool(line.get("view")),
            line.get("given", {}),
        )
        count[named] += 1


def growth(a: Execution, b: Execution) -> list[Apart]:
    """The distance of the followed tensor after each step that both trials made."""
    mine, theirs = a.followed(), b.followed()
    return [_apart(step, mine[step], theirs[step]) for step in sorted(set(mine) & set(theirs))]


def _apart(step: int, a: Tensor, b: Tensor) -> Apart:
    size = comparison.measure(a.data, b.data, a.dtype, a.shape)
    relative = comparison.relative_distance(a.data, b.data, a.dtype)
    return Apart(step=step, different=size.different, elements=size.elements, max_ulp=size.max_ulp, relative=relative)


def update_looks(a: Execution, b: Execution, step: int) -> str:
    """What the difference of one step's update looks like, where both began the step with the same tensor."""
    mine, theirs = a.followed(), b.followed()
    if not {step - 1, step} <= set(mine) & set(theirs) or mine[step - 1] != theirs[step - 1]:
        return ""
    before = mine[step - 1]
    return comparison.update_looks(before.data, (mine[step].data, theirs[step].data), before.dtype)


def size_of(a: Tensor | None, b: Tensor | None) -> Size | None:
    """How far two values are apart; None where either was not kept."""
    if a is None or b is None or (a.dtype, a.shape) != (b.dtype, b.shape):
        return None
    return comparison.measure(a.data, b.data, a.dtype, a.shape)
