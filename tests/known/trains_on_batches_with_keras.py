import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras, numpy as np

keras.utils.set_random_seed(1)
m = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
m.compile("sgd", "mse")
for _ in range(5):
    m.train_on_batch(np.random.rand(10, 8), np.random.rand(10, 1))
