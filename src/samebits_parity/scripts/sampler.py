"""Draws initial weights with the library of a side.

It runs under that side's interpreter: Python 3.6 or later, with numpy.

    python sampler.py REQUEST.json ANSWER.json

Reads the request {"cases": [{"path", "arguments", "shape", "layer", "size"}, ...], "side", "seed", "out"}; writes the
answer {"version", "cases": [...]}, one for each case in their order: {"weights": [{"name", "shape", "file"}], "doc",
"defaults"}, {"absent": true}, or {"error"}. A file holds an array (draws, *shape), float32.
"""

import inspect
import os
import random

import numpy as np
from exchange import at, main

FEWEST = 2**14  # the least number of values of a weight to keep, if it is drawn several times


def answer(request):
    """Return the answer to a request."""
    library, draw, version = _library(request["side"])
    cases = [_answer(library, draw, case, number, request) for number, case in enumerate(request["cases"])]
    return {"version": version, "cases": cases}


def _library(side):
    """Return (where the paths of cases begin, `draw(thing, case, seed)`, the version).

    `draw` returns [(name, array)] of a thing once.
    """
    if side.startswith("pytorch"):
        import torch

        return torch, _draw_pytorch, torch.__version__
    if side == "jax":
        import jax

        return jax, _draw_jax, jax.__version__
    if side == "flax":
        import flax
        import flax.linen
        import jax

        return flax, _draw_flax, "%s (jax %s)" % (flax.__version__, jax.__version__)
    keras = Keras(side)
    return keras, keras.draw, keras.version


def _answer(library, draw, case, number, request):
    things = [at(library, path) for path in case["path"].split("|")]
    thing = next((one for one in things if one is not None), None)
    if thing is None:
        return {"absent": True}
    try:
        kept = _drawn(draw, thing, case, request["seed"] + 1000 * number)
    except Exception as why:
        return {"error": "%s: %s" % (type(why).__name__, str(why)[:300])}
    weights = []
    for place, (name, arrays) in enumerate(kept):
        file = os.path.join(request["out"], "%d-%d.npy" % (number, place))
        np.save(file, np.stack(arrays))
        weights.append({"name": name, "shape": list(arrays[0].shape), "file": file})
    return {"weights": weights, "doc": inspect.getdoc(thing) or "", "defaults": defaults(thing)}


def _drawn(draw, thing, case, seed):
    """Return [(name, arrays)] of as many draws as the case needs, counted in values or in layers."""
    kept = []
    count = 0
    while True:
        once = draw(thing, case, seed + count)
        if not kept:
            kept = [(name, []) for name, _ in once]
        for (_, arrays), (_, array) in zip(kept, once):
            if not arrays or arrays[0].size * len(arrays) < (FEWEST if case["layer"] else max(case["size"], FEWEST)):
                arrays.append(np.asarray(array, np.float32))
        count += 1
        done = count >= case["size"] if case["layer"] else sum(a.size for a in kept[0][1]) >= case["size"]
        if done:
            return kept


def defaults(thing):
    """Return {argument: default} from the signature. Defaults that JSON cannot hold are left out."""
    maker = thing.__init__ if inspect.isclass(thing) else thing
    maker = getattr(maker, "_original_function", maker)  # Keras 2's decorator for names of Keras 1
    try:
        parameters = inspect.signature(maker).parameters.values()
    except (TypeError, ValueError):
        return {}
    plain = (str, int, float, bool, type(None))
    return {p.name: p.default for p in parameters if p.default is not p.empty and isinstance(p.default, plain)}


def _draw_pytorch(thing, case, seed):
    import torch

    torch.manual_seed(seed)
    if case["layer"]:
        state = thing(**case["arguments"]).state_dict()
        return [(name, value.numpy()) for name, value in state.items() if value.is_floating_point()]
    tensor = torch.empty(*case["shape"])
    thing(tensor, **case["arguments"])
    return [("", tensor.numpy())]


def _draw_jax(thing, case, seed):
    import jax

    key = jax.random.PRNGKey(seed)
    ready = "key" in inspect.signature(thing).parameters  # zeros, ones: not made by a maker
    maker = thing if ready else thing(**case["arguments"])
    return [("", maker(key, tuple(case["shape"]), "float32"))]


def _draw_flax(thing, case, seed):
    import jax

    fed = jax.numpy.zeros([1] + case["shape"], "int32" if thing.__name__ == "Embed" else "float32")
    variables = thing(**case["arguments"]).init(jax.random.PRNGKey(seed), fed)
    return [(name, value) for part in variables.values() for name, value in part.items()]


class Keras(object):
    """Keras as `initializers` and `layers`, with TensorFlow beside it as `tf`."""

    def __init__(self, side):
        from behaviour_keras import library

        self.keras, self.is_new = library(side)
        self.initializers, self.layers = self.keras.initializers, self.keras.layers
        backend = self.keras.backend.backend()
        self.tf = __import__("tensorflow") if backend == "tensorflow" else None
        self.version = "%s (%s %s)" % (self.keras.__version__, backend, __import__(backend).__version__)

    def seed(self, seed):
        """Seed every generator that an initializer may use.

        If an initializer has no seed, Keras 3 draws one with `random`.
        """
        random.seed(seed)
        np.random.seed(seed)
        if not self.is_new:
            self.keras.backend.clear_session()
            self.tf.compat.v1.set_random_seed(seed)

    def array(self, value):
        """Return a tensor as a numpy array."""
        if self.is_new:
            return self.keras.ops.convert_to_numpy(value)
        if isinstance(value, np.ndarray):  # Keras 2's orthogonal
            return value
        return value.numpy() if hasattr(value, "numpy") else self.keras.backend.get_session().run(value)

    def draw(self, thing, case, seed):
        """Return [(name, array)] of one draw."""
        self.seed(seed)
        if case["layer"]:
            return self._layer(thing(**case["arguments"]), case["shape"])
        try:
            maker = thing(seed=seed, **case["arguments"])
        except TypeError:  # zeros, ones, identity
            maker = thing(**case["arguments"])
        return [("", self.array(maker(tuple(case["shape"]))))]

    def _layer(self, layer, shape):
        if not self.is_new:
            layer(self.layers.Input(tuple(shape)))
        else:
            layer.build((None,) + tuple(shape))
        names = [weight.name.split("/")[-1].split(":")[0] for weight in layer.weights]
        pairs = zip(names, layer.get_weights())
        return [(name, value) for name, value in pairs if value.dtype.kind == "f"]


if __name__ == "__main__":
    main(answer)
