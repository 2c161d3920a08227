"""Finds the first difference between the block of a golden file and that of new trials. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from samebits import words
from samebits.golden.blocks import GoldenBlock
from samebits.golden.steps import COLUMNS, NOTHING, ProcessTable, StepLine

__all__ = ["Difference", "first_difference"]

_LATE = 1 << 62  # a step after all others: the end


class Difference(NamedTuple):
    """The first place that differs. `process` counts from 0. `detail`: what is known. `size`: how large it is."""

    step: int
    kind: str
    process: int
    detail: str = ""
    size: str = ""

    @property
    def where(self) -> str:
        """The place in words."""
        process = f"process {self.process + 1} > " if self.process else ""
        if self.kind == "end":
            return f"{process}the end"
        return f"{process}{'before step 0' if self.step < 0 else f'step {self.step:,}'} > {self.kind}"


def first_difference(old: GoldenBlock, new: GoldenBlock) -> Difference | None:
    """Return the earliest difference; None if all that both have is equal."""
    if len(old.processes) != len(new.processes):
        counts = [words.count(len(block.processes), "process") for block in (old, new)]
        return Difference(-1, "structure", 0, f"{counts[0]} observed values then, {counts[1]} now")
    is_whole = old.stopped_after is None and new.stopped_after is None
    pairs = enumerate(zip(old.processes, new.processes, strict=True))
    differences = [difference for place, pair in pairs for difference in _of_process(place, *pair, is_whole=is_whole)]
    if is_whole:
        differences += [*_of_table("file", old.files, new.files), *_of_table("metric", old.metrics, new.metrics)]
    elif new.stopped_after is None and old.stopped_after is not None and new.steps < old.steps:
        differences.append(_other_number(old.steps, new.steps, 0))
    return min(differences, key=lambda difference: (difference.step, difference.process), default=None)


def _of_process(place: int, old: ProcessTable, new: ProcessTable, *, is_whole: bool) -> Iterator[Difference]:
    for mine, theirs in zip(old.lines, new.lines, strict=False):
        if (mine.step, mine.prints) != (theirs.step, theirs.prints):
            yield _of_line(place, mine, theirs, _size(old.lines, new.lines, mine.step))
            return
    if is_whole and len(old.lines) != len(new.lines):
        yield _other_number(len(old.lines), len(new.lines), place)
    elif len(old.lines) == len(new.lines) and old.last != new.last:
        yield Difference(_LATE, "end", place, "the fingerprints of all steps together differ")
    elif is_whole and old.end != new.end:
        yield Difference(_LATE, "end", place, "the final values of the model differ")


def _of_line(place: int, old: StepLine, new: StepLine, size: str) -> Difference:
    if old.step != new.step:
        return Difference(min(old.step, new.step), "structure", place, "the file or the trials lack this step", size)
    kind, *prints = next((kind, a, b) for kind, a, b in zip(COLUMNS, old.prints, new.prints, strict=True) if a != b)
    detail = "the file or the trials lack values of this kind" if NOTHING in prints else ""
    return Difference(old.step, kind, place, detail, size)


def _other_number(old: int, new: int, place: int) -> Difference:
    return Difference(min(old, new), "structure", place, f"{words.count(old, 'step')} then, {new:,} now")


def _of_table(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    """Yield what differs. A metric counts only if it is asked for now, too."""
    for name, value in sorted(old.items()):
        if new.get(name) != value and (name in new or what == "file"):
            text = "its content differs" if name in new else "it is missing now"
            if what == "metric":
                text = f"{value or 'nothing'} then, {new[name] or 'nothing'} now"
            yield Difference(_LATE, "end", 0, f"{what} {name}: {text}")


def _size(old: Sequence[StepLine], new: Sequence[StepLine], step: int) -> str:
    """Return by how much the loss differs: at the first step that differs, and at most."""
    pairs = [(a.step, a.loss, b.loss) for a, b in zip(old, new, strict=False) if a.step >= step]
    losses = [(at, a, b) for at, a, b in pairs if a is not None and b is not None]
    if not losses:
        return "not known: no step has a loss"
    apart = [(at, a, b) for at, a, b in losses if a != b and not (math.isnan(a) and math.isnan(b))]
    if not apart:
        return "the loss is the same at every step that both have"
    at, then, now = apart[0]
    most = max(apart, key=lambda pair: _relative(pair[1], pair[2]))
    first = f"loss {then!r} then, {now!r} now {words.at_step(at)} ({_distance(then, now)})"
    far = f"at most {_relative(*most[1:]):.2g} of the value, {words.at_step(most[0])}"
    return first if most[0] == at else f"{first}; {far}"


def _relative(old: float, new: float) -> float:
    difference = abs(new - old) / abs(old) if old else abs(new)
    return math.inf if math.isnan(difference) else difference


def _distance(old: float, new: float) -> str:
    """Return the distance of two losses, in units of the last place of float32 if both are numbers of that type."""
    relative = f"{_relative(old, new):.2g} of the value"
    with np.errstate(over="ignore"):
        a, b = np.float32(old), np.float32(new)
    if not (np.isfinite(a) and np.isfinite(b) and float(a) == old and float(b) == new and (a < 0) == (b < 0)):
        return relative
    far = abs(int(a.view(np.int32)) - int(b.view(np.int32)))
    return f"{far:,} ULP, {relative}"
