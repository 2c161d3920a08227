"""What layers of Keras 3 return within a train step, and what layers and optimizers are set to.

Both for `samebits parity train`, and the first for `samebits locate`. On JAX layers run inside a transformed function:
nothing of them is given out of it, but for `locate` their values are found in its trace (`jax_inspection`).
"""

import functools

from ... import wire
from .loops import is_symbolic
from .points import named_leaves


def watch_layers(layer_class, probe, hooks, is_leaf):
    """Wrap `Layer.__call__` where what layers return is asked for; else it stays as it is.

    On PyTorch a layer is a module too, and `pytorch/inspection.py` sees it.
    """
    is_looked_into = probe.details is not None and "torch" not in layer_class.__mro__[1].__module__
    if not is_looked_into and (probe.values is None or not probe.values.layers):
        return
    original = layer_class.__call__

    @functools.wraps(original)
    def __call__(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        collected = hooks.collected
        if collected is not None and not is_symbolic(args, kwargs):
            named = probe.guard("values of a layer", named_leaves, wire.LAYER + self.name, result, is_leaf)
            probe.guard("values of a layer", collected.returned, self, named or [])
        return result

    layer_class.__call__ = __call__


def tell(probe, read, model, optimizers):
    """Write what the optimizers and the layers of a model are set to, where that is new. `read`: of a variable."""
    for number, optimizer in enumerate(optimizers or [model.optimizer]):
        if optimizer is not None:
            weights = [one.path for one in getattr(optimizer, "_trainable_variables", [])]
            facts = {"type": type(optimizer).__name__, "library": "keras", "groups": [_settings(optimizer, read)]}
            facts["groups"][0]["weights"] = weights
            probe.values.about(probe, "optimizer", str(number or ""), facts)
    for layer in model._flatten_layers(include_self=False) if probe.step == 0 else []:
        own = [one.path for one in layer.variables] if not getattr(layer, "_layers", None) else []
        probe.values.about(
            probe, "layer", layer.name, {"type": type(layer).__name__, "weights": own, "settings": _config(layer)}
        )


def _settings(optimizer, read):
    """Plain settings of an optimizer. Its `get_config` is not asked: on JAX variables have no values of their own."""
    found = {key: value for key, value in vars(optimizer).items() if not key.startswith("_") and _is_plain(value)}
    rate = getattr(optimizer, "_learning_rate", None)
    if hasattr(rate, "assign"):
        found["learning_rate"] = float(read(rate))
    return found


def _config(layer):
    """The settings that are numbers, words or lists of them; none where the program's class tells none."""
    try:
        found = layer.get_config()
    except NotImplementedError:
        return {}
    return {key: value for key, value in found.items() if _is_plain(value)}


def _is_plain(value):
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))
