"""Which layer of B gives the same as a layer of A, and how far apart their outputs are.

Layers with paired weights are paired by these. Layers between two of them (activations, pooling, flattening) are paired
with those that B has between them, by shape and by the values of the first step. If B computes such a layer in a
function, which is not a layer, A's layer has no counterpart, or its counterpart is a known activation of an earlier
layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

import numpy as np

from samebits_parity import activations
from samebits_parity.layer_settings import kind
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import Array, TrainingValues, relative

# how an output of B is brought into A's axes; a shape is that of the image (channels last) that was flattened
Form = Literal["as it is", "channels last", "channels first"] | tuple[int, ...]
CHANNELS: tuple[Form, ...] = ("channels last", "channels first")
_NEAR = 1e-3  # outputs of different names that are farther apart (relative) do not count as the same


@dataclass(frozen=True)
class OutputPair:
    """A layer of A and one of B. `form`: how B's output is brought into A's axes; `activation`: what is applied to it
    first. `owns`: whether the layer has its own weights.
    """

    a: str
    b: str
    form: Form
    activation: str
    owns: bool

    def outputs(self, a: TrainingValues, b: TrainingValues, step: int) -> tuple[Array, Array]:
        """Return both outputs of a step, in A's axes."""
        value = b.output(step, self.b)
        if self.activation:
            value = activations.applied(self.activation, value)
        ours = a.output(step, self.a)
        return ours, formed(self.form, value, ours.shape)


def formed(form: Form, value: Array, shape: tuple[int, ...]) -> Array:
    """Return an output of B in A's axes."""
    if form == "channels last":
        return np.moveaxis(value, 1, -1)
    if form == "channels first":
        return np.moveaxis(value, -1, 1)
    if isinstance(form, tuple):
        return np.moveaxis(value.reshape(-1, form[-1], *form[:-1]), 1, -1).reshape(shape)
    return value


def paired(a: TrainingValues, b: TrainingValues, pairs: list[WeightPair]) -> list[OutputPair]:
    """Return the layers of A that have a counterpart, in the order in which they run."""
    owners = ((a.owners.get(pair.a), b.owners.get(pair.b)) for pair in pairs)
    partner = {ours: theirs for ours, theirs in owners if ours in a.outputs and theirs in b.outputs}
    last = {theirs: ours for ours, theirs in partner.items()}  # a stack of B gives the output of its last layer
    inner = {ours for ours, theirs in partner.items() if last[theirs] != ours}
    names_b = [name for name in b.outputs if "#" not in name]
    owning_b = set(partner.values())
    found, at = list[OutputPair | None](), 0
    for name in (name for name in a.outputs if "#" not in name and name not in inner):
        if partner.get(name) in names_b:
            at = names_b.index(partner[name])
        behind = takewhile(lambda other: other not in owning_b, names_b[at + 1 :])
        found.append(_best(a, b, name, [*names_b[at : at + 1], *behind], owns=name in partner))
    return [pair for pair in found if pair is not None]


def _best(a: TrainingValues, b: TrainingValues, name: str, others: list[str], *, owns: bool) -> OutputPair | None:
    """Return the nearest candidate; None if none has the shape. A layer with weights has its own counterpart."""
    ours = a.output(0, name)
    candidates = [
        (relative(ours, value), place, OutputPair(name, other, form, "", owns))
        for place, other in enumerate(others)
        for form, value in _forms(a, ours, b.output(0, other))
    ]
    best = min(candidates, key=lambda found: found[:2], default=None)
    if best is not None and best[0] <= _NEAR:
        return best[2]
    if best is not None and (same := [one for one in candidates if _kinds_match(a, b, one[2])]):
        return same[0][2]
    # B has this activation as a layer
    is_apart = any(_kind(b, other) == "activation" for other in others[1:])
    active = None if is_apart or not others else _activation(a, ours, b.output(0, others[0]))
    if active is not None:
        return OutputPair(name, others[0], *active, owns)
    if not owns:
        return None
    return best[2] if best is not None else OutputPair(name, others[0], "as it is", "", owns)


def _kinds_match(a: TrainingValues, b: TrainingValues, pair: OutputPair) -> bool:
    """Return whether both are layers without weights of one kind (two dropouts, two activations of one name)."""
    kinds = [_kind(side, name) for side, name in ((a, pair.a), (b, pair.b))]
    return not pair.owns and bool(kinds[0]) and kinds[0] == kinds[1]


def _kind(training: TrainingValues, name: str) -> str:
    return kind(str(training.layers.get(name, {}).get("type", "")))


def _activation(a: TrainingValues, ours: Array, output: Array) -> tuple[Form, str] | None:
    """Return (form, activation) that turn an output of B into that of A; None if none comes near."""
    for activation in activations.ACTIVATIONS:
        if activation in activations.OVER_AXIS_1 and output.ndim < 3:
            continue
        for form, value in _forms(a, ours, activations.applied(activation, output)):
            if relative(ours, value) <= _NEAR:
                return form, activation
    return None


def _forms(a: TrainingValues, ours: Array, value: Array) -> Iterator[tuple[Form, Array]]:
    """Yield an output of B in each order of axes that fits."""
    if value.shape == ours.shape:
        yield "as it is", value
    for form in CHANNELS if value.ndim > 2 else ():
        changed = formed(form, value, ours.shape)
        if changed.shape == ours.shape:
            yield form, changed
    if ours.ndim == value.ndim == 2 and ours.shape == value.shape:
        for shape in {tensor.shape[1:] for tensor in a.outputs.values() if len(tensor.shape) > 2}:
            if np.prod(shape) == ours.shape[1] and shape[-1] > 1:
                yield shape, formed(shape, value, ours.shape)
