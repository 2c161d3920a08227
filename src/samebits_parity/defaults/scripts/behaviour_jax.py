"""Measures JAX, or flax with optax, on tiny inputs: `python behaviour_jax.py REQUEST.json ANSWER.json`.

Request and answer are those of `behaviour`; "classes" are full paths of functions and classes. `side` "flax"
takes flax.linen and optax where it is installed, "jax" what is in JAX alone. Python 3.6 and later; it imports nothing
of samebits.
"""

import functools
import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
from behaviour import Absent, main, outcome, parameters

SETTINGS = {"epsilon": "eps", "accumulator": "initial_accumulator_value", "beta2": "b2"}
LOSSES = {"mse": "squared_error", "mae": "absolute_error", "huber": "huber_loss",
          "categorical": "softmax_cross_entropy", "kl": "kl_divergence", "poisson": "poisson_nll_loss"}  # fmt: skip
CLIPS = {"clip_norm": "clip_by_global_norm", "clip_global": "clip_by_global_norm", "clip_value": "clip"}


def single(values):
    return jnp.asarray(values, "float32")


def flat(value):
    return [float(number) for number in np.ravel(value)]


def optax_of(side):
    if side != "flax":
        raise Absent("jax has no optimizers and losses")
    try:
        return importlib.import_module("optax")
    except ImportError:
        raise Absent("optax is not installed") from None


def linen_of(side):
    if side != "flax":
        raise Absent("jax has no layers")
    return importlib.import_module("flax.linen")


def called(kind, *inputs, **settings):
    """Return the result of the call. Raises Absent if it does not know a setting."""
    known = inspect.signature(kind).parameters
    for name in settings:
        if name not in known:
            raise Absent("%s has no %s" % (kind.__name__, name))
    return kind(*inputs, **settings)


def train(side, ask):
    optax = optax_of(side)
    settings, steps = {SETTINGS.get(name, name): value for name, value in ask["settings"].items()}, []
    for name, clip in CLIPS.items():
        if name in settings:
            steps.append(getattr(optax, clip)(settings.pop(name)))
    if not ask["rates"]:
        raise Absent("optax has no default rate")
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


def loss(side, ask):
    optax, settings = optax_of(side), dict(ask["settings"])
    if settings.pop("probabilities_only", False) or ask["loss"] == "bce":
        raise Absent("it takes logits")
    output = single(ask["output"])
    if settings.pop("as_logarithms", False):
        output = jnp.log(output)
    kind = getattr(optax, LOSSES[ask["loss"]], None) or getattr(optax.losses, LOSSES[ask["loss"]], None)
    if kind is None:
        raise Absent("optax has no %s" % LOSSES[ask["loss"]])
    return flat(called(kind, output, single(ask["target"]), **settings))


def convolve(side, ask):
    padding = "VALID" if ask["padding"] == "valid" else "SAME"
    row, kernel = single(ask["row"]).reshape(1, 1, -1), single(ask["kernel"]).reshape(1, 1, -1)
    return flat(jax.lax.conv_general_dilated(row, kernel, (ask["stride"],), padding))


def transpose(side, ask):
    row, kernel = single(ask["row"]).reshape(1, -1, 1), single(ask["kernel"]).reshape(-1, 1, 1)
    return flat(jax.lax.conv_transpose(row, kernel, (ask["stride"],), "SAME", dimension_numbers=("NHC", "HIO", "NHC")))


def pool(side, ask):
    linen = linen_of(side)
    kind = linen.max_pool if ask["kind"] == "max" else linen.avg_pool
    return flat(kind(single(ask["row"]).reshape(1, -1, 1), (ask["size"],), (ask["stride"],), "SAME"))


def begun(layer, *inputs):
    """Return the variables of a layer."""
    return layer.init(jax.random.PRNGKey(1), *inputs)


def batch_norm(side, ask):
    settings = {"momentum": ask["momentum"]} if "momentum" in ask else {}
    layer = linen_of(side).BatchNorm(use_running_average=False, **settings)
    inputs = single(ask["inputs"]).reshape((2, 1, 2, 1) if ask["image"] else (-1, 1))
    outputs, state = layer.apply(begun(layer, inputs), inputs, mutable=["batch_stats"])
    return flat(state["batch_stats"]["mean"]) + flat(state["batch_stats"]["var"]) + flat(outputs)


def normed(layer, inputs):
    return flat(layer.apply(begun(layer, single([inputs])), single([inputs])))


def layer_norm(side, ask):
    return normed(linen_of(side).LayerNorm(), ask["inputs"])


def group_norm(side, ask):
    return normed(linen_of(side).GroupNorm(num_groups=1), ask["inputs"])


def deviation(side, ask):
    return flat(jnp.std(single(ask["row"])))


def activation(side, ask):
    if ask["name"] == "prelu":
        return normed(linen_of(side).PReLU(), ask["points"])
    return flat(getattr(jax.nn, ask["name"])(single(ask["points"])))


def start(side, ask):
    linen = linen_of(side)
    if ask["layer"] == "lstm":
        raise Absent("its gates have biases of their own")
    layer, inputs, name = {
        "dense": lambda: (linen.Dense(16), jnp.ones((1, 4)), "bias"),
        "convolution": lambda: (linen.Conv(16, (3, 3)), jnp.ones((1, 5, 5, 2)), "bias"),
        "embedding": lambda: (linen.Embed(1000, 4), jnp.ones((1, 3), "int32"), "embedding"),
    }[ask["layer"]]()
    return flat(begun(layer, inputs)["params"][name])


def spread(side, ask):
    linen = linen_of(side)
    if ask["layer"] not in ("dense", "convolution"):
        raise Absent("its gates have kernels of their own")
    layer, inputs = {
        "dense": lambda: (linen.Dense(300), jnp.ones((1, 100))),
        "convolution": lambda: (linen.Conv(40, (3, 3)), jnp.ones((1, 5, 5, 20))),
    }[ask["layer"]]()
    kernel = np.asarray(begun(layer, inputs)["params"]["kernel"], float)
    return [float(np.abs(kernel).max()), float(kernel.std()), 1.0]


def dropout(side, ask):
    ones, kind = jnp.ones(ask["count"]), linen_of(side).Dropout
    trained = kind(ask["share"], deterministic=False).apply({}, ones, rngs={"dropout": jax.random.PRNGKey(1)})
    return [float(trained.max()), float(kind(ask["share"], deterministic=True).apply({}, ones).max())]


def upsample(side, ask):
    row = single(ask["row"])
    return flat(jax.image.resize(row, (2 * len(row),), ask["kind"]))


DO = {do.__name__: do for do in (train, loss, convolve, transpose, pool, batch_norm, layer_norm, group_norm, deviation,
                                 activation, start, spread, dropout, upsample)}  # fmt: skip
NOT_THERE = {"penalty": "a penalty is written by hand", "recurrent": "its gates have weights of their own",
             "bias_step": "its gates have biases of their own", "epoch": "it has no training loop",
             "flatten": "arrays are reshaped by hand"}  # fmt: skip


def measure(side, ask):
    if ask["do"] in NOT_THERE:
        raise Absent(NOT_THERE[ask["do"]])
    return DO[ask["do"]](side, ask)


def signature(side, path):
    package, _, rest = path.partition(".")
    if side == "jax" and package != "jax":
        return None
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
    return (
        importlib.import_module(side).__version__,
        lambda ask: outcome(lambda: measure(side, ask)),
        functools.partial(signature, side),
    )


if __name__ == "__main__":
    main(prepare)
