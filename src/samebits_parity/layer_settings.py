"""The settings of layers, in one vocabulary for Keras and PyTorch.

They are read from what a layer says of itself: `get_config` in Keras, plain attributes in PyTorch.
"""

from __future__ import annotations

from typing import Any

Settings = dict[str, Any]
_ACTIVE = ("relu", "elu", "gelu", "silu", "softmax", "sigmoid", "tanh", "softplus", "softsign", "activation", "relu6",
           "swish")  # fmt: skip
# a setting -> its names in the libraries
NAMES = {
    "epsilon": ("epsilon", "eps"),
    "slope": ("negative_slope",),
    "alpha": ("alpha",),
    "size": ("pool_size", "kernel_size"),
    "strides": ("strides", "stride"),
    "dilation": ("dilation_rate", "dilation"),
    "padding": ("padding",),
    "padded with": ("padding_mode",),
    "groups": ("groups", "num_groups"),
    "heads": ("num_heads",),
    "entries": ("input_dim", "num_embeddings"),
    "approximation": ("approximate",),
}
ONLY_OF_PYTORCH = {"padded with": "zeros", "approximation": "none"}  # what layers of Keras always do
CLOSE = 1e-6  # relative; settings are written as decimals


def kind(name: str) -> str:
    """Return the kind of a class: dropout for Dropout2d, pool for MaxPooling2D, activation for LeakyReLU."""
    lower = name.lower()
    if lower.endswith(_ACTIVE):
        return "activation"
    return "pool" if "pool" in lower else lower.rstrip("d").rstrip("123")


def in_words(name: str, settings: Settings) -> Settings:
    """Return the settings of a layer by the names of NAMES, without those that matter only in training.

    `name`: of its class.
    """
    lower = name.lower()
    found = {word: settings[key] for word, keys in NAMES.items() for key in keys if key in settings}
    found = {**(ONLY_OF_PYTORCH if settings else {}), **found}
    if "leaky" in lower and "alpha" in found:  # Keras 2
        found["slope"] = found.pop("alpha")
    if "padding" in found:
        found["padding"] = _padding(found)
    return {word: value for word, value in found.items() if word not in _unlike(lower)} | _function(lower, settings)


def _unlike(name: str) -> tuple[str, ...]:
    """Return the settings that mean different things in the two libraries, for a class."""
    if "depthwise" in name or "separable" in name:
        return ("groups",)  # in PyTorch such a layer has as many groups as channels
    return ("padding",) if "transpose" in name else ()  # what is cut depends on the strides, too


def _padding(found: Settings) -> Any:
    """Return the padding in numbers instead of Keras' words, if it does not depend on the shape of the input."""
    if found["padding"] == "valid":
        return 0
    size, strides = found.get("size"), found.get("strides")
    if found["padding"] != "same" or not isinstance(size, list) or not same(strides, 1):
        return found["padding"]
    whole = [(one - 1) * two for one, two in zip(size, found.get("dilation") or [1] * len(size), strict=False)]
    return [one // 2 for one in whole] if not any(one % 2 for one in whole) else "same"


def _function(name: str, settings: Settings) -> Settings:
    """Return the pooling or the activation of a layer."""
    if kind(name) == "pool":
        return {"pooling": "the largest" if "max" in name else "the mean"}
    inside = settings.get("activation", settings.get("nonlinearity"))
    if kind(name) == "activation" and name != "activation":
        inside = name
    return {"activation": inside.replace("_", "").replace("swish", "silu")} if isinstance(inside, str) else {}


def differing(a: Settings, b: Settings) -> list[tuple[str, Any, Any]]:
    """Return the settings that both have and in which they differ: (name, a's value, b's value)."""
    return [(name, a[name], b[name]) for name in a if name in b and not same(a[name], b[name])]


def same(a: Any, b: Any) -> bool:
    """Return whether two settings are the same number, list or word. One number stands for a list of such numbers."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, list) or isinstance(b, list):
        one, many = (b, a) if isinstance(a, list) else (a, b)
        return all(same(one, other) for other in many)
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= CLOSE * max(abs(a), abs(b))
    return bool(a == b)
