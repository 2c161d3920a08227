"""The end of Keras 3: every variable that was made, whoever made it, and what layers hold in plain attributes.

Left out are the variables of metrics (they leave a run by what is printed or saved, and an evaluation changes them) and
the states of seed generators (random states, which are seen where they are used).
"""

import sys

from ..plain_attributes import PlainAttributes
from ..remains import leave_out, remains_of, tell_after, tell_death, tell_new
from .models import is_seed

_LIBRARIES = ("keras", "tensorflow", "torch", "jax", "flax")


def watch_ends(module, probe, backend):
    """Follow the variables and layers of the Keras that has been imported. Returns the `Remains`."""
    remains = remains_of(probe)
    layers = LayerAttributes(probe, module.layers.Layer, backend)
    variable = _first_owner(module.Variable, "_deferred_initialize")

    def made(one):
        remains.add(one, lambda owner: _variable(owner, backend.read))
        remains.exits_first()

    tell_new(variable, made)
    for owner, method in ((variable, "__init__"), (module.Variable, "_deferred_initialize")):
        tell_after(owner, method, lambda one: remains.drop(getattr(one, "_value", None)))
    tell_death(variable, remains.died)
    tell_new(module.layers.Layer, lambda layer: remains.add(layer, layers.of))
    tell_death(module.layers.Layer, remains.died)
    leave_out(module.metrics.Metric, "add_variable", remains.drop)
    return remains


def _first_owner(kind, name):
    """The class furthest from `kind` that defines a method."""
    return next(one for one in reversed(kind.__mro__) if name in one.__dict__)


def _variable(variable, read):
    """[(path, array)] of a variable that has a value."""
    if is_seed(variable) or getattr(variable, "_value", None) is None:
        return []
    array = read(variable)
    return [(str(variable.path), array)] if array is not None else []


class LayerAttributes:
    """Reads what layers hold beside their variables."""

    def __init__(self, probe, layer_class, backend):
        self._class, self._backend = layer_class, backend
        self._attributes = PlainAttributes(probe, _LIBRARIES, backend.has_value, backend.array)

    def of(self, layer):
        """[(name, array)] of a layer: plain attributes, the words that it looks up, what torch knows and Keras not."""
        own = vars(layer)
        name = str(own.get("_path") or own.get("name") or own.get("_name") or type(layer).__name__)
        found = self._attributes.of(layer, name) + self._vocabulary(layer, name)
        if hasattr(self._backend, "beside") and "_modules" in own and hasattr(layer, "_tracker"):
            beside = self._backend.beside(layer, lambda child: isinstance(child, self._class))
            found += [("%s.%s" % (name, key), self._backend.array(tensor)) for key, tensor in beside]
        return found

    def _vocabulary(self, layer, name):
        if not hasattr(layer, "lookup_table") or not type(layer).__module__.startswith("keras."):
            return []
        words = layer.get_vocabulary()
        return [(name + ".vocabulary", sys.modules["numpy"].array([str(word) for word in words], dtype=object))]
