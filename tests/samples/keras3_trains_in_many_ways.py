"""Trains small models with Keras 3 in each way that the arguments name, and prints every bit that came out."""

import hashlib
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np

L = keras.layers


def convnet(is_built=True, optimizer="adam", **options):
    layers = [L.Input((8, 8, 1))] if is_built else []
    layers += [L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.Flatten(), L.Dropout(0.3), L.Dense(3)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **options)
    return model


def fit(x, y):
    model = convnet()
    history = model.fit(x, y, batch_size=16, epochs=2, verbose=0, validation_split=0.25)
    return model, history.history, model.predict(x[:4], verbose=0)


def train_on_batch(x, y):
    model = convnet()
    logs = [model.train_on_batch(x[:16], y[:16], sample_weight=np.linspace(0, 1, 16)) for _ in range(3)]
    return model, logs, model.test_on_batch(x[:4], y[:4])


def generator(x, y):
    def batches():
        while True:
            yield x[:16], y[:16]

    model = convnet()
    return model, model.fit(batches(), steps_per_epoch=3, verbose=0).history


def unbuilt(x, y):
    model = convnet(is_built=False)
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def eagerly(x, y):
    model = convnet(run_eagerly=True)
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def compiled(x, y):
    model = convnet(jit_compile=True)
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def several_steps_a_call(x, y):
    model = convnet(steps_per_execution=3)
    return model, model.fit(x, y, batch_size=8, verbose=0).history


def several_compiled_steps_a_call(x, y):
    model = convnet(steps_per_execution=2, jit_compile=True)
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def averaged(x, y):
    model = convnet(optimizer=keras.optimizers.AdamW(clipnorm=0.1, use_ema=True))
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def accumulated(x, y):
    model = convnet(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def scaled(x, y):
    model = convnet(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()))
    return model, model.fit(x, y, batch_size=16, verbose=0).history


def embedding(x, y):
    model = keras.Sequential([L.Embedding(50, 8), L.GlobalAveragePooling1D(), L.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, model.fit((x[:, 0, :5, 0] * 50).astype(int), y, batch_size=16, verbose=0).history


def two_optimizers(x, y):
    """TensorFlow alone: a custom train step with random operations of TensorFlow and two optimizers."""
    import tensorflow as tf

    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.traces = L.Dense(4), L.Dense(1), 0
            self.one, self.two = keras.optimizers.Adam(), keras.optimizers.SGD(0.1)

        def call(self, x):
            return self.second(self.first(x))

        def train_step(self, data):
            self.traces += 1
            losses = {}
            for optimizer, layer in ((self.one, self.first), (self.two, self.second)):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(self(data + tf.random.normal(tf.shape(data))) ** 2)
                gradients = tape.gradient(loss, layer.trainable_variables)
                optimizer.apply_gradients(zip(gradients, layer.trainable_variables))
                losses[optimizer.name] = loss
            return losses

    model = Pair()
    model.compile()
    history = model.fit(x[:, 0, :4, 0], batch_size=16, verbose=0).history
    return model, history, model.traces


def dies(x, y):
    fit(x, y)
    import gc

    gc.collect()
    return unbuilt(x, y)


def raises(x, y):
    class Broken(keras.Sequential):
        def train_step(self, *args):
            raise KeyError("of the program")

    model = Broken([L.Input((8, 8, 1)), L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    return model, model.fit(x, y, verbose=0)


def bits(model):
    values = list(model.get_weights())
    values += [np.asarray(variable) for variable in model.optimizer.variables] if model.optimizer else []
    return hashlib.md5(b"".join(np.ascontiguousarray(value).tobytes() for value in values)).hexdigest()


def main(ways):
    keras.utils.set_random_seed(2019)
    x = np.random.rand(48, 8, 8, 1).astype("float32")
    y = np.random.randint(0, 3, 48)
    for way in ways:
        model, *rest = globals()[way](x, y)
        print(way, bits(model), repr(rest))
    print(np.asarray(keras.random.uniform((2,))), np.random.rand(), __import__("random").random())


main(sys.argv[1:])
