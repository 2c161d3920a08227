"""Attention in Keras 3, whose twin is attention_pytorch.py: the same data and order, its own initial weights."""

import keras
import numpy as np

draw = np.random.RandomState(1)
batches = [(draw.normal(size=(8, 5, 6)).astype("float32"), draw.randint(0, 3, 8)) for _ in range(3)]
keras.utils.set_random_seed(3)
given = keras.Input((5, 6))
seen = keras.layers.MultiHeadAttention(2, 3)(given, given)
seen = keras.layers.Flatten()(seen)
model = keras.Model(given, keras.layers.Dense(3)(seen))
model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
x, y = (np.concatenate(parts) for parts in zip(*batches))
model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
