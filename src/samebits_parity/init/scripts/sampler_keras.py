"""Draws initial weights with Keras 2, Keras 3 or tf.keras. Called as `sampler` says."""

import json
import random
import sys

import numpy as np
from sampler import main


class Library(object):
    """Keras as `initializers` and `layers`, with TensorFlow beside it as `tf`."""

    def __init__(self, side):
        if side == "tf.keras":
            import tensorflow

            self.keras = tensorflow.keras
        else:
            import keras

            self.keras = keras
        self.initializers, self.layers = self.keras.initializers, self.keras.layers
        self.old = self.keras.__version__.startswith("2.")
        self.tf = self.version = None
        backend = self.keras.backend.backend()
        if backend == "tensorflow":
            import tensorflow

            self.tf = tensorflow
        self.version = "%s (%s %s)" % (self.keras.__version__, backend, __import__(backend).__version__)

    def seed(self, seed):
        """Every generator that an initializer may use. Keras 3 draws the seed of one that has none with random."""
        random.seed(seed)
        np.random.seed(seed)
        if self.old:
            self.keras.backend.clear_session()
            self.tf.compat.v1.set_random_seed(seed)

    def array(self, value):
        """A tensor as a numpy array."""
        if not self.old:
            return self.keras.ops.convert_to_numpy(value)
        if isinstance(value, np.ndarray):  # Keras 2's orthogonal
            return value
        return value.numpy() if hasattr(value, "numpy") else self.keras.backend.get_session().run(value)

    def draw(self, thing, case, seed):
        """[(name, array)] of one draw."""
        self.seed(seed)
        if case["layer"]:
            return self._layer(thing(**case["arguments"]), case["shape"])
        try:
            maker = thing(seed=seed, **case["arguments"])
        except TypeError:  # zeros, ones, identity
            maker = thing(**case["arguments"])
        return [("", self.array(maker(tuple(case["shape"]))))]

    def _layer(self, layer, shape):
        if self.old:
            layer(self.layers.Input(tuple(shape)))
        else:
            layer.build((None,) + tuple(shape))
        names = [weight.name.split("/")[-1].split(":")[0] for weight in layer.weights]
        pairs = zip(names, layer.get_weights())
        return [(name, value) for name, value in pairs if value.dtype.kind == "f"]


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        library = Library(json.load(file)["side"])
    main(library, library.draw, library.version)
