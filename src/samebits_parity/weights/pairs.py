"""Pairs the layers of two models: by the order in which they run, their kinds and shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from samebits.documents import Document
from samebits_parity.weights.counterparts import (
    LayerPart,
    Shapes,
    fit,
    in_order,
    parts_of,
    reason,
    rule_for,
    shapes_after,
)
from samebits_parity.weights.models import Layer, ModelFacts
from samebits_parity.weights.rules import LayerRule


@dataclass(frozen=True)
class LayerPair:
    """Two layers that belong together. `moved`: they are out of the order in which the others run."""

    keras: LayerPart
    pytorch: LayerPart
    rule: LayerRule
    moved: bool = False


class LonelyFile(Document):
    """A layer whose weights were not carried, and why.

    `number`: its place in its model; `beside`: a layer of its kind at its place, with a different shape; `would_match`:
    the shapes that would match, by role in the other library.
    """

    side: str
    number: int
    layer: str
    layer_class: str
    shapes: Shapes
    why: str
    beside: str = ""
    beside_shapes: Shapes | None = None
    would_match: Shapes | None = None


@dataclass(frozen=True)
class LayerPairs:
    """`lonely`: layers of either model without a partner; `refused`: layers that can have no counterpart."""

    pairs: tuple[LayerPair, ...]
    lonely: tuple[LonelyFile, ...]
    refused: tuple[LonelyFile, ...]


def pair_layers(keras: ModelFacts, pytorch: ModelFacts) -> LayerPairs:
    """Pair the layers of two models."""
    models = (keras, pytorch)
    left, right = in_order(parts_of(keras), keras), parts_of(pytorch)

    @cache
    def fits(i: int, j: int) -> LayerRule | None:
        return fit(left[i], right[j], models)

    found, moved = in_running_order((len(left), len(right)), fits)
    pairs = [LayerPair(left[i], right[j], fits(i, j), (i, j) in moved) for i, j in sorted(found + moved)]  # type: ignore[arg-type]
    return LayerPairs(tuple(pairs), tuple(_lonely((left, right), found + moved, models)), tuple(_refused(models)))


def in_running_order(
    sizes: tuple[int, int], fits: Callable[[int, int], object]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs the layers of two rows: pairs in order, and pairs that are out of order."""
    found = _aligned(*sizes, fits)
    return found, _leftovers(sizes, found, fits)


def _aligned(n: int, m: int, fits: Callable[[int, int], object]) -> list[tuple[int, int]]:
    """Return the longest row of pairs in which both sides keep their order; if there are several, the earliest."""
    if n == m and all(fits(i, i) for i in range(n)):
        return [(i, i) for i in range(n)]
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            paired = best[i + 1][j + 1] + 1 if fits(i, j) else 0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < n and j < m:
        if fits(i, j) and best[i][j] == best[i + 1][j + 1] + 1:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _leftovers(
    sizes: tuple[int, int], found: list[tuple[int, int]], fits: Callable[[int, int], object]
) -> list[tuple[int, int]]:
    """Pairs out of order: a remaining layer that fits exactly one remaining layer of the other side."""
    left = set(range(sizes[0])) - {i for i, _ in found}
    right = set(range(sizes[1])) - {j for _, j in found}
    choices = {i: [j for j in right if fits(i, j)] for i in left}
    wanted = [j for fitting in choices.values() for j in fitting]
    return [(i, js[0]) for i, js in choices.items() if len(js) == 1 and wanted.count(js[0]) == 1]


def _lonely(
    sides: tuple[list[LayerPart], list[LayerPart]],
    found: list[tuple[int, int]],
    models: tuple[ModelFacts, ModelFacts],
) -> list[LonelyFile]:
    """Return the layers without a partner.

    Each comes with an unpaired layer of its kind at about its place on the other side, if there is one.
    """
    left = [i for i in range(len(sides[0])) if i not in {i for i, _ in found}]
    right = [j for j in range(len(sides[1])) if j not in {j for _, j in found}]
    told: list[LonelyFile] = []
    for i in left:
        alike = [j for j in right if rule_for(sides[0][i], sides[1][j], models)]
        other = sides[1][alike[0]] if alike else None
        if alike:
            right.remove(alike[0])
        told.append(_left_of_keras(sides[0][i], other, models))
    return told + [_left_of_pytorch(sides[1][j], models[1]) for j in right]


def _left_of_keras(part: LayerPart, other: LayerPart | None, models: tuple[ModelFacts, ModelFacts]) -> LonelyFile:
    shapes = part.shapes(models[0])
    if other is None:
        return _lone(part.layer, models[0], shapes, "the other model has no further layer of this kind", part.name)
    rule = rule_for(part, other, models)
    would = shapes_after(rule.to_pytorch, shapes) if rule else None
    found = _lone(part.layer, models[0], shapes, "the shapes do not match", part.name)
    more = {"beside": other.name, "beside_shapes": other.shapes(models[1]), "would_match": would}
    return found.model_copy(update=more)


def _left_of_pytorch(part: LayerPart, model: ModelFacts) -> LonelyFile:
    why = "the other model has no further layer of this kind"
    if part.kind == "transposed" and part.layer.groups != 1:
        why = f"groups={part.layer.groups}, and Keras' transposed convolutions have no groups"
    return _lone(part.layer, model, part.shapes(model), why, part.name)


def _refused(models: tuple[ModelFacts, ModelFacts]) -> list[LonelyFile]:
    return [_told(layer, model) for model in models for layer in model.weighted() if reason(layer, model)]


def _told(layer: Layer, model: ModelFacts) -> LonelyFile:
    shapes = {role: model.weights[number].shape for role, number in layer.roles.items()}
    return _lone(layer, model, shapes, reason(layer, model), layer.name)


def _lone(layer: Layer, model: ModelFacts, shapes: Shapes, why: str, name: str) -> LonelyFile:
    return LonelyFile(
        side=model.side, number=layer.number, layer=name, layer_class=layer.of_class, shapes=shapes, why=why
    )
