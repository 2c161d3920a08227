"""Two threads fit a Keras model each, at the same time: which of them makes the next step is a race."""

import threading

import keras
import numpy

keras.utils.set_random_seed(0)
data = numpy.random.rand(64, 4).astype("float32")
labels = data.sum(axis=1)
models = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(size), keras.layers.Dense(1)]) for size in (2, 3)]
for model in models:
    model.compile("sgd", "mse")
barrier = threading.Barrier(2)


def fit(model):
    """Fit when both threads are there."""
    barrier.wait(60)
    wait = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: barrier.wait(60))
    model.fit(data, labels, epochs=1, batch_size=16, shuffle=False, verbose=0, callbacks=[wait])


threads = [threading.Thread(target=fit, args=(model,)) for model in models]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
