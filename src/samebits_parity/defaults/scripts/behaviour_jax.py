"""Measures optax, if it is installed, on tiny inputs: `python behaviour_jax.py REQUEST.json ANSWER.json`.

Request and answer are those of `behaviour`; "classes" are full paths of functions and classes of flax, optax and JAX.
Python 3.6 and later; it imports nothing of samebits.
"""

import importlib
import inspect

import jax.numpy as jnp
import numpy as np
from behaviour import Absent, main, outcome, parameters

SETTINGS = {"epsilon": "eps", "accumulator": "initial_accumulator_value"}
DEFAULTS = {"rate": "learning_rate", "beta1": "b1", "beta2": "b2", "epsilon": "eps", "rho": "decay",
            "decay": "weight_decay"}  # fmt: skip
LOSSES = {"mse": "squared_error", "mae": "absolute_error", "huber": "huber_loss",
          "categorical": "softmax_cross_entropy", "kl": "kl_divergence", "poisson": "poisson_nll_loss"}  # fmt: skip
CLIPS = {"clip_norm": "clip_by_global_norm", "clip_global": "clip_by_global_norm", "clip_value": "clip"}


def single(values):
    return jnp.asarray(values, "float32")


def flat(value):
    return [float(number) for number in np.ravel(value)]


def installed_optax():
    try:
        return importlib.import_module("optax")
    except ImportError:
        raise Absent("optax is not installed") from None


def called(kind, *inputs, **settings):
    """Return the result of the call. Raises Absent if it does not know a setting."""
    known = inspect.signature(kind).parameters
    for name in settings:
        if name not in known:
            raise Absent("%s has no %s" % (kind.__name__, name))
    return kind(*inputs, **settings)


def train(ask):
    optax = installed_optax()
    settings, steps = {SETTINGS.get(name, name): value for name, value in ask["settings"].items()}, []
    for name, clip in CLIPS.items():
        if name in settings:
            steps.append(getattr(optax, clip)(settings.pop(name)))
    if ask["optimizer"] == "rmsprop" and "rho" in settings:
        settings["decay"] = settings.pop("rho")
    rates = single(ask["rates"])
    stepping = called(getattr(optax, ask["optimizer"]), learning_rate=lambda count: rates[count], **settings)
    optimizer = optax.chain(*steps, stepping)
    weights, numbers = [single(start) for start in ask["start"]], []
    state = optimizer.init(weights)
    for gradients in ask["gradients"]:
        updates, state = optimizer.update([single(gradient) for gradient in gradients], state, weights)
        weights = optax.apply_updates(weights, updates)
        numbers += [number for weight in weights for number in flat(weight)]
    return numbers


def loss(ask):
    optax, settings = installed_optax(), dict(ask["settings"])
    if settings.pop("probabilities_only", False) or ask["loss"] == "bce":
        raise Absent("it takes logits")
    output = single(ask["output"])
    if settings.pop("as_logarithms", False):
        output = jnp.log(output)
    kind = getattr(optax, LOSSES[ask["loss"]], None) or getattr(optax.losses, LOSSES[ask["loss"]], None)
    if kind is None:
        raise Absent("optax has no %s" % LOSSES[ask["loss"]])
    return flat(called(kind, output, single(ask["target"]), **settings))


def setting(ask):
    """Return the default of an argument."""
    name = DEFAULTS[ask["setting"]]
    value = inspect.signature(getattr(installed_optax(), ask["optimizer"])).parameters[name].default
    if not isinstance(value, (int, float)):
        raise Absent("%s has no default %s" % (ask["optimizer"], name))
    return [float(value)]


def penalty(ask):
    raise Absent("a penalty is written by hand")


DO = {"train": train, "setting": setting, "penalty": penalty, "loss": loss}


def signature(path):
    package, _, rest = path.partition(".")
    try:
        place = importlib.import_module(package)
        if rest.startswith("linen."):  # a module that flax does not import by itself
            importlib.import_module("flax.linen")
        for name in rest.split("."):
            place = getattr(place, name)
    except (ImportError, AttributeError):
        return None
    return parameters(place, plain)


def plain(value):
    """Write a value as Python does, without an address."""
    if callable(value):
        return getattr(value, "__name__", "a function")
    return type(value).__name__ if " at 0x" in repr(value) else repr(value)


def prepare(side):
    return importlib.import_module(side).__version__, lambda ask: outcome(lambda: DO[ask["do"]](ask)), signature


if __name__ == "__main__":
    main(prepare)
