"""Says what became of each part of the state, from what two runs held when the same step began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from samebits import words
from samebits.audit import signature
from samebits.audit.alignment import Run
from samebits.audit.result import Moment, StatePart
from samebits.launch.observations import read_json
from samebits_probe.resume import STATE

__all__ = ["Leaf", "ProgramState", "explained", "read"]

OTHER_MODELS = "average of weights, other models"
# the parts in the order of the table
_OF_VARIABLES = (
    "weights",
    "buffers",
    "moments",
    "step counters",
    "learning rate and schedule",
    "gradient scaler",
    OTHER_MODELS,
    "tensors of the program",
    "numbers of the program",
)
_VARIABLES = ("tensors of the program", "numbers of the program")
POSITION, WORKERS, GENERATORS, STEPS = (
    "sampler's epoch and position",
    "workers' generators",
    "random generators",
    "number of steps",
)


class Leaf(NamedTuple):
    """One value. `text`: a number itself, or the dtype and the shape of a tensor. `print`: its fingerprint."""

    part: str
    name: str
    text: str
    print: str

    @classmethod
    def of(cls, owner: str, name: str, text: str, found: str) -> Leaf:
        """Make it from a row of the probe. `owner`: the kind of the object that holds it."""
        parts = {
            "average": OTHER_MODELS,
            "scaler": "gradient scaler",
            "data": POSITION,
            "generator": GENERATORS,
        }
        part = parts.get(owner, "learning rate and schedule")
        if not owner:
            part = _VARIABLES[not text.endswith("]")]
        elif owner == "model":
            part = "buffers" if ".buffer." in name else "weights"
        elif owner == "optimizer" and ".param_groups." not in name:
            part = "step counters" if name.endswith(".step") else "moments"
        return cls(part, name, text, found)


@dataclass(frozen=True)
class ProgramState:
    """What the variables of a program held when a step began. `ahead`: generator -> states after 1, 2, ... draws."""

    leaves: list[Leaf] = field(default_factory=list)
    ahead: dict[str, list[str]] = field(default_factory=dict)

    def of(self, part: str) -> dict[str, Leaf]:
        """Return the values of a part, by their names."""
        return {leaf.name: leaf for leaf in self.leaves if leaf.part == part}

    @cached_property
    def by_print(self) -> dict[str, Leaf]:
        """Fingerprint -> the first value that has it."""
        return {leaf.print: leaf for leaf in reversed(self.leaves)}


def read(folder: Path, step: int) -> ProgramState:
    """Read the state that a process wrote at the beginning of a step; an empty one if it wrote none."""
    found: dict[str, Any] = read_json(folder / (STATE % step)) or {}
    rows = found.get("leaves", [])
    if not any(owner == "model" for owner, *_ in rows):  # the optimizer has copies of the weights
        rows = [["model" if owner == "average" else owner, *row] for owner, *row in rows]
    return ProgramState([Leaf.of(*row) for row in rows], found.get("ahead", {}))


def explained(moment: Moment, whole: Run, other: Run, before: ProgramState, after: ProgramState) -> Moment:
    """Return the moment with the table of the state, and with what happened.

    `before`, `after`: the states of the uninterrupted and of the resumed run.
    """
    look = _Look(moment, whole, other, before, after)
    parts = list(look.parts())
    if moment.forgotten:  # it did not resume at all
        return moment.model_copy(update={"state": parts})
    named, lost = signature.signs(look, parts) if moment.verdict == "diverged" else ([], [])
    return moment.model_copy(update={"state": parts, "named": [*moment.named, *named], "forgotten": lost})


@dataclass(frozen=True)
class _Look:
    """Two runs and their states at the first resumed step."""

    moment: Moment
    whole: Run
    other: Run
    before: ProgramState
    after: ProgramState

    @property
    def offset(self) -> int:
        """The step of the uninterrupted run that the first resumed step corresponds to."""
        return self.moment.expected if self.moment.offset is None else self.moment.offset

    def parts(self) -> Iterator[StatePart]:
        """Yield the parts, in the order of the table."""
        for part in _OF_VARIABLES:
            yield self._of_variables(part)
        yield self._accumulated()
        yield from self._generators()
        yield self._position()
        yield self._workers()
        yield self._steps()

    def _of_variables(self, part: str) -> StatePart:
        before, after = self.before.of(part), self.after.of(part)
        if part == "weights" and not before:
            return StatePart(part=part, answer="carried" if self.moment.offset is not None else "not carried")
        if part in _VARIABLES:
            # other variables are those of a loop that has not begun; one with the number of the step holds that number
            both = {name for name in before.keys() & after.keys() if after[name].text != str(self.offset)}
            before, after = ({name: values[name] for name in both} for values in (before, after))
        if not before or (not after and not self.after.leaves):
            return StatePart(part=part, answer="not seen")
        differ = sorted(n for n in before.keys() | after.keys() if not self._are_same(before.get(n), after.get(n)))
        if not differ:
            return StatePart(part=part, answer="carried", detail=words.count(len(before), "value"))
        absent = [name for name in differ if name not in after]
        detail = f"{len(differ)} of {words.count(len(before.keys() | after.keys()), 'value')} differ"
        detail = "absent" if len(absent) == len(before) else detail
        if part in _VARIABLES and self.moment.verdict == "repeated":
            return StatePart(part=part, answer="not used", detail=detail, names=differ[:20])
        return StatePart(part=part, answer="not carried", detail=detail, names=differ[:20])

    @staticmethod
    def _are_same(one: Leaf | None, two: Leaf | None) -> bool:
        return one is not None and two is not None and (one.text, one.print) == (two.text, two.print)

    def _generators(self) -> Iterator[StatePart]:
        before, after = self.before.of(GENERATORS), self.after.of(GENERATORS)
        rows = [run.of(step, "rng") for run, step in ((self.whole, self.offset), (self.other, 0))]
        names = [*before, *(name for name in rows[0] if name not in before)]
        if not names:
            yield StatePart(part=GENERATORS, answer="not seen")
        for name in names:
            part = f"generator {name}"
            if self.begun:
                yield StatePart(part=part, answer="not seen", detail="inside an accumulation window", names=[name])
                continue
            if name in rows[0] and name in rows[1]:
                is_same = rows[0][name] == rows[1][name]
            elif name in before and name in after:
                is_same = before[name].print == after[name].print
            else:
                yield StatePart(part=part, answer="not seen", detail="only one of the runs has it", names=[name])
                continue
            last = self.offset + self.moment.steps
            if not is_same and name in rows[0] and not self.whole.is_used(name, self.offset, last):
                yield StatePart(part=part, answer="not used", detail="its state differs", names=[name])
                continue
            yield StatePart(part=part, answer="carried" if is_same else "not carried", names=[name])

    @cached_property
    def begun(self) -> bool:
        """Whether the checkpoint lies inside an accumulation window."""
        return self.whole.batches(self.offset) > self.other.batches(0)

    def _accumulated(self) -> StatePart:
        part = "gradients in an accumulation window"
        if not self.begun:
            return StatePart(part=part, answer="not used")
        mine, theirs = self.whole.of(self.offset, "gradient"), self.other.of(0, "gradient")
        is_same = all(mine[name] == theirs[name] for name in mine.keys() & theirs.keys())
        return StatePart(part=part, answer="carried" if is_same else "not carried")

    def _position(self) -> StatePart:
        """Return whether the first resumed batch is the one that comes next."""
        if self.begun:
            return StatePart(part=POSITION, answer="not seen", detail="inside an accumulation window")
        differ = signature.sample_difference(self.whole, self.other, self.offset)
        if differ in ("same", "unknown"):
            mine, theirs = self.whole.of(self.offset, "batch"), self.other.of(0, "batch")
            both = mine.keys() & theirs.keys()
            if not both:
                return StatePart(part=POSITION, answer="not seen")
            if all(mine[name] == theirs[name] for name in both) or differ == "same":
                return StatePart(part=POSITION, answer="carried")
        return StatePart(part=POSITION, answer="not carried")

    def _workers(self) -> StatePart:
        workers = [event.get("workers", 0) for event in self.whole.trace.events_named("epoch")]
        if not workers:
            return StatePart(part=WORKERS, answer="not seen")
        if not any(workers):
            return StatePart(part=WORKERS, answer="not used", detail="the loaders have no workers")
        if signature.sample_difference(self.whole, self.other, self.offset) != "same":
            return StatePart(part=WORKERS, answer="not seen", detail="the samples differ")
        mine, theirs = self.whole.of(self.offset, "batch"), self.other.of(0, "batch")
        is_same = all(mine[name] == theirs[name] for name in mine.keys() & theirs.keys())
        return StatePart(part=WORKERS, answer="carried" if is_same else "not carried")

    def _steps(self) -> StatePart:
        if not (self.whole.is_whole and self.other.is_whole):
            return StatePart(part=STEPS, answer="not seen", detail="the resumed run was ended before its end")
        made, expected = self.other.steps, self.whole.steps - self.offset
        if made == expected:
            return StatePart(part=STEPS, answer="carried")
        detail = f"{words.count(made, 'step')} instead of {expected:,}"
        return StatePart(part=STEPS, answer="not carried", detail=detail, names=[detail])
