"""Feeds a batch of the wrong shape after two good steps, catches what Keras raises, and prints it."""

import numpy
from keras2_seeded import tell

import keras

model = keras.models.Sequential([keras.layers.Dense(2, input_shape=(4,), name="only")])
model.compile(keras.optimizers.SGD(0.1), "mse")
good = numpy.ones((8, 4), "float32"), numpy.ones((8, 2), "float32")
model.train_on_batch(*good)
model.train_on_batch(*good)
try:
    model.train_function([numpy.ones((8, 5), "float32"), good[1], numpy.ones(8, "float32")])
except Exception as error:
    print(type(error).__name__)
model.train_on_batch(*good)
tell(model.get_weights())
