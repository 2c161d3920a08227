"""What is set differently at a layer, and between it and the one before: both sides beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from samebits_parity.weights.models import Layer, ModelFacts
from samebits_parity.weights.pairs import LayerPair

WITHOUT_EFFECT = ("momentum (kept share)",)  # on outputs; it counts when the model is trained
COUNTED = ("max_pool", "average_pool", "activation")
CLOSE = 1e-9  # relative; settings are written as decimals


@dataclass(frozen=True)
class Difference:
    """One setting. `layers`: Keras' and PyTorch's, by name. A value is None where no such layer was seen."""

    layers: tuple[str, str]
    setting: str
    keras: Any
    pytorch: Any

    @property
    def has_effect(self) -> bool:
        """Whether it changes outputs, and not only training."""
        return self.setting not in WITHOUT_EFFECT


def of_pair(pair: LayerPair) -> list[Difference]:
    """Settings of the two layers that differ."""
    return _differing(pair.keras.layer, pair.pytorch.layer)


def _differing(keras: Layer, pytorch: Layer) -> list[Difference]:
    both = [name for name in keras.settings if name in pytorch.settings]
    return [
        Difference((keras.name, pytorch.name), name, keras.settings[name], pytorch.settings[name])
        for name in both
        if not same(keras.settings[name], pytorch.settings[name])
    ]


def same(a: Any, b: Any) -> bool:
    """Whether two settings are the same number, list or word."""
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= CLOSE * max(abs(a), abs(b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def between(pairs: tuple[LayerPair, ...], place: int, keras: ModelFacts, pytorch: ModelFacts) -> list[Difference]:
    """Layers without weights before the pair at a place (or after the last), where the two sides are not alike."""
    found = []
    left, right = _without_weights(pairs, place, keras, "keras"), _without_weights(pairs, place, pytorch, "pytorch")
    for kind in COUNTED:
        ours = [layer for layer in left if layer.kind == kind]
        theirs = [layer for layer in right if layer.kind == kind]
        for a, b in zip_longest(ours, theirs):
            found += _one(a, b, kind)
    return found


def _one(a: Layer | None, b: Layer | None, kind: str) -> list[Difference]:
    if a is not None and b is not None:
        return _differing(a, b)
    names = (a.name if a else "no layer", b.name if b else "no layer")
    return [Difference(names, kind.replace("_", " "), a and _words(a), b and _words(b))]


def _words(layer: Layer) -> str:
    return str(layer.settings.get("function", layer.of_class))


def _without_weights(pairs: tuple[LayerPair, ...], place: int, model: ModelFacts, side: str) -> list[Layer]:
    numbers = [getattr(pair, side).layer.number for pair in pairs]
    begin = numbers[place - 1] if place else -1
    end = numbers[place] if place < len(pairs) else len(model.layers)
    return [layer for layer in model.layers[max(begin, -1) + 1 : end] if not layer.roles]
