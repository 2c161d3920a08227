"""Names what happened, from the facts of the first resumed step: which generator, which batch, which moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from samebits import words
from samebits.audit.alignment import Run
from samebits.audit.result import ACCUMULATED, GENERATORS, MOMENTS, OTHER_MODELS, POSITION, STEPS, WORKERS

if TYPE_CHECKING:
    from samebits.audit.result import StatePart
    from samebits.audit.state import StateLeaf, StatePair

__all__ = ["sample_difference", "signs"]

SampleDifference = Literal["same", "order", "other", "unknown"]
_IDLE = ("weights", "numbers of the program", "tensors of the program", STEPS)


def sample_difference(whole: Run, other: Run, offset: int) -> SampleDifference:
    """Return how the samples of the first resumed batch differ, as far as a loader shows their numbers."""
    mine, theirs = _samples(whole, offset), _samples(other, 0)
    if not mine or not theirs:
        return "unknown"
    if mine[-1] == theirs[-1]:
        return "same"
    return "order" if sorted(map(repr, mine[-1])) == sorted(map(repr, theirs[-1])) else "other"


def _samples(run: Run, step: int) -> list[list[Any]]:
    """Return the numbers of the samples of each batch that a loader gave in a step."""
    return [event["samples"] for event in run.trace.events_named("batch") if event["step"] == step + run.base]


def signs(look: StatePair, parts: Sequence[StatePart]) -> tuple[list[str], list[str]]:
    """Return sentences about what happened, and the names of the forgotten parts."""
    lost = [part for part in parts if part.answer == "not carried"]
    lost = [part for part in lost if part.part not in _IDLE] or lost
    named, forgotten = [_sign(look, part) for part in lost], [part.part for part in lost]
    if not lost:
        named.append(_elsewhere(look))
    return named, forgotten


def _elsewhere(look: StatePair) -> str:
    """Return what is known if each part that samebits sees was carried."""
    where = look.moment.divergence
    if where is not None and where.kind == "end" and where.step >= look.whole.steps:
        return f"Every step is the same; only the end differs ({where.name})."
    if where is not None and where.after == 0 and where.kind in ("forward", "gradient"):
        return (
            "Each part that samebits sees was carried, and the batch is the same. Something else takes part in the "
            "first step: an object that was not restored, or a loss that holds the old model."
        )
    return "Each part that samebits sees was carried. Something else differs."


def _sign(look: StatePair, part: StatePart) -> str:
    """Return what is known about a part that was not carried."""
    if part.part.startswith("generator "):
        return _generator(look, part.names[0])
    if part.part in _TOLD:
        return _TOLD[part.part].format(names=_first(part), detail=part.detail)
    if part.part == POSITION:
        return _batch(look)
    tell = {MOMENTS: _moments, OTHER_MODELS: _average}.get(part.part, _numbers)
    return tell(look, part)


_TOLD = {
    WORKERS: "The first batch has the same samples with different augmentation: the generators of the workers differ.",
    ACCUMULATED: "The gradients that were accumulated before the checkpoint are gone.",
    STEPS: "The resumed run made {detail}.",
    "weights": "The weights differ ({names}).",
}


def _generator(look: StatePair, name: str) -> str:
    """Return where a generator stands, as far as the states of the runs show it."""
    mine, other = f"The generator {name}", look.other.of(0, "rng").get(name)
    if other is not None and other in (look.whole.of(0, "rng").get(name), look.whole.of(-1, "rng").get(name)):
        return f"{mine} started again from its seed."
    for step in range(look.whole.steps) if other is not None else ():
        if look.whole.of(step, "rng").get(name) == other:
            return f"{mine} stands where it stood at step {step}, not {look.offset}."
    before, after = (state.of(GENERATORS).get(name) for state in (look.before, look.after))
    if before is not None and after is not None:
        for one, two, how in ((look.before, after, "ahead of"), (look.after, before, "behind")):
            states = one.ahead.get(name, [])
            if two.print in states:
                draws = words.count(states.index(two.print) + 1, "draw")
                return f"{mine} is {draws} of 32 bits {how} the uninterrupted run."
    if other is not None:
        return f"{mine} was not restored: the uninterrupted run never had its state when a step began."
    return f"{mine} was not restored. The object may have been made again with its seed."


def _batch(look: StatePair) -> str:
    how = sample_difference(look.whole, look.other, look.offset)
    if how == "order":
        return "The first batch has the same samples in a different order."
    theirs = _samples(look.other, 0)
    for step in range(look.whole.steps):
        rows, mine = look.whole.of(step, "batch"), look.other.of(0, "batch")
        both = rows.keys() & mine.keys()
        is_same = bool(both) and all(rows[name] == mine[name] for name in both)
        if is_same or (theirs and theirs[-1] in _samples(look.whole, step)):
            return f"The first batch is that of step {step}, not {look.offset}{_place(look, step)}."
    return "The first batch is one that the uninterrupted run never had: the samples come in a different order."


def _place(look: StatePair, step: int) -> str:
    begins = {event["step"] for event in look.whole.trace.events_named("epoch")}
    epoch, now = (sum(one <= number for one in begins) - 1 for number in (step, look.offset))
    if begins and epoch != now:
        return f": the order of epoch {epoch}, not {now}"
    if step in begins:
        return ": the epoch begins again"
    return ": off by one" if abs(step - look.offset) == 1 else ""


def _moments(look: StatePair, part: StatePart) -> str:
    before, after = look.before.of(MOMENTS), look.after.of(MOMENTS)
    if not before:
        return f"The moments differ after the first step, although its gradients are the same ({_first(part)})."
    if not after:
        return "The moments of the optimizer are absent: the optimizer is new."
    holders = {leaf.print: name for name, leaf in before.items()}
    moved = [(name, holders.get(after[name].print, name)) for name in part.names if name in after]
    for name, source in moved:
        if name != source:
            return f"The moments belong to different parameters: {name} has those of {source}."
    types = [(before[n].text, after[n].text) for n in part.names if n in before and n in after]
    other_types = [(one, two) for one, two in types if one.split(" ")[0] != two.split(" ")[0]]
    if other_types:
        was, now = (text.split(" ")[0] for text in other_types[0])
        return f"The moments have a different dtype: {now}, not {was}."
    return f"The moments have different values ({_first(part)})."


def _average(look: StatePair, part: StatePart) -> str:
    before, after = (state.of(part.part) for state in (look.before, look.after))
    weights = look.after.of("weights")
    if new := [name for name in after if name not in before]:
        return f"The resumed run has one more model ({new[0]} and others)."
    raw = {leaf.print for leaf in weights.values()}
    if after and all(leaf.print in raw for leaf in after.values() if leaf.name in part.names):
        return "The average of the weights equals the raw weights."
    return f"The average of the weights differs ({_first(part)})."


def _numbers(look: StatePair, part: StatePart) -> str:
    before, after = look.before.of(part.part), look.after.of(part.part)
    if not before:
        return f"The {part.part}: different {part.detail} ({_first(part)})."
    changed = [name for name in part.names if name in before and name in after]
    shown = [_pair(name, before.get(name), after.get(name)) for name in (changed or part.names)[:3]]
    return f"The {part.part}: {'; '.join(shown)}."


def _pair(name: str, mine: StateLeaf | None, other: StateLeaf | None) -> str:
    if mine is None or other is None:
        return f"{name} is {'absent' if other is None else 'new'}"
    return f"{name} is {other.text}, not {mine.text}" if mine.text != other.text else f"{name} has different values"


def _first(part: StatePart) -> str:
    return words.first_few(part.names, 2)
