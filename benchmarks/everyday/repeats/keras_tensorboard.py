"""The TensorBoard callback of Keras, in logs/fit/<date>."""
import datetime
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(1)
tf.config.experimental.enable_op_determinism()
x = np.random.rand(512, 8).astype("float32")
y = (x[:, 0] > x[:, 1]).astype("int32")
model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
log_dir = "logs/fit/" + datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
board = keras.callbacks.TensorBoard(log_dir=log_dir, write_graph=False)
model.fit(x, y, epochs=2, validation_split=0.2, callbacks=[board], verbose=2)
