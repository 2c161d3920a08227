"""The settings in which two layers differ if their outputs or their moving averages diverge.

They are facts about the two layers. No formula shows that they explain the difference, so they are not called an
explanation.
"""

from __future__ import annotations

from typing import Any

from samebits_parity.layer_settings import differing, in_words, kind, same
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import TrainingValues
from samebits_parity.train.verdict import Account, PointComparison, TrainVerdict, sides


def likely(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """Return the dropouts in the two layers or before them; if there are none, what differs in the two layers."""
    pair = next((one for one in judged.layer_pairs if one.a == first.name), None)
    if pair is None:
        return []
    sides_of = (("A", judged.a, pair.a), ("B", judged.b, pair.b))
    dropped = [f"{name} ({side})" for side, training, last in sides_of for name in _dropouts(training, last)]
    if dropped:
        return [_account("dropout", f"dropout draws at random: {', '.join(dropped)}", pair.a)]
    shapes = [list(one.shape) for one in pair.outputs(judged.a, judged.b, first.step)]
    found: list[tuple[str, Any, Any]] = []
    if shapes[0] != shapes[1]:
        found.append(("the shape of the output", shapes[0], shapes[1]))
    facts = [training.layers.get(name) for _, training, name in sides_of]
    found += differing(*(in_words(one["type"], one["settings"]) if one else {} for one in facts))
    return [_account(name, sides(name, _said(a), _said(b)), pair.a) for name, a, b in found]


def _account(name: str, words: str, layer: str) -> Account:
    return Account(name, words, (layer,), proven=False)


def _said(value: Any) -> Any:
    return " x ".join(map(str, value)) if isinstance(value, list) else value


def _dropouts(training: TrainingValues, last: str) -> list[str]:
    """Return the layers that drop values, up to and including this one."""
    names = list(training.outputs)
    before = [training.layers.get(name) for name in names[: names.index(last) + 1]] if last in names else []
    return [name for name, facts in zip(names, before, strict=False) if facts and _drops(facts)]


def _drops(facts: dict[str, Any]) -> bool:
    settings = facts["settings"]
    return kind(facts["type"]) == "dropout" and bool(settings.get("rate", settings.get("p")))


def averages(judged: TrainVerdict, pairs: list[WeightPair]) -> list[Account]:
    """Return the shares that two batch norms keep of their moving averages in a step, if these shares differ."""
    for pair in pairs:
        a, b = _kept(judged.a, pair.a), _kept(judged.b, pair.b)
        if not pair.trains and None not in (a, b) and not same(a, b):
            return [_account("batch norm's momentum", sides("what a moving average keeps in a step", a, b), pair.a)]
    return []


def _kept(training: TrainingValues, weight: str) -> float | None:
    """Return the share of a moving average that is kept in a step, from its layer's settings."""
    momentum = training.layers.get(training.owners.get(weight, ""), {"settings": {}})["settings"].get("momentum")
    if not isinstance(momentum, float):
        return None
    return momentum if training.is_keras else 1 - momentum
