import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras, numpy as np

keras.utils.set_random_seed(1)
x = np.random.rand(40, 8).astype("float32")
y = np.arange(40) % 2
m = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
m.compile("adam", "binary_crossentropy")
m.fit(x, y, epochs=1, batch_size=10, verbose=0, validation_split=0.2)
m.save("model.keras")
