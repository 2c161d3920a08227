"""Activations of PyTorch that a model calls as functions: F.relu(x), torch.relu(x), x.relu()."""

import functools
import sys

# name in torch.nn.functional, in torch or of a tensor -> (Keras' name, {place of a setting: its name})
NAMES = {
    "relu": ("relu", {}), "leaky_relu": ("leaky_relu", {1: "slope"}), "elu": ("elu", {1: "alpha"}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {}), "sigmoid": ("sigmoid", {}), "tanh": ("tanh", {}), "softmax": ("softmax", {}),
    "softplus": ("softplus", {}), "silu": ("silu", {}), "softsign": ("softsign", {}),
    "hardsigmoid": ("hard_sigmoid", {}),
}  # fmt: skip
KEYWORDS = {"negative_slope": "slope", "alpha": "alpha", "approximate": "approximate"}
DEFAULTS = {"leaky_relu": {"slope": 0.01}, "elu": {"alpha": 1.0}, "gelu": {"approximate": "none"}}


def settings_of(name, args, kwargs):
    """Return the settings of a call, in the words of an activation layer."""
    function, places = NAMES[name]
    settings = dict({"function": function}, **DEFAULTS.get(name, {}))
    settings.update({ours: args[place] for place, ours in places.items() if place < len(args)})
    settings.update({KEYWORDS[key]: value for key, value in kwargs.items() if key in KEYWORDS})
    return settings


class ActivationCalls:
    """While the context is entered, it reports each activation that is called as a function, but no calls inside of
    such a call. It calls `told(name, settings)`.
    """

    def __init__(self, torch, model, told):
        self.told, self.inside, self.changed = told, False, []
        self.owners = [torch.nn.functional, torch, torch.Tensor]
        self.users = {sys.modules.get(type(module).__module__) for module in model.modules()} - {None}

    def watched(self, name, original):
        @functools.wraps(original)
        def replaced(*args, **kwargs):
            if self.inside:
                return original(*args, **kwargs)
            self.inside = True
            try:
                result = original(*args, **kwargs)
            finally:
                self.inside = False
            self.told(name, settings_of(name, args, kwargs))
            return result

        return replaced

    def replace(self, owner, attribute, value):
        self.changed.append((owner, attribute, vars(owner).get(attribute)))
        setattr(owner, attribute, value)

    def __enter__(self):
        known = [pair for name in NAMES for owner in self.owners for pair in self.replaced(owner, name)]
        for module in self.users:  # modules that may have imported a function by name
            for attribute, value in list(vars(module).items()):
                there = [new for old, new in known if value is old and not module.__name__.startswith("torch")]
                if there:
                    self.replace(module, attribute, there[0])
        return self

    def replaced(self, owner, name):
        """Return [(a function of an owner, its replacement)], and the same for the version that works in place."""
        found = []
        for attribute in (name, name + "_"):
            original = getattr(owner, attribute, None)
            if original is not None:
                found.append((original, self.watched(name, original)))
                self.replace(owner, attribute, found[-1][1])
        return found

    def __exit__(self, *error):
        for owner, attribute, value in reversed(self.changed):
            if value is None:
                delattr(owner, attribute)  # it was inherited
            else:
                setattr(owner, attribute, value)
        del self.changed[:]
