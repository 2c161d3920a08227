"""Measures optax, if it is installed, on tiny inputs: `python behaviour_jax.py REQUEST.json ANSWER.json`.

Request and answer are those of `exchange`; "classes" are full paths of functions and classes of flax, optax and JAX.
Python 3.6 and later; it imports nothing of samebits.
"""

import importlib
import inspect

import jax.numpy as jnp
from exchange import Absent, course, first_of, flat, main, measured, parameters, refuse_unknown, single

SETTINGS = {"epsilon": "eps", "accumulator": "initial_accumulator_value"}
DEFAULTS = {"rate": "learning_rate", "beta1": "b1", "beta2": "b2", "epsilon": "eps", "rho": "decay",
            "decay": "weight_decay"}  # fmt: skip
LOSSES = {"mse": "squared_error", "mae": "absolute_error", "huber": "huber_loss",
          "categorical": "softmax_cross_entropy", "kl": "kl_divergence", "poisson": "poisson_nll_loss"}  # fmt: skip
CLIPS = {"clip_norm": "clip_by_global_norm", "clip_global": "clip_by_global_norm", "clip_value": "clip"}


def installed_optax():
    try:
        return importlib.import_module("optax")
    except ImportError:
        raise Absent("optax is not installed") from None


def called(kind, *inputs, **settings):
    """Return the result of the call. Raises Absent if it does not know a setting."""
    refuse_unknown(kind, kind, settings)
    return kind(*inputs, **settings)


def train(ask):
    optax = installed_optax()
    settings, steps = {SETTINGS.get(name, name): value for name, value in ask["settings"].items()}, []
    for name, clip in CLIPS.items():
        if name in settings:
            steps.append(getattr(optax, clip)(settings.pop(name)))
    if ask["optimizer"] == "rmsprop" and "rho" in settings:
        settings["decay"] = settings.pop("rho")
    rates = jnp.asarray(single(ask["rates"]))
    stepping = called(getattr(optax, ask["optimizer"]), learning_rate=lambda count: rates[count], **settings)
    optimizer = optax.chain(*steps, stepping)
    weights = [jnp.asarray(single(start)) for start in ask["start"]]
    state = optimizer.init(weights)

    def take(gradients, rate):
        nonlocal weights, state
        updates, state = optimizer.update([single(gradient) for gradient in gradients], state, weights)
        weights = optax.apply_updates(weights, updates)
        return weights

    return course(ask, take)


def loss(ask):
    optax, settings = installed_optax(), dict(ask["settings"])
    if settings.pop("probabilities_only", False) or ask["loss"] == "bce":
        raise Absent("it takes logits")
    output = jnp.asarray(single(ask["output"]))
    if settings.pop("as_logarithms", False):
        output = jnp.log(output)
    name = LOSSES[ask["loss"]]
    kind = first_of(optax if hasattr(optax, name) else optax.losses, name)
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


def answer(request):
    return measured(request, importlib.import_module(request["side"]).__version__, DO, signature)


if __name__ == "__main__":
    main(answer)
