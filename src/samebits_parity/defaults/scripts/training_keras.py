"""Measures what Keras does as it trains a model, for behaviour_keras.py. Python 3.6 and later."""

import numpy as np


def single(values):
    return np.asarray(values, "float32")


def penalty(keras, here, ask):
    layer = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.l2(ask["factor"]))
    model = keras.models.Sequential([keras.layers.InputLayer(batch_shape=(1, 1)) if here.rate == "learning_rate"
                                     else keras.layers.InputLayer(input_shape=(1,)), layer])  # fmt: skip
    layer.set_weights([single([[ask["kernel"]]]), single([ask["bias"]])])
    model.compile(keras.optimizers.SGD(**{here.rate: 1.0}), "mean_squared_error")
    loss = model.train_on_batch(np.zeros((1, 1), "float32"), single([[ask["bias"]]]))
    kernel, bias = layer.get_weights()
    return [ask["kernel"] - float(kernel[0, 0]), ask["bias"] - float(bias[0]), float(np.ravel(loss)[0])]


def bias_step(keras, here, ask):
    """Return how far the biases of a gate move in a step of SGD, and the kernel for an input of one."""
    first = {"batch_shape": (1, 1, 1)} if here.rate == "learning_rate" else {"input_shape": (1, 1)}
    model = keras.models.Sequential([keras.layers.InputLayer(**first), keras.layers.LSTM(2)])
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(**{here.rate: 1.0}), "mean_squared_error")
    model.train_on_batch(np.ones((1, 1, 1), "float32"), np.zeros((1, 2), "float32"))
    moved = [after - old for after, old in zip(model.get_weights(), before)]
    place = int(np.argmax(np.abs(moved[0])))
    return [float(moved[2][place] / np.ravel(moved[0])[place])]


def epoch(keras, here, ask):
    """Return the mean of the samples in each batch of an epoch of `fit`, from the steps of SGD on the loss w x."""
    first = {"batch_shape": (None, 1)} if here.rate == "learning_rate" else {"input_shape": (1,)}
    layers = [keras.layers.InputLayer(**first), keras.layers.Dense(1, use_bias=False)]
    model = keras.models.Sequential(layers)
    model.set_weights([np.zeros((1, 1), "float32")])
    model.compile(keras.optimizers.SGD(**{here.rate: 1.0}), lambda y, p: p[:, 0])
    seen = [0.0]

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if hasattr(self.model, "jax_state_sync"):
                self.model.jax_state_sync()
            seen.append(float(self.model.get_weights()[0][0, 0]))

    x = single(ask["samples"])[:, None]
    model.fit(x, x, batch_size=ask["batch"], epochs=1, verbose=0, callbacks=[Steps()])
    return [before - after for before, after in zip(seen, seen[1:])]
