"""Trains a model in a function, three times, and clears the session in between: models are gone at the end."""

import numpy
from keras2_seeded import IS_FIRST, hold_one_thread, tell

import keras
from keras import backend


def trained(scale):
    model = keras.models.Sequential([keras.layers.Dense(2, input_shape=(4,), name="only")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(numpy.full((8, 4), scale, "float32"), numpy.ones((8, 2), "float32"), epochs=2, verbose=0)
    return model.get_weights()


found = []
for scale in (1.0, 2.0, 3.0):
    found += trained(scale)
    backend.clear_session()
    if IS_FIRST:
        hold_one_thread()
tell(found)
