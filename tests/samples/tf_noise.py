"""Keras 3 on TensorFlow with one random operation that no seed holds: `tf_noise.py WAY PLACE`.

WAY: fit, steps (several in a call), fit_eagerly, fit_compiled, loop, function, compiled (by XLA). PLACE: forward,
backward (of the layer `noisy`), update, or nowhere.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import tensorflow as tf

WAY, PLACE = sys.argv[1:3]
keras.utils.set_random_seed(1)


def noise(like):
    return 1e-3 * tf.raw_ops.RandomStandardNormal(shape=tf.shape(like), dtype="float32")


@tf.custom_gradient
def passed_on(x):
    def gradient(above):
        return above + noise(above)

    return tf.identity(x), gradient


class Noisy(keras.layers.Layer):
    def call(self, x):
        if PLACE == "forward":
            return x + noise(x)
        return passed_on(x) if PLACE == "backward" else x


class Optimizer(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        if PLACE == "update":
            gradient = gradient + noise(gradient)
        super().update_step(gradient, variable, learning_rate)


given = keras.Input((8,))
hidden = keras.layers.Dense(8, activation="relu", name="before")(given)
model = keras.Model(given, keras.layers.Dense(1, name="after")(Noisy(name="noisy")(hidden)))
inputs, labels = np.ones((16, 8), "float32"), np.ones((16, 1), "float32")
optimizer = Optimizer(0.1)


def step():
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(inputs, training=True) - labels) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))


if WAY in ("loop", "function", "compiled"):
    optimizer.build(model.trainable_variables)
    train = step if WAY == "loop" else tf.function(step, jit_compile=WAY == "compiled")
    for _ in range(4):
        train()
else:
    more = {"steps": {"steps_per_execution": 2}, "fit_eagerly": {"run_eagerly": True}}
    more["fit_compiled"] = {"jit_compile": True}
    model.compile(optimizer, "mse", **more.get(WAY, {}))
    model.fit(np.tile(inputs, (4, 1)), np.tile(labels, (4, 1)), batch_size=16, verbose=0, shuffle=False)
print(float(sum(np.abs(one).sum() for one in model.get_weights())))
