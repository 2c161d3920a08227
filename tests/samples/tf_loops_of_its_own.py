"""Trains a small model in TensorFlow loops of its own, in each way that the arguments name; prints what came out."""

import hashlib
import sys

import numpy as np
import tensorflow as tf

keras = tf.keras
L = keras.layers


class Training:
    def __init__(self):
        layers = [L.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.Flatten()]
        self.model = keras.Sequential(layers + [L.Dropout(0.3), L.Dense(3)])
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.one, self.two = keras.optimizers.Adam(), keras.optimizers.SGD(0.1)
        self.traces = 0

    def gradients(self, x, y):
        x = x + 0.01 * tf.random.normal(tf.shape(x))
        with tf.GradientTape() as tape:
            loss = self.loss(y, self.model(x, training=True))
        return loss, tape.gradient(loss, self.model.trainable_variables)

    def step(self, x, y):
        self.traces += 1
        loss, gradients = self.gradients(x, y)
        self.one.apply_gradients(zip(gradients, self.model.trainable_variables))
        return loss

    def two_steps(self, x, y):
        self.step(x, y)
        loss, gradients = self.gradients(x, y)
        self.two.apply(gradients, self.model.trainable_variables)
        return loss


def batches(x, y):
    return [(tf.constant(x[i : i + 16]), tf.constant(y[i : i + 16])) for i in range(0, 48, 16)]


def eager(training, x, y):
    losses = [training.step(*batch) for batch in batches(x, y)]
    return losses, training.model(x[:2], training=False)


def function(training, x, y):
    step = tf.function(training.step)
    return [step(*batch) for batch in batches(x, y)]


def compiled(training, x, y):
    step = tf.function(training.step, jit_compile=True)
    return [step(*batch) for batch in batches(x, y)]


def two_optimizers(training, x, y):
    step = tf.function(training.two_steps)
    return [step(*batch) for batch in batches(x, y)]


def loop_in_a_function(training, x, y):
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)

    @tf.function
    def epoch():
        loss = 0.0
        for batch in data:
            loss = training.step(*batch)
        return loss

    return [epoch() for _ in range(2)]


def function_in_a_function(training, x, y):
    inner = tf.function(training.step)

    @tf.function
    def outer(x, y):
        for _ in range(3):
            loss = inner(x, y)
        return loss

    return [outer(x[:16], y[:16])]


def every_other(training, x, y):
    training.one.build(training.model.trainable_variables)

    @tf.function
    def step(x, y, is_applied):
        loss, gradients = training.gradients(x, y)
        if is_applied:
            training.one.apply_gradients(zip(gradients, training.model.trainable_variables))
        return loss

    return [step(*batch, tf.constant(number % 2 == 0)) for number, batch in enumerate(batches(x, y))]


def main(ways):
    keras.utils.set_random_seed(2019)
    x = np.random.rand(48, 8, 8, 1).astype("float32")
    y = np.random.randint(0, 3, 48)
    for way in ways:
        training = Training()
        result = globals()[way](training, x, y)
        values = training.model.get_weights() + [np.asarray(variable) for variable in training.one.variables]
        bits = hashlib.md5(b"".join(np.ascontiguousarray(value).tobytes() for value in values)).hexdigest()
        print(way, bits, training.traces, tf.nest.map_structure(lambda tensor: tensor.numpy().tolist(), result))
    print(tf.random.normal((2,)).numpy(), np.random.rand())


main(sys.argv[1:])
