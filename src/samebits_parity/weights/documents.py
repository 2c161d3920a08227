"""The JSON of `samebits parity weights`."""

from __future__ import annotations

from typing import Any, Literal

from samebits.document import Document
from samebits_parity.weights import explanation
from samebits_parity.weights.explanation import Difference
from samebits_parity.weights.models import ModelFacts
from samebits_parity.weights.pairs import Lonely
from samebits_parity.weights.transfer import Transfer
from samebits_parity.weights.verdict import TransferVerdict, names

WEIGHTS_FORMAT = 1


class ModelFile(Document):
    """A model, as the user named it."""

    model: str
    library: Literal["keras", "pytorch"]
    version: str
    weights: int


class SettingFile(Document):
    """A setting that differs between two layers. A null: no such layer was seen."""

    layers: tuple[str, str]
    setting: str
    keras: Any
    pytorch: Any


class LayerFile(Document):
    """A pair of layers. `apart`: ||a - b|| / ||a|| of their outputs, null where they were not compared; `allowed`: what
    rounding explains; `agrees`: null where it is not known, or a layer before it got no weights."""

    a: str
    b: str
    kind: str
    weights_a: list[str]
    weights_b: list[str]
    apart: float | None
    allowed: float | None
    max_ulp: int | None
    agrees: bool | None
    why: str
    settings: list[SettingFile]


class LonelyFile(Document):
    """A layer whose weights were not carried: why; where there is one, a layer at its place, and what would match."""

    side: Literal["A", "B"]
    layer: str
    layer_class: str
    shapes: dict[str, tuple[int, ...]]
    why: str
    beside: str
    beside_shapes: dict[str, tuple[int, ...]] | None
    would_match: dict[str, tuple[int, ...]] | None


class WeightsFile(Document):
    """What was carried and compared. `first`: the place of the first pair that disagrees, from 0; `likely`: what is set
    differently there or between it and the one before; `out`: the file, null where nothing was carried."""

    format: int = WEIGHTS_FORMAT
    samebits: str
    verdict: Literal["agree", "differ", "unknown"]
    sentence: str
    a: ModelFile
    b: ModelFile
    layers: list[LayerFile]
    not_matching: list[LonelyFile]
    no_counterpart: list[LonelyFile]
    first: int | None
    likely: list[SettingFile]
    model_apart: float | None
    model_allowed: float | None
    filled: int
    notes: list[str]
    out: str | None


def document(moved: Transfer, judged: TransferVerdict, version: str) -> WeightsFile:
    """All that was found."""
    whole = moved.whole_model
    return WeightsFile(
        samebits=version,
        verdict=judged.verdict,
        sentence=judged.sentence,
        a=_model(moved.source),
        b=_model(moved.target),
        layers=[_layer(moved, judged, place) for place in range(len(moved.pairing.pairs))],
        not_matching=[_lonely(one) for one in moved.pairing.lonely],
        no_counterpart=[_lonely(one) for one in moved.pairing.refused],
        first=judged.first,
        likely=[_setting(one) for one in judged.likely],
        model_apart=whole.apart if whole else None,
        model_allowed=whole.allowed if whole else None,
        filled=moved.filled,
        notes=moved.carried.notes,
        out=str(moved.out) if moved.out else None,
    )


def _model(model: ModelFacts) -> ModelFile:
    return ModelFile(model=model.said, library=model.library, version=model.version, weights=len(model.weights))


def _setting(one: Difference) -> SettingFile:
    return SettingFile(layers=one.layers, setting=one.setting, keras=one.keras, pytorch=one.pytorch)


def _layer(moved: Transfer, judged: TransferVerdict, place: int) -> LayerFile:
    pair = moved.pairing.pairs[place]
    one = moved.layers[place] if place < len(moved.layers) else None
    a, b = names(pair, moved)
    keras = [moved.keras.weights[number].name for number in pair.keras.roles.values()]
    pytorch = [moved.pytorch.weights[number].name for number in pair.pytorch.roles.values()]
    both = (keras, pytorch) if moved.source.library == "keras" else (pytorch, keras)
    seen = one is not None and (judged.last is None or place < judged.last)
    return LayerFile(
        a=a, b=b, kind=pair.keras.kind, weights_a=both[0], weights_b=both[1],
        apart=one.apart if one else None, allowed=one.allowed if one else None, max_ulp=one.max_ulp if one else None,
        agrees=one.agrees if one and seen else None, why=one.why if one else "not compared",
        settings=[_setting(found) for found in explanation.of_pair(pair)],
    )  # fmt: skip


def _lonely(one: Lonely) -> LonelyFile:
    return LonelyFile(
        side="A" if one.side == "A" else "B", layer=one.name, layer_class=one.of_class, shapes=one.shapes, why=one.why,
        beside=one.beside, beside_shapes=one.beside_shapes, would_match=one.would_match,
    )  # fmt: skip
