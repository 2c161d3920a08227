"""A loop with `GradientTape`, three steps; inside a `tf.function` where `function` is given."""

import sys

import tensorflow

if tensorflow.__version__.startswith("1."):
    tensorflow.enable_eager_execution()
import numpy
from tensorflow.keras import Sequential, layers, optimizers

numpy.random.seed(2019)
(getattr(tensorflow.random, "set_seed", None) or tensorflow.random.set_random_seed)(2019)
first = layers.Dense(4, activation="relu", input_shape=(3,), name="first")
model = Sequential([first, layers.Dense(2, name="last")])
optimizer = optimizers.SGD(0.1, momentum=0.9)


def step(inputs, labels):
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_mean(tensorflow.square(model(inputs) - labels))
    weights = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
    return loss


if "function" in sys.argv:
    step = tensorflow.function(step)
for _ in range(3):
    step(tensorflow.constant(numpy.random.rand(8, 3), "float32"), tensorflow.constant(numpy.ones((8, 2)), "float32"))
print(sum(float(weight.sum()) for weight in model.get_weights()).hex())
