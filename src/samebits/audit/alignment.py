"""Compares two runs step by step, if the steps of one are shifted: step s of one is step s + offset of the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from samebits.store import ProcessTrace, TrialTrace
from samebits_probe import wire

__all__ = ["Run", "ShiftedComparison", "StepPlace", "compare", "offset_of", "runs_of"]

_BY_STEP = ("gradient", "update")  # kinds of which each step has the same points in both runs
Key = tuple[str, str, int]  # kind, name, occurrence


class StepPlace(NamedTuple):
    """A value that differs. `step`: of the uninterrupted run."""

    step: int
    kind: str
    name: str


@dataclass(frozen=True)
class Run:
    """One process that trains, as steps of fingerprints. `unseeded`: generators that differ in each run.

    `names`: (kind, name) -> the name in the run with which it is compared, if that is a different one.
    """

    trace: ProcessTrace
    unseeded: frozenset[str] = frozenset()
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def rank(self) -> int | None:
        """The rank of the process."""
        rank = self.trace.facts.get("rank")
        return rank if isinstance(rank, int) else None

    @cached_property
    def base(self) -> int:
        """The number of its first update. It is 0, unless the program itself numbers the steps of a resumed run."""
        updates = self.trace.rows["kind"] == wire.CODE["update"]
        return int(self.trace.rows["step"][updates].min(initial=self.trace.steps))

    @property
    def steps(self) -> int:
        """How many steps it has made."""
        return self.trace.steps - self.base

    @property
    def is_whole(self) -> bool:
        """Whether it was seen to its end."""
        return self.trace.end is not None

    @cached_property
    def rows(self) -> dict[int, dict[Key, bytes]]:
        """Step -> the fingerprints of this step."""
        points = [(one.kind, self.names.get((one.kind, one.name), one.name)) for one in self.trace.points]
        found = dict[int, dict[Key, bytes]]()
        columns = (self.trace.rows[name].tolist() for name in ("step", "point", "occurrence"))
        prints = self.trace.rows["fingerprint"].tobytes()
        for at, (step, number, occurrence) in enumerate(zip(*columns, strict=True)):
            rows = found.setdefault(step if step < 0 else step - self.base, {})
            kind, name = points[number]
            rows[kind, name, occurrence] = prints[16 * at : 16 * at + 16]
        return found

    @cached_property
    def loader(self) -> str | None:
        """The loader of PyTorch that gave most batches."""
        loaders = [event["loader"] for event in self.trace.events_named("batch")]
        return max(dict.fromkeys(loaders), key=loaders.count, default=None)

    def of(self, step: int, kind: str) -> dict[str, bytes]:
        """Return the first value of each point of a kind in a step."""
        return {name: found for (k, name, n), found in self.rows.get(step, {}).items() if k == kind and n == 0}

    def batches(self, step: int) -> int:
        """Return how many batches a step took."""
        return max((n + 1 for kind, _, n in self.rows.get(step, {}) if kind == "batch"), default=0)

    @cached_property
    def start(self) -> dict[str, bytes]:
        """The initial weights and buffers."""
        return self.of(-1, "start") | self.of(0, "start")

    def is_used(self, generator: str, first: int, last: int) -> bool:
        """Return whether a state of a seeded generator changes in these steps."""
        states = [self.rows.get(step, {}).get(("rng", generator, 0)) for step in range(first, last + 1)]
        return generator not in self.unseeded and len({one for one in states if one is not None}) > 1

    def named_as(self, whole: Run) -> Run:
        """Return this run with the names of the other one: a model that Keras loads names its weights differently.

        If each has as many weights, gradients and moments that the other has not, they are the same, in their order.
        """
        mine, theirs = (
            [(one.kind, one.name) for one in run.trace.points if one.kind in ("start", *_BY_STEP)]
            for run in (self, whole)
        )
        new, gone = ([key for key in one if key not in other] for one, other in ((mine, theirs), (theirs, mine)))
        if [kind for kind, _ in new] != [kind for kind, _ in gone]:
            return self
        return replace(self, names={key: name for key, (_, name) in zip(new, gone, strict=True)})

    def with_unseeded(self, other: Run) -> Run:
        """Return this run with the generators that differ in a second uninterrupted run."""
        steps = range(min(self.steps, other.steps))
        pairs = [(self.of(step, "rng"), other.of(step, "rng")) for step in steps]
        return replace(
            self, unseeded=frozenset(name for one, two in pairs for name in one if one[name] != two.get(name))
        )


def runs_of(trial: TrialTrace) -> list[Run]:
    """Return the processes of a trial that trained, ordered by their ranks."""
    found = [Run(process) for process in trial.observed if process.steps]
    return sorted(found, key=lambda run: run.rank or 0)


@dataclass
class ShiftedComparison:
    """What differs between a run and a shifted one. `at`: the differences, by step and kind.

    `begun`: how many batches of the first step came before a checkpoint inside an accumulation window.
    """

    offset: int
    steps: int = 0
    points: int = 0
    left_out: int = 0
    begun: int = 0
    at: list[StepPlace] = field(default_factory=list)

    @property
    def first(self) -> StepPlace | None:
        """The first difference."""
        return self.at[0] if self.at else None


def compare(whole: Run, other: Run, offset: int, steps: int | None = None) -> ShiftedComparison:
    """Compare the steps of a run with those of the uninterrupted one, from `offset` on.

    `steps`: at most so many. A generator counts only if the uninterrupted run draws from it in these steps.
    """
    made = min(other.steps, max(whole.steps - offset, 0))
    found = ShiftedComparison(offset, made if steps is None else min(made, steps))
    last = offset + found.steps
    used = {name for name in whole.of(offset, "rng") if whole.is_used(name, offset, last)}
    found.begun = max(whole.batches(offset) - other.batches(0), 0)
    for step in range(found.steps):
        theirs = other.rows.get(step, {})
        theirs = _later(theirs, found.begun) if found.begun and not step else theirs
        found.at += _of_step(whole.rows.get(step + offset, {}), theirs, step + offset, found, used)
    if steps is None or found.steps < steps:
        found.at += _at_end(whole, other, offset, found)
    order = {kind: number for number, kind in enumerate(wire.KINDS)}
    found.at.sort(key=lambda place: (place.step, order[place.kind]))
    return found


def _later(rows: dict[Key, bytes], begun: int) -> dict[Key, bytes]:
    """Return the rows of a step that began inside an accumulation window: its first batch is not the first one.

    The states of generators are those of a moment at which the uninterrupted run was not looked at.
    """
    return {
        (kind, name, n + begun * (kind in ("batch", "forward"))): found
        for (kind, name, n), found in rows.items()
        if kind != "rng"
    }


def _of_step(
    mine: dict[Key, bytes], other: dict[Key, bytes], step: int, found: ShiftedComparison, used: set[str]
) -> Iterator[StepPlace]:
    for key in dict.fromkeys([*mine, *other]):
        kind, name, _ = key
        if key in mine and key in other:
            found.points += 1
            if mine[key] != other[key] and (kind != "rng" or name in used):
                yield StepPlace(step, kind, name)
        elif kind in _BY_STEP:
            yield StepPlace(step, "structure", name)
        elif kind != "start":
            found.left_out += 1


def _at_end(whole: Run, other: Run, offset: int, found: ShiftedComparison) -> Iterator[StepPlace]:
    """Yield what differs at the end, if both runs reached it."""
    if not (whole.is_whole and other.is_whole):
        return
    if whole.steps - offset != other.steps:
        yield StepPlace(offset + found.steps, "structure", "the number of steps")
        return
    ends = [run.rows.get(run.steps, {}) for run in (whole, other)]
    for key in [key for key in ends[0] if key in ends[1]]:
        found.points += 1
        if ends[0][key] != ends[1][key] and key[0] == "end":
            yield StepPlace(whole.steps, key[0], key[1])


def offset_of(whole: Run, other: Run, expected: int) -> int | None:
    """Return after how many steps the uninterrupted run had the weights with which the other one starts.

    If several steps have the same weights, return the nearest to the expected one. None: it never had them. If steps
    do not show these weights (the optimizer may have copies), only the initial ones can be recognised: return 0 for
    these, or else the expected number.
    """
    if not whole.of(0, "update").keys() & other.start.keys():
        return 0 if whole.start and whole.start == other.start else expected
    fits = [step for step in range(whole.steps) if _have_same_weights(whole, other, step)]
    return min(fits, key=lambda step: abs(step - expected)) if fits else None


def _have_same_weights(whole: Run, other: Run, step: int) -> bool:
    weights = whole.of(step - 1, "update") if step else whole.start
    both = [name for name in other.start if name in weights]
    return bool(both) and all(weights[name] == other.start[name] for name in both)
