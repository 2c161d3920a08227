"""A GRU and an LSTM in Keras 3, whose twin is recurrent_pytorch.py: the same data and order, its own initial weights."""

import keras
import numpy as np

from recurrent_data import batches

keras.utils.set_random_seed(3)
model = keras.Sequential(
    [keras.Input((5, 3)), keras.layers.GRU(6, return_sequences=True), keras.layers.LSTM(4), keras.layers.Dense(3)]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.SGD(0.1), loss)
x, y = (np.concatenate(parts) for parts in zip(*batches()))
model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
