"""The arrays of the pairs, from one model's form to the other's."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from samebits_parity.weights.counterparts import (
    NORMALIZATIONS,
    LayerPart,
    Shapes,
    neutral_array,
    shapes_after,
)
from samebits_parity.weights.models import ModelFacts
from samebits_parity.weights.pairs import LayerPair
from samebits_parity.weights.rules import REVERSE, Array, Arrays

Numbered = dict[int, Array]
POSITIVE = ("gamma", "variance", "running_var")


@dataclass
class Conversion:
    """`arrays`: by the numbers of the target's weights; `lost`: (pair, what of it has no place); `notes`: what was made
    up or rounded."""

    arrays: Numbered = field(default_factory=dict)
    lost: list[tuple[LayerPair, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def carry(pairs: tuple[LayerPair, ...], source: ModelFacts, target: ModelFacts, arrays: Numbered) -> Conversion:
    """What the target's weights become. `arrays`: the source's, by number."""
    done = Conversion()
    for pair in pairs:
        _carry_pair(done, pair, (source, target), arrays)
    return done


def _ends(pair: LayerPair, source: ModelFacts) -> tuple[LayerPart, LayerPart]:
    return (pair.keras, pair.pytorch) if source.library == "keras" else (pair.pytorch, pair.keras)


def _carry_pair(done: Conversion, pair: LayerPair, models: tuple[ModelFacts, ModelFacts], arrays: Numbered) -> None:
    source, target = models
    ours, theirs = _ends(pair, source)
    there, back = pair.rule.to_pytorch, pair.rule.to_keras
    if source.library == "pytorch":
        there, back = back, there
    given = {role: arrays[number] for role, number in ours.roles.items()}
    implied = shapes_after(back, theirs.shapes(target)) or {}
    surplus = [role for role in given if role not in implied and not _says_nothing(role, given[role], ours)]
    if surplus:
        done.lost.append((pair, f"{', '.join(surplus)}: {source.side} has it, {target.side} does not"))
    made = there({role: array for role, array in given.items() if role in implied} | _made_up(given, implied))
    for role, number in theirs.roles.items():
        if role in made:
            done.arrays[number] = _as(target.weights[number].dtype, made[role], theirs.name, done)
    lacking = [role for role in implied if role not in given]
    if lacking:
        done.notes.append(f"{ours.name} has no {', '.join(lacking)}: {theirs.name} gets what changes nothing.")


def _says_nothing(role: str, array: Array, part: LayerPart) -> bool:
    name = "gamma" if part.kind in NORMALIZATIONS and role == "weight" else role
    return bool((array == neutral_array(name, array.shape, str(array.dtype))).all())


def _made_up(given: Arrays, implied: Shapes) -> Arrays:
    dtype = str(next(iter(given.values())).dtype)
    return {role: neutral_array(role, shape, dtype) for role, shape in implied.items() if role not in given}


def _as(dtype: str, array: Array, name: str, done: Conversion) -> Array:
    if str(array.dtype) != dtype:
        note = f"{name} is of {dtype}, what was carried to it of {array.dtype}: converted."
        if note not in done.notes:
            done.notes.append(note)
    return np.ascontiguousarray(array.astype(dtype))


def telling(pairs: tuple[LayerPair, ...], source: ModelFacts, target: ModelFacts, seed: int) -> tuple[Numbered, int]:
    """The source's weights for the comparison of outputs, and in how many arrays there are other numbers.

    An array that holds one number only (zero biases, fresh moving averages) cannot show whether it was carried to the
    right place: random numbers stand in for it.
    """
    generator = np.random.default_rng(seed)
    arrays, changed = dict(source.arrays), 0
    for pair in pairs:
        ours, theirs = _ends(pair, source)
        back = pair.rule.to_keras if source.library == "keras" else pair.rule.to_pytorch
        implied = shapes_after(back, theirs.shapes(target)) or {}
        for role, number in ours.roles.items():
            array = arrays[number]
            if role in implied and array.size and (array == array.ravel()[0]).all():
                arrays[number] = _drawn(generator, role, array, positive=_positive(role, ours))
                changed += 1
    return arrays, changed


def _positive(role: str, part: LayerPart) -> bool:
    return role.removesuffix(REVERSE) in POSITIVE or (part.kind in NORMALIZATIONS and role == "weight")


def _drawn(generator: np.random.Generator, role: str, array: Array, *, positive: bool) -> Array:
    drawn = generator.uniform(0.5, 1.5, array.shape) if positive else generator.normal(0, 0.1, array.shape)
    return drawn.astype(array.dtype)
