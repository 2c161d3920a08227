"""The way from the step to the operator, as places and as one sentence. Pure."""

from __future__ import annotations

from samebits.locate.comparing import First
from samebits.locate.growing import size_of
from samebits.location import Executed, Place
from samebits.model import Divergence

PHASES = {
    "start": "before the first step",
    "rng": "random states",
    "batch": "what the model is fed",
    "forward": "forward",
    "gradient": "backward",
    "update": "update",
    "structure": "what is done",
    "end": "after the last step",
}
_WHAT = {"module": "output", "gradient": "gradient of its output", "operator": "output"}


def executed(first: First) -> Executed:
    """The document of what was executed first."""
    entry, key = first.entry, first.entry.key
    size = None
    if first.other is not None and entry.outputs and first.other.outputs:
        pair = zip(first.trials, (entry, first.other), strict=True)
        mine, theirs = (seen.values(one.outputs[min(first.output, len(one.outputs) - 1)]) for seen, one in pair)
        size = size_of(mine, theirs)
    return Executed(
        what=key.what,
        phase=key.phase,
        name=key.name,
        type=entry.type,
        module=key.module,
        code=entry.code,
        inputs_equal=first.inputs_equal,
        random=entry.random,
        size=size,
    )


def path(where: Divergence, module: Executed | None, operator: Executed | None) -> list[Place]:
    """From the step to the tensor: only what is known."""
    phase = next((found.phase for found in (operator, module) if found is not None), PHASES[where.kind])
    places = [_step(where), Place(level="phase", name=phase)] if where.kind not in ("start", "end") else [_step(where)]
    inside = _module(where, module, operator)
    if inside is not None:
        places.append(inside)
    if operator is not None:
        places.append(Place(level="operator", name=operator.name, detail=_operator_detail(operator)))
    if where.name and where.kind != "forward":
        places.append(Place(level="tensor", name=where.name, detail=f"first {where.kind} that differs"))
    return places


def _step(where: Divergence) -> Place:
    if where.kind == "end":
        return Place(level="step", name="after the last step")
    return Place(level="step", name="before step 0" if where.step < 0 else f"step {where.step:,}")


def _module(where: Divergence, module: Executed | None, operator: Executed | None) -> Place | None:
    if operator is not None and operator.module:
        same = module is not None and module.name == operator.module
        return Place(level="module", name=operator.module, detail=module.type if same and module else "")
    if module is not None:
        detail = f"{module.type}, {_WHAT[module.what]}".strip(", ")
        return Place(level="module", name=module.name or module.type, detail=detail)
    owner = where.name.rpartition(".")[0] if where.kind in ("start", "gradient", "update") else ""
    return Place(level="module", name=owner) if owner else None


def _operator_detail(operator: Executed) -> str:
    parts = ["inputs equal, outputs not"] if operator.inputs_equal else []
    parts += ["draws random numbers"] if operator.random else []
    parts += [f"at {operator.code}"] if operator.code else []
    return ", ".join(parts)


def sentence(places: list[Place]) -> str:
    """`They part at step 0 > backward > embed > aten::index_put`."""
    return "They part at " + " > ".join(place.name for place in places if place.name) + "."


def not_again(trials: int, share: float) -> str:
    """Said where the trials of a look did not part. `share`: of the record's trials that left its largest group."""
    missed = share**trials + (1 - share) ** trials
    chance = (
        f"a difference that as many runs show as in the record goes unseen in {trials} trials {missed:.1%} of the time"
    )
    return f"They did not part again: {trials} trials, looked at more closely, had the same bits; {chance}."
