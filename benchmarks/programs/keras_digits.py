"""Keras 3, on the backend that KERAS_BACKEND names: `fit` on digits of scikit-learn."""

import sys

import keras
from sklearn.datasets import load_digits

if "--no-seed" not in sys.argv:
    keras.utils.set_random_seed(5)
images, labels = load_digits(return_X_y=True)
model = keras.Sequential(
    [keras.layers.Dense(128, activation="relu"), keras.layers.Dropout(0.2), keras.layers.Dense(10)]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(images / 16, labels, batch_size=32, epochs=2, verbose=0)
