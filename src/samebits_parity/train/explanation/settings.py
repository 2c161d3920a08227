"""The settings in which two layers differ whose outputs diverge.

They are facts about the two layers. No formula shows that they explain the difference, so they are not called an
explanation.
"""

from __future__ import annotations

from typing import Any

from samebits_parity.train.layers import kind
from samebits_parity.train.values import TrainingValues
from samebits_parity.train.verdict import Account, PointComparison, TrainVerdict, sides

Facts = dict[str, Any]
# a setting -> its names in the libraries
NAMES = {
    "epsilon": ("epsilon", "eps"),
    "slope": ("negative_slope",),
    "alpha": ("alpha",),
    "size": ("pool_size", "kernel_size"),
    "stride": ("strides", "stride"),
    "dilation": ("dilation_rate", "dilation"),
    "padding": ("padding",),
    "padded with": ("padding_mode",),
    "approximation": ("approximate",),
    "groups": ("groups",),
    "heads": ("num_heads",),
}
ONLY_OF_PYTORCH = {"padded with": "zeros", "approximation": "none"}  # what Keras' layers do


def likely(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """Return what differs between the two layers, or dropout before them."""
    pair = next((one for one in judged.layer_pairs if one.a == first.name), None)
    if pair is None:
        return []
    dropped = [f"{name} ({side})" for side, training, last in (("A", judged.a, pair.a), ("B", judged.b, pair.b))
               for name in _dropouts(training, last)]  # fmt: skip
    if dropped:
        return [_account("dropout", f"dropout draws at random: {', '.join(dropped)}", pair.a)]
    shapes = [" x ".join(map(str, one.shape)) for one in pair.outputs(judged.a, judged.b, first.step)]
    shape = [_account("shape", sides("the shape of the output", *shapes), pair.a)] if shapes[0] != shapes[1] else []
    facts = judged.a.layers.get(pair.a, {}), judged.b.layers.get(pair.b, {})
    both = _words(facts[0]), _words(facts[1])
    return shape + [
        _account(name, sides(name, _said(both[0][name]), _said(both[1][name])), pair.a)
        for name in both[0]
        if name in both[1] and both[0][name] != both[1][name]
    ]


def _account(name: str, words: str, layer: str) -> Account:
    return Account(name, words, (layer,), proven=False)


def _said(value: Any) -> Any:
    return " x ".join(map(str, value)) if isinstance(value, list) else value


def _dropouts(training: TrainingValues, last: str) -> list[str]:
    """Return the layers up to this one that drop values."""
    names = list(training.outputs)
    before = names[: names.index(last) + 1] if last in names else []
    return [name for name in before if kind(training.layers.get(name, {})) == "dropout" and _rate(training, name)]


def _rate(training: TrainingValues, name: str) -> Any:
    settings = training.layers[name]["settings"]
    return settings.get("rate", settings.get("p"))


def _words(facts: Facts) -> Facts:
    """Return the settings of a layer, in the words of this module."""
    settings: Facts = facts.get("settings", {})
    found = {name: settings[key] for name, keys in NAMES.items() for key in keys if key in settings}
    found = {**(ONLY_OF_PYTORCH if settings else {}), **found}
    size = found.get("size", ())
    found = {name: _wide(value, size) for name, value in found.items()}
    if found.get("padding") == "same" and set(found.get("stride", ())) == {1} and all(one % 2 for one in found["size"]):
        found["padding"] = [one // 2 for one in found["size"]]
    if found.get("padding") == "valid":
        found["padding"] = _wide(0, size)
    return {**found, **_function(facts)}


def _wide(value: Any, size: Any) -> Any:
    """Return a whole number as one for each dimension, as libraries take it."""
    length = len(size) if isinstance(size, list) else 2
    return [value] * length if isinstance(value, int) and not isinstance(value, bool) else value


def _function(facts: Facts) -> Facts:
    """Return the pooling or the activation of a layer."""
    name = str(facts.get("type", "")).lower()
    if kind(facts) == "pool":
        return {"pooling": "the largest" if "max" in name else "the mean"}
    inside = facts.get("settings", {}).get("activation")
    if kind(facts) == "activation" and name != "activation":
        return {"activation": name}
    return {"activation": inside} if isinstance(inside, str) else {}
