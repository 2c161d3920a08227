"""Says what became of each part of the state, from what two runs held when the same step began."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from samebits import words
from samebits.audit import signature
from samebits.audit.alignment import Run
from samebits.audit.result import (
    ACCUMULATED,
    GENERATORS,
    MOMENTS,
    OTHER_MODELS,
    POSITION,
    STEPS,
    WORKERS,
    Answer,
    Moment,
    StatePart,
)
from samebits.launch.processes.observations import read_json
from samebits_probe.resume import STATE

__all__ = ["StateLeaf", "StateOfStep", "StatePair", "explained", "read", "shortened"]

SCHEDULE = "learning rate and schedule"
# the parts in the order of the table
_OF_VARIABLES = (
    "weights",
    "buffers",
    MOMENTS,
    "step counters",
    SCHEDULE,
    "gradient scaler",
    OTHER_MODELS,
    "tensors of the program",
    "numbers of the program",
)
_OF_MODULES = {  # the module of PyTorch whose object holds a value -> its part
    "model": "weights",
    "torch.optim.lr_scheduler": SCHEDULE,
    "torch.optim": MOMENTS,
    "torch.amp": "gradient scaler",
    "torch.utils.data": POSITION,
}
_VARIABLES = ("tensors of the program", "numbers of the program")
_MOST_NAMES = 20  # of a part, in audit.json


class StateLeaf(NamedTuple):
    """One value. `text`: a number itself, or the dtype and the shape of a tensor. `print`: its fingerprint."""

    part: str
    name: str
    text: str
    print: str

    @classmethod
    def of(cls, owner: str, name: str, text: str, found: str) -> StateLeaf:
        """Make it from a row of the probe. `owner`: the kind of the object that holds it."""
        part = next((part for module, part in _OF_MODULES.items() if owner.startswith(module)), GENERATORS)
        if not owner:
            part = _VARIABLES[not text.endswith("]")]
        elif part == "weights" and ".buffer." in name:
            part = "buffers"
        elif part == MOMENTS and ".param_groups." in name:
            part = SCHEDULE
        elif part == MOMENTS and name.endswith(".step"):
            part = "step counters"
        return cls(part, name, text, found)


@dataclass(frozen=True)
class StateOfStep:
    """What the variables of a program held when a step began. `ahead`: generator -> states after 1, 2, ... draws."""

    leaves: list[StateLeaf] = field(default_factory=list)
    ahead: dict[str, list[str]] = field(default_factory=dict)

    def of(self, part: str) -> dict[str, StateLeaf]:
        """Return the values of a part, by their names."""
        return {leaf.name: leaf for leaf in self.leaves if leaf.part == part}


def read(folder: Path, *steps: int) -> StateOfStep:
    """Read the state that a process wrote at the beginning of the first of these steps; an empty one if of none."""
    found: dict[str, Any] = next(filter(None, (read_json(folder / (STATE % step)) for step in steps)), {})
    return StateOfStep([StateLeaf.of(*row) for row in found.get("leaves", [])], found.get("ahead", {}))


def _without_other_models(before: StateOfStep, after: StateOfStep, weights: Container[bytes]) -> list[StateOfStep]:
    """Return two states in which the weights of models that are not trained are a part of their own.

    `weights`: fingerprints of the trained weights of the first state.
    """
    trained = {leaf.name for leaf in before.leaves if bytes.fromhex(leaf.print) in weights}
    models = {name for name in before.of("weights") if name in trained}
    if not models:  # the optimizer has copies of the weights
        return [before, after]

    def part(leaf: StateLeaf) -> str:
        return OTHER_MODELS if leaf.part == "weights" and leaf.name not in models else leaf.part

    both = (before, after)
    return [replace(state, leaves=[leaf._replace(part=part(leaf)) for leaf in state.leaves]) for state in both]


def explained(
    moment: Moment, whole: Run, other: Run, before: StateOfStep, after: StateOfStep
) -> tuple[Moment, dict[str, list[str]]]:
    """Return the moment with the table of the state and with what happened, and the values of what was not carried.

    `before`, `after`: the states of the uninterrupted and of the resumed run.
    """
    offset = moment.expected if moment.offset is None else moment.offset
    weights = set((whole.of(offset - 1, "update") or whole.start).values())
    look = StatePair(moment, whole, other, offset, *_without_other_models(before, after, weights))
    parts = list(look.parts())
    names = {part.part: [*part.names, *look.absent(part.part)] for part in parts if part.answer == "not carried"}
    if moment.forgotten:  # it did not resume at all
        return moment.model_copy(update={"state": parts}), names
    named, lost = signature.signs(look, parts) if moment.verdict == "diverged" else ([], [])
    return moment.model_copy(update={"state": parts, "named": [*moment.named, *named], "forgotten": lost}), names


def shortened(moment: Moment) -> Moment:
    """Return the moment with the first names of each part of the state."""
    return moment.model_copy(
        update={"state": [part.model_copy(update={"names": part.names[:_MOST_NAMES]}) for part in moment.state]}
    )


def _part(part: str, answer: bool | Answer | None, detail: str = "", names: Iterable[str] = ()) -> StatePart:  # noqa: FBT001
    """Make a part of the table. `answer`: whether both runs have the same; None if that is not known."""
    known: Answer = {True: "carried", False: "not carried", None: "not seen"}.get(answer, "not used")  # type: ignore
    return StatePart(part=part, answer=known, detail=detail, names=list(names))


@dataclass(frozen=True)
class StatePair:
    """Two runs and their states at the first resumed step. `offset`: the same step of the uninterrupted run."""

    moment: Moment
    whole: Run
    other: Run
    offset: int
    before: StateOfStep
    after: StateOfStep

    def parts(self) -> Iterator[StatePart]:
        """Yield the parts, in the order of the table."""
        for part in _OF_VARIABLES:
            yield self._of_variables(part)
        is_begun = self.whole.batches(self.offset) > self.other.batches(0)
        yield _part(ACCUMULATED, self._agree("gradient")) if is_begun else _part(ACCUMULATED, "not used")
        if not is_begun:
            yield from self._generators()
            yield self._position()
        yield self._workers()
        yield self._steps()

    def absent(self, part: str) -> list[str]:
        """Return the values of a part that only the uninterrupted run holds."""
        return [name for name in self.before.of(part) if name not in self.after.of(part)]

    def _agree(self, kind: str) -> bool | None:
        """Return whether the values of a kind agree in the first step; None if the runs share none."""
        mine, theirs = self.whole.of(self.offset, kind), self.other.of(0, kind)
        both = mine.keys() & theirs.keys()
        return all(mine[name] == theirs[name] for name in both) if both else None

    def _of_variables(self, part: str) -> StatePart:
        before, after = self.before.of(part), self.after.of(part)
        if part == "weights" and not before:
            return _part(part, self.moment.offset is not None)
        if part in _VARIABLES:
            # other variables are those of a loop that has not begun; one with the number of the step holds that number
            both = [name for name in before if name in after and after[name].text != str(self.offset)]
            before, after = ({name: values[name] for name in both} for values in (before, after))
        if not before or not self.after.leaves:
            return self._after_a_step(part)
        names = dict.fromkeys([*before, *after])
        differ = [name for name in names if before.get(name) != after.get(name)]
        is_absent = bool(differ) and not after
        detail = "absent" if is_absent else f"{len(differ)} of {words.count(len(names), 'value')} differ" * bool(differ)
        is_idle = bool(differ) and part in _VARIABLES and self.moment.verdict == "repeated"
        return _part(part, "not used" if is_idle else not differ, detail, differ)

    def _after_a_step(self, part: str) -> StatePart:
        """Return what the first step shows of a part that no variable holds, if the gradients of this step agree."""
        mine, theirs = self.whole.of(self.offset, "update"), self.other.of(0, "update")
        names = [name for name in mine if name in theirs and part == _part_of(name)]
        if not names or not self._agree("gradient"):
            return _part(part, None)
        differ = [name for name in names if mine[name] != theirs[name]]
        return _part(part, not differ, "after the step" * bool(differ), differ)

    def _generators(self) -> Iterator[StatePart]:
        before, after = self.before.of(GENERATORS), self.after.of(GENERATORS)
        mine, theirs = self.whole.of(self.offset, "rng"), self.other.of(0, "rng")
        for name in dict.fromkeys([*before, *mine]):
            is_same = mine.get(name) == theirs.get(name) if name in mine else before[name] == after.get(name)
            last = self.offset + self.moment.steps
            if not is_same and name in mine and not self.whole.is_used(name, self.offset, last):
                yield _part(f"generator {name}", "not used", "its state differs", [name])
            else:
                yield _part(f"generator {name}", is_same, names=[name])

    def _position(self) -> StatePart:
        """Return whether the first resumed batch is the one that comes next."""
        differ = signature.sample_difference(self.whole, self.other, self.offset)
        return _part(POSITION, self._agree("batch") if differ == "unknown" else differ == "same")

    def _workers(self) -> StatePart:
        workers = [event.get("workers", 0) for event in self.whole.trace.events_named("epoch")]
        if workers and not any(workers):
            return _part(WORKERS, "not used", "the loaders have no workers")
        is_same = signature.sample_difference(self.whole, self.other, self.offset) == "same"
        return _part(WORKERS, self._agree("batch") if workers and is_same else None)

    def _steps(self) -> StatePart:
        if not (self.whole.is_whole and self.other.is_whole):
            return _part(STEPS, None, "the resumed run was ended before its end")
        made, expected = self.other.steps, self.whole.steps - self.offset
        return _part(STEPS, made == expected, f"{words.count(made, 'step')}, not {expected:,}" * (made != expected))


def _part_of(point: str) -> str:
    """Return the part to which a point of the kind `update` belongs: the watcher of PyTorch names them."""
    if "/" not in point:
        return "weights"
    if "param_groups." in point:
        return SCHEDULE
    return "step counters" if point.endswith("/step") else MOMENTS
