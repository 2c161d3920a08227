"""The verdict of a move of weights: agree, differ or unknown; the first layer at which the two diverge; and the
settings that differ there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from samebits import words
from samebits.documents import Document
from samebits_parity.layer_settings import differing
from samebits_parity.report import Agreement
from samebits_parity.weights.models import Layer, ModelFacts
from samebits_parity.weights.pairs import LayerPair, LonelyFile
from samebits_parity.weights.transfer import Transfer
from samebits_parity.weights.verification import OutputGap

COUNTED = ("max_pool", "average_pool", "activation")


class SettingFile(Document):
    """A setting that differs between two layers. `layers`: Keras' and PyTorch's, by name."""

    layers: tuple[str, str]
    setting: str
    keras: Any
    pytorch: Any


def of_pair(pair: LayerPair) -> list[SettingFile]:
    """Return the settings of the two layers that differ."""
    return _differing(pair.keras.layer, pair.pytorch.layer)


def _differing(keras: Layer, pytorch: Layer) -> list[SettingFile]:
    both = differing(keras.settings, pytorch.settings)
    return [SettingFile(layers=(keras.name, pytorch.name), setting=name, keras=a, pytorch=b) for name, a, b in both]


def between(pairs: tuple[LayerPair, ...], place: int, keras: ModelFacts, pytorch: ModelFacts) -> list[SettingFile]:
    """Return the differences of the layers without weights before the pair at a place (or after the last pair).

    A model may call a function in the place of a layer. So layers of one kind are compared only if both models have
    the same number of them there.
    """
    left = _without_weights(keras, [pair.keras.layer.number for pair in pairs], place)
    right = _without_weights(pytorch, [pair.pytorch.layer.number for pair in pairs], place)
    found = []
    for kind in COUNTED:
        ours, theirs = ([layer for layer in layers if layer.kind == kind] for layers in (left, right))
        if len(ours) == len(theirs):
            found += [one for a, b in zip(ours, theirs, strict=True) for one in _differing(a, b)]
    return found


def _without_weights(model: ModelFacts, numbers: list[int], place: int) -> list[Layer]:
    """Return the layers without weights between two layers. `numbers`: of the layers that have pairs."""
    begin = numbers[place - 1] if place else -1
    return [layer for layer in model.layers[begin + 1 : [*numbers, None][place]] if not layer.roles]


@dataclass(frozen=True)
class TransferVerdict:
    """`first`: the place of the first pair that disagrees, or None; `likely`: the settings that differ there or just
    before it; `last`: how many pairs are judged (a layer that got no weights comes before the others).
    """

    verdict: Agreement
    sentence: str
    first: int | None = None
    likely: tuple[SettingFile, ...] = ()
    last: int | None = None


def judge(moved: Transfer) -> TransferVerdict:
    """Return the verdict. Outputs that cannot be compared never agree."""
    last = _judged_until(moved)
    first = next((place for place, one in enumerate(moved.layers[:last]) if one.agrees is False), None)
    if first is not None:
        return _at(moved, first, last)
    if not_carried := _not_carried(moved):
        return TransferVerdict(*not_carried, last=last)
    if moved.whole_model is None:
        return TransferVerdict("unknown", _did_not_run(moved), last=last)
    return _agree(moved) if moved.whole_model.agrees else _whole(moved, moved.whole_model, len(moved.pairing.pairs))


def _not_carried(moved: Transfer) -> tuple[Agreement, str] | None:
    """Return the verdict and a sentence if weights had no place; None if all had one."""
    if moved.pairing.lonely:
        return "differ", _of_lonely(moved.pairing.lonely[0], moved)
    if moved.pairing.refused:
        return "unknown", _of_refused(moved)
    if moved.carried.lost:
        pair, why = moved.carried.lost[0]
        return "differ", f"{_names(pair, moved)}: {why}; the rest was carried."
    return None


def _judged_until(moved: Transfer) -> int:
    """Return how many pairs come before the first layer that got no weights from the other model."""
    left = [(one.side, one.number) for one in (*moved.pairing.lonely, *moved.pairing.refused)]
    for place, pair in enumerate(moved.pairing.pairs):
        ends = ((moved.keras.side, pair.keras.layer.number), (moved.pytorch.side, pair.pytorch.layer.number))
        if any(side == one and number > at for side, number in ends for one, at in left):
            return place
    return len(moved.pairing.pairs)


def _names(pair: LayerPair, moved: Transfer) -> str:
    first, second = moved.a_first(pair.keras.name, pair.pytorch.name)
    return f"{first} (A) and {second} (B)"


def _at(moved: Transfer, place: int, last: int) -> TransferVerdict:
    pairs, one = moved.pairing.pairs, moved.layers[place]
    likely = of_pair(pairs[place]) + between(pairs, place, moved.keras, moved.pytorch)
    said = f"The first layer that disagrees is {place + 1} of {len(pairs)}: {_names(pairs[place], moved)}; {_how(one)}."
    return TransferVerdict("differ", said, place, tuple(likely), last)


def _how(one: OutputGap) -> str:
    return one.why if one.apart is None else f"difference {one.apart:.1e}, rounding explains {one.allowed:.0e}"


def _of_lonely(one: LonelyFile, moved: Transfer) -> str:
    other = moved.target.side if one.side == moved.source.side else moved.source.side
    beside = f"; {one.beside} of {other} has {shapes_said(one.beside_shapes)}" if one.beside else ""
    would = f"; {shapes_said(one.would_match)} would match" if one.would_match else ""
    more = len(moved.pairing.lonely) - 1
    rest = f" {words.count(more, 'more layer')} {words.agree(more, 'does', 'do')} not match either." if more else ""
    what = f"The models do not match. {one.layer} of {one.side} has {shapes_said(one.shapes)}"
    return f"{what}: {one.why}{beside}{would}.{rest}"


def shapes_said(shapes: dict[str, tuple[int, ...]] | None) -> str:
    """Return a text such as: kernel (3, 3, 1, 8), bias (8,)."""
    return ", ".join(f"{role} {shape}" for role, shape in (shapes or {}).items()) or "no weights"


def _of_refused(moved: Transfer) -> str:
    refused = moved.pairing.refused
    said = words.first_few([f"{one.layer} of {one.side} ({one.layer_class})" for one in refused], 3)
    carried = len(moved.pairing.pairs)
    return f"{said}: no counterpart. The weights of {words.count(carried, 'other layer')} were carried."


def _did_not_run(moved: Transfer) -> str:
    for model in (moved.keras, moved.pytorch):
        if model.ran:
            return f"The weights were carried, and nothing was compared: {model.title} did not run: {model.ran}"
    return "Nothing was compared."


def _whole(moved: Transfer, one: OutputGap, count: int) -> TransferVerdict:
    layers, were = words.count(count, "layer"), words.agree(count, "was", "were")
    likely = tuple(between(moved.pairing.pairs, count, moved.keras, moved.pytorch))
    if one.agrees is None:
        said = f"{layers} {were} carried; the outputs of the models cannot be compared: {one.why}."
        return TransferVerdict("unknown", said, None, likely, count)
    said = f"{layers} {words.agree(count, 'agrees', 'agree')}, but the models do not: {_how(one)}."
    return TransferVerdict("differ", said, None, likely, count)


def _agree(moved: Transfer) -> TransferVerdict:
    gaps = [one for one in (*moved.layers, moved.whole_model) if one]
    known, allowed = (one.apart for one in gaps if one.apart is not None), max(one.allowed for one in gaps)
    cut = sum(one.is_cut for one in moved.layers)
    unseen = sum(one.apart is None for one in moved.layers) - cut
    layers = words.count(len(moved.pairing.pairs), "layer")
    sizes = f"they differ by {max(known):.1e}, and rounding explains {allowed:.0e}"
    said = f"{layers} carried; outputs agree to rounding: {sizes}."
    said += f" The outputs of {words.count(unseen, 'layer')} were not seen." if unseen else ""
    said += f" {words.count(cut, 'layer')} gave different shapes, but the next layers agree." if cut else ""
    return TransferVerdict("agree", said, last=len(moved.pairing.pairs))
