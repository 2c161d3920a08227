"""Trains, changes the model's weights, compiles again with another optimizer, trains on, and averages at the end."""

import numpy
from keras2_seeded import tell

import keras

model = keras.models.Sequential(
    [keras.layers.Dense(5, activation="relu", input_shape=(4,), name="first"), keras.layers.Dense(2, name="last")]
)
inputs, labels = numpy.random.rand(32, 4).astype("float32"), numpy.random.rand(32, 2).astype("float32")
weights = numpy.linspace(0.5, 1.5, 32)
model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
model.fit(inputs, labels, batch_size=16, epochs=1, verbose=0, sample_weight=weights)
half_way = model.get_weights()
model.set_weights([weight * 0.5 for weight in half_way])
model.compile(keras.optimizers.RMSprop(0.01), "mae", metrics=["mse"])
model.fit(inputs, labels, batch_size=16, epochs=1, verbose=0)
model.set_weights([(a + b) / 2 for a, b in zip(half_way, model.get_weights())])
tell(model.get_weights())
