"""What a layer may have been given: the batch and the outputs of earlier layers, in A's order of axes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samebits_parity.train import batches
from samebits_parity.train.layers import OutputPair
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import PointComparison, TrainVerdict, layer_of


class LayerInputs(NamedTuple):
    """`a`, `b`: what came out on either side. `inputs`: what may have gone in, the latest first."""

    pair: OutputPair
    a: Array
    b: Array
    inputs: list[Array]
    weights: list[tuple[WeightPair, Array]]


def given(judged: TrainVerdict, first: PointComparison) -> LayerInputs | None:
    """Of the layer that diverges; None where it is not a pair of layers."""
    place = next((n for n, pair in enumerate(judged.layer_pairs) if pair.a == first.name), None)
    if place is None:
        return None
    pair = judged.layer_pairs[place]
    earlier = [one.outputs(judged.a, judged.b, first.step)[0] for one in judged.layer_pairs[:place]]
    # a layer of B alone, whose activation A has within its own
    names = list(judged.b.outputs)
    between = [judged.b.output(first.step, name) for name in names[: names.index(pair.b)][-1:]]
    if judged.a.is_keras != judged.b.is_keras:
        between = [np.moveaxis(one, *((1, -1) if judged.a.is_keras else (-1, 1))) if one.ndim > 2 else one
                   for one in between]  # fmt: skip
    fed = [one.a for one in batches.pairs(judged.a, judged.b, first.step) if not one.a_name.startswith("labels")]
    owned = judged.a.layers.get(pair.a, {}).get("weights", [])
    weights = [(one, judged.before(one, first.step)[0]) for one in judged.pairs if one.a in owned]
    return LayerInputs(pair, *pair.outputs(judged.a, judged.b, first.step), [*between, *earlier[::-1], *fed], weights)


def weight(found: LayerInputs, *words: str) -> Array | None:
    """The layer's weight whose own name is one of these."""
    for pair, value in found.weights:
        if pair.a.removeprefix(layer_of(pair.a)).strip("./") in words:
            return value
    return None


def setting(judged: TrainVerdict, found: LayerInputs, *names: str) -> list[object]:
    """A setting of the layer on each side, under whichever of its names; None where it is not told."""
    sides = ((judged.a, found.pair.a), (judged.b, found.pair.b))
    settings = [side.layers.get(name, {}).get("settings", {}) for side, name in sides]
    return [next((one[name] for name in names if name in one), None) for one in settings]
