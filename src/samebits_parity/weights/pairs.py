"""Pairs the layers of two models: by the order in which they run, their kinds and shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

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
from samebits_parity.weights.models import ModelFacts
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


_NONE_LEFT = "the other model has no further layer of this kind"


def _lonely(
    sides: tuple[list[LayerPart], list[LayerPart]], found: list[tuple[int, int]], models: tuple[ModelFacts, ModelFacts]
) -> list[LonelyFile]:
    """Return the layers without a partner.

    Each comes with an unpaired layer of its kind at about its place on the other side, if there is one.
    """
    left, right = (
        [part for place, part in enumerate(parts) if place not in {pair[side] for pair in found}]
        for side, parts in enumerate(sides)
    )
    told: list[LonelyFile] = []
    for part in left:
        other = next((one for one in right if rule_for(part, one, models)), None)
        why = _NONE_LEFT if other is None else "the shapes do not match"
        told.append(_lone(part, models[0], why, **_beside(part, other, models)))
        right = [one for one in right if one is not other]
    return told + [_lone(part, models[1], _why_left(part)) for part in right]


def _beside(part: LayerPart, other: LayerPart | None, models: tuple[ModelFacts, ModelFacts]) -> dict[str, Any]:
    rule = rule_for(part, other, models) if other else None
    if other is None or rule is None:
        return {}
    would = shapes_after(rule.to_pytorch, part.shapes(models[0]))
    return {"beside": other.name, "beside_shapes": other.shapes(models[1]), "would_match": would}


def _why_left(part: LayerPart) -> str:
    if part.kind == "transposed" and part.layer.groups != 1:
        return f"groups={part.layer.groups}, and Keras' transposed convolutions have no groups"
    return _NONE_LEFT


def _refused(models: tuple[ModelFacts, ModelFacts]) -> list[LonelyFile]:
    return [_lone(LayerPart(layer, layer.roles, layer.kind, layer.name), model, why)
            for model in models for layer in model.weighted() if (why := reason(layer, model))]  # fmt: skip


def _lone(part: LayerPart, model: ModelFacts, why: str, **more: Any) -> LonelyFile:
    return LonelyFile(
        side=model.side, number=part.layer.number, layer=part.name, layer_class=part.layer.of_class,
        shapes=part.shapes(model), why=why, **more,
    )  # fmt: skip
