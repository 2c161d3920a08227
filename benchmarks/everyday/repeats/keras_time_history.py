"""A callback of Keras that keeps the time of each epoch; the history goes to JSON."""
import json
import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(7)
tf.config.experimental.enable_op_determinism()


class TimeHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.times = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_time_start = time.time()

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(time.time() - self.epoch_time_start)


x = np.random.rand(600, 12).astype("float32")
y = x.sum(axis=1)
model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
model.compile("sgd", "mse")
time_callback = TimeHistory()
history = model.fit(x, y, epochs=3, batch_size=50, callbacks=[time_callback], verbose=2)
history.history["times"] = time_callback.times
json.dump(history.history, open("history.json", "w"))
model.save("model.keras")
