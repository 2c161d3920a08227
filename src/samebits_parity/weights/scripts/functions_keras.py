"""Activations of Keras that a model calls as functions: keras.ops.relu(x), keras.activations.relu(x), K.relu(x)."""

import functools
import sys

# the function with which Keras computes it -> the name of the activation
NAMES = {
    "relu": "relu", "leaky_relu": "leaky_relu", "elu": "elu", "selu": "selu", "gelu": "gelu", "sigmoid": "sigmoid",
    "tanh": "tanh", "softmax": "softmax", "softplus": "softplus", "silu": "silu", "softsign": "softsign",
    "hard_sigmoid": "hard_sigmoid",
}  # fmt: skip
SLOPES = {"leaky_relu": "negative_slope", "relu": "alpha"}  # the second in Keras 2


class CalledActivations:
    """The activations that are called outside of layers of known kinds, each with the layer that ran just before it."""

    def __init__(self):
        self.called, self.within, self.last, self.changed = [], 0, None, set()

    def clear(self):
        del self.called[:]
        self.last = None

    def watch(self):
        """Watch the functions that have been imported."""
        for owner in owners():
            for name in NAMES:
                if hasattr(owner, name) and (owner.__name__, name) not in self.changed:
                    self.changed.add((owner.__name__, name))
                    setattr(owner, name, self.watched(name, getattr(owner, name)))

    def watched(self, name, original):
        @functools.wraps(original)
        def replaced(*args, **kwargs):
            outermost, self.within = not self.within, self.within + 1
            try:
                return original(*args, **kwargs)
            finally:
                self.within -= 1
                if outermost:
                    self.called.append((self.last, name, settings_of(name, args, kwargs)))

        return replaced

    def running(self, layer, known, call):
        """Call a layer. `known`: whether its kind is known; if so, activations that it calls are a part of it."""
        self.within += known
        try:
            return call()
        finally:
            self.within -= known
            self.last = id(layer)

    def after(self, key):
        """Return the activations that ran just after a layer (None: before all layers), as layers."""
        return [{"name": name, "class": "a function", "kind": "activation", "settings": settings, "roles": {},
                 "input_shape": None, "output_shape": None, "refused": ""}
                for last, name, settings in self.called if last == key]  # fmt: skip


def owners():
    """Return the modules in which Keras finds what computes an activation."""
    keras = sys.modules.get("keras")
    if keras is None:
        return []
    if keras.__version__.startswith("2."):
        return [keras.backend]
    backend = sys.modules["keras.src.backend"]
    return [backend.nn, backend.numpy]


def settings_of(name, args, kwargs):
    """Return the settings of a call, in the words of an activation layer."""
    settings, given = {"function": NAMES[name]}, args[1] if len(args) > 1 else None
    slope = kwargs.get(SLOPES.get(name), given)
    if name in SLOPES and slope:
        settings = {"function": "leaky_relu", "slope": round(float(slope), 7)}
    if name == "elu":
        settings["alpha"] = round(float(kwargs.get("alpha", 1.0 if given is None else given)), 7)
    if name == "gelu":
        settings["approximate"] = "tanh" if kwargs.get("approximate", given) else "none"
    return settings
