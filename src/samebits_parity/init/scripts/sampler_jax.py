"""Draws initial weights with JAX or flax. Called as `sampler` says."""

import inspect
import json
import sys

import jax
from sampler import main


def initialized(thing, case, seed):
    """[(name, array)] of an initializer once."""
    key = jax.random.PRNGKey(seed)
    ready = "key" in inspect.signature(thing).parameters  # zeros, ones: not made by a maker
    maker = thing if ready else thing(**case["arguments"])
    return [("", maker(key, tuple(case["shape"]), "float32"))]


def built(thing, case, seed):
    """[(name, array)] of a flax layer once."""
    fed = jax.numpy.zeros([1] + case["shape"], "int32" if thing.__name__ == "Embed" else "float32")
    variables = thing(**case["arguments"]).init(jax.random.PRNGKey(seed), fed)
    return [(name, value) for part in variables.values() for name, value in part.items()]


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        side = json.load(file)["side"]
    if side == "flax":
        import flax
        import flax.linen

        main(flax, built, "%s (jax %s)" % (flax.__version__, jax.__version__))
    else:
        main(jax, initialized, jax.__version__)
