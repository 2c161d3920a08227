"""Writes the path from the step to the operator, as places and as one sentence. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from samebits.documents import DifferingArgument, FirstOutput, Place
from samebits.localization.inspection import Entry, size_of
from samebits.model import Divergence

if TYPE_CHECKING:
    from samebits.localization.path import First, Unlike

LONGEST = 60  # characters: an argument up to this length is shown whole
DIGITS = 4
_READS = ("ReadVariableOp", "ResourceGather")  # of TensorFlow: the variable is not among the observed inputs
_UNNAMED = re.compile(r"param\.\d+")  # a parameter that belongs to no module; the number is its place in the optimizer
AROUND = 20  # characters of a longer argument that are shown before the first difference

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
FIRST = {
    "start": "initial weight or buffer",
    "rng": "random state",
    "batch": "input",
    "forward": "output",
    "gradient": "gradient",
    "update": "updated tensor",
    "structure": "observation",
    "end": "result",
}
WHAT = {"module": "output", "gradient": "gradient of its output", "operator": "output"}


def executed(first: First) -> FirstOutput:
    """Make the document of the module or operator that diverged first."""
    entry, key = first.entry, first.entry.key
    size = None
    if entry.outputs and first.other.outputs:
        pair = zip(first.trials, (entry, first.other), strict=True)
        mine, theirs = (trial.values(own.outputs[min(first.output, len(own.outputs) - 1)]) for trial, own in pair)
        size = size_of(mine, theirs)
    return FirstOutput(
        what=key.what,
        phase=key.phase,
        name=key.name,
        type=entry.type,
        module=key.module,
        code=entry.code,
        inputs_equal=first.inputs_equal,
        random=entry.random,
        given=[DifferingArgument(name=name, one=one, other=other) for name, one, other in first.given],
        read_by=first.reads.key.name if first.reads is not None else "",
        size=size,
    )


def is_setting(where: Divergence) -> bool:
    """Return whether trials diverge in a setting of an optimizer, which belongs to no module."""
    return where.kind == "update" and re.search(r"(^|\.)param_groups\.\d+(/lr)?$", where.name) is not None


def path(where: Divergence, module: FirstOutput | None, operator: FirstOutput | None) -> list[Place]:
    """Return the path from the step to the tensor, as far as it is known."""
    phase = next((output.phase for output in (operator, module) if output is not None), PHASES[where.kind])
    places = [_step(where), Place(level="phase", name=phase)] if where.kind not in ("start", "end") else [_step(where)]
    inside = _module(where, module, operator)
    if inside is not None:
        places.append(inside)
    if operator is not None:
        places.append(_operator(operator))
    if where.name and where.kind != "forward":
        detail = f"first {FIRST[where.kind]} that differs" if not is_setting(where) else "a setting of the optimizer"
        places.append(Place(level="tensor", name=where.name, detail=detail))
    return places


def _step(where: Divergence) -> Place:
    if where.kind == "end":
        return Place(level="step", name="after the last step")
    return Place(level="step", name="before step 0" if where.step < 0 else f"step {where.step:,}")


def _module(where: Divergence, module: FirstOutput | None, operator: FirstOutput | None) -> Place | None:
    if operator is not None and operator.module:
        same = module is not None and module.name == operator.module
        return Place(level="module", name=operator.module, detail=module.type if same and module else "")
    if module is not None:
        detail = f"{module.type}, {WHAT[module.what]}".strip(", ")
        return Place(level="module", name=module.name or module.type, detail=detail)
    has_owner = where.kind in ("gradient", "update") and not is_setting(where)
    owner = where.name.rpartition(".")[0] if has_owner and not _UNNAMED.fullmatch(where.name) else ""
    return Place(level="module", name=owner) if owner else None


def _operator(operator: FirstOutput) -> Place:
    """Return the place of the operator; if it got a different number, the place of that argument."""
    at = [f"at {operator.code}"] if operator.code else []
    if operator.given:
        name, *more = [f"{argument.name}: {against(argument)}" for argument in operator.given]
        return Place(level="given", name=name, detail=", ".join([*more, f"to {operator.name}", *at]))
    parts = []
    if operator.read_by:
        parts = [f"left uninitialised, read by {operator.read_by}"]
    elif operator.name in _READS and operator.inputs_equal is not False:
        parts = ["reads a different value of its variable"]
    elif operator.inputs_equal is None:
        parts = ["not all of its inputs were seen"]
    else:
        parts = ["inputs equal, outputs not" if operator.inputs_equal else "given different inputs"]
    parts += ["draws random numbers"] if operator.random else []
    return Place(level="operator", name=operator.name, detail=", ".join(parts + at))


def sentence(where: Divergence, places: list[Place], operator: FirstOutput | None = None) -> str:
    """Write `They diverge at step 0 > backward > embed > aten::index_put.`, with a cause that is not the operator."""
    why = _why(operator) if operator is not None else ""
    names = [place.name for place in places if place.name and not (why and place.level in _DECIDED)]
    at = "" if where.kind == "end" or where.step < 0 else "at "
    return f"They diverge {at}{' > '.join(names)}{': ' if why else ''}{why}."


_DECIDED = ("operator", "given")


def _why(operator: FirstOutput) -> str:
    if operator.given:
        return goes_in(operator)
    if operator.read_by:
        return f"{operator.read_by} reads memory that {operator.name} left uninitialised"
    if operator.inputs_equal is False:
        return f"{operator.name} got different inputs, which no operator of the step produced"
    return ""


def goes_in(operator: FirstOutput) -> str:
    """Write `aten::mul is given a different number: 1.03 against 0.97 (other)`."""
    first, given = operator.given[0], operator.given
    sort = "number" if all(_is_number(text) for text in (first.one, first.other)) else "value"
    rest = f" and {len(given) - 1} more" if len(given) > 1 else ""
    return f"{operator.name} is given a different {sort}: {against(first)} ({first.name}){rest}"


def against(argument: DifferingArgument) -> str:
    """Write both values. Numbers get the digits that differ; long texts are cut around the first difference."""
    texts = _rounded(argument.one, argument.other)
    if max(map(len, texts)) <= LONGEST:
        return " against ".join(texts)
    same = next((at for at, (x, y) in enumerate(zip(*texts, strict=False)) if x != y), min(map(len, texts)))
    begin = max(0, same - AROUND)
    cut = [text[begin : begin + LONGEST] for text in texts]
    ends = ["..." if begin + LONGEST < len(text) else "" for text in texts]
    return " against ".join(f"{'...' if begin else ''}{text}{end}" for text, end in zip(cut, ends, strict=True))


def _rounded(first: str, second: str) -> tuple[str, str]:
    if any("." not in text or not _is_number(text) or "j" in text for text in (first, second)):
        return first, second
    rounded = ((f"{float(first):.{digits}g}", f"{float(second):.{digits}g}") for digits in range(DIGITS, 17))
    return next(((x, y) for x, y in rounded if x != y), (first, second))


def _is_number(text: str) -> bool:
    try:
        complex(text)
    except ValueError:
        return False
    return True


def unlike_places(where: Divergence, unlike: Unlike) -> list[Place]:
    """Return the path from the step to the module in which the trials did not execute the same, if there is one."""
    keys = [entry.key for entry in (unlike.entry, unlike.other) if entry is not None]
    phases, modules = ({getattr(key, name) for key in keys} for name in ("phase", "module"))
    places = [_step(where)]
    places += [Place(level="phase", name=phase) for phase in phases] if len(phases) == 1 else []
    places += [Place(level="module", name=module) for module in modules if module] if len(modules) == 1 else []
    return places


def unlike_sentence(places: list[Place], unlike: Unlike) -> str:
    """Write `They did different things at step 0 > forward: one trial calls blocks.1, the other calls blocks.2.`"""
    at = " > ".join(place.name for place in places)
    return f"They did different things at {at}: {unlike_words(unlike)}."


def unlike_words(unlike: Unlike) -> str:
    """Write what each trial executed there."""
    did = [_did(entry) for entry in (unlike.entry, unlike.other)]
    return f"one trial {did[0]}, the other {did[1]}"


def _did(entry: Entry | None) -> str:
    if entry is None:
        return "does nothing more"
    key = entry.key
    name = key.name or entry.type or "the model"
    if key.what == "module":
        return f"calls {name}"
    if key.what == "gradient":
        return f"computes the gradient of {name}"
    return f"runs {name}" + (f" in {key.module}" if key.module else "") + (f" at {entry.code}" if entry.code else "")


def not_again(trials: int, share: float) -> str:
    """Write the note for trials that did not diverge again.

    `share`: the share of the record's trials that are outside of its largest group.
    """
    missed = share**trials + (1 - share) ** trials
    miss = f"{trials} trials miss it with {missed * 100:.1f} % probability"
    chance = f"If a difference is as frequent as in the record, {miss}"
    return f"They did not diverge again: in an inspection, {trials} trials had the same bits. {chance}."
