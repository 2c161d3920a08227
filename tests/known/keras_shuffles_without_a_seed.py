import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras, numpy as np

keras.utils.set_random_seed(1)
x = np.linspace(0, 1, 400, dtype="float32").reshape(50, 8)
y = np.arange(50) % 2
m = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(6), keras.layers.Dense(1, activation="sigmoid")])
m.compile("adam", "binary_crossentropy")
order = np.random.default_rng().permutation(50)
m.fit(x[order], y[order], epochs=1, batch_size=10, verbose=0, shuffle=False)
