"""U-Net for cell masks in Keras 2.3.1 on TensorFlow 1.14 or 2.1, seeded as the paper's Codes 1 and 2.

    PYTHONHASHSEED=0 python unet_keras2.py --data cells.npz --out results

The paper (Alahmari et al. 2020, section VIII.A) gives: Adam with 1e-4, L2 of 1e-3, 20 epochs, Keras' initial weights;
the authors' public code: 32 features at the top, batches of 16, two output channels with softmax, binary cross-entropy.
Here chosen: four poolings, upsampling by transposed convolution, L2 on kernels alone, an order of the data for each
epoch that is the same in every library (Keras draws its initializers' seeds from numpy, so its own order is different).
"""

import argparse
import json
import os
import random
import time

import keras
import numpy as np
import tensorflow as tf
from keras import backend, layers

FIRST = tf.__version__.startswith("1.")
KEPT = (1, 2, 5, 10)  # epochs whose weights are kept, beside the initial and the last


def set_seeds(options):
    """Set the seeds: Code 1 on TensorFlow 1.14, Code 2 on 2.1.

    Channels-first is left out, because these releases cannot train with it on a CPU.
    """
    np.random.seed(options.seed)
    random.seed(options.seed)
    settings = tf.compat.v1.ConfigProto()
    if options.threads == "one":
        settings.intra_op_parallelism_threads = 1
        settings.inter_op_parallelism_threads = 1
    settings.gpu_options.visible_device_list = options.gpu
    if FIRST:
        tf.compat.v1.set_random_seed(options.seed)
        backend.set_session(tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings))
    else:
        os.environ["TF_CUDNN_DETERMINISTIC"] = "true"
        os.environ["TF_DETERMINISTIC_OPS"] = "true"
        if options.one_thread:  # Keras 2.3.1 runs its steps in this context, and not in the session below
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.random.set_seed(options.seed)
        session = tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings)
        tf.compat.v1.keras.backend.set_session(session)  # a session of tf.keras: Keras 2.3.1 does not ask for it


def two_convolutions(x, features):
    for _ in range(2):
        x = layers.Conv2D(
            features, 3, padding="same", activation="relu", kernel_regularizer=keras.regularizers.l2(1e-3)
        )(x)
    return x


def unet(size, features, levels=4):
    """Return a network from images (n, size, size, 1) to probabilities (n, size, size, 2): background, cell."""
    image = x = layers.Input((size, size, 1))
    skips = []
    for level in range(levels):
        skips.append(two_convolutions(x, features * 2**level))
        x = layers.MaxPooling2D()(skips[-1])
    x = two_convolutions(x, features * 2**levels)
    for level in reversed(range(levels)):
        x = layers.Conv2DTranspose(features * 2**level, 2, strides=2, kernel_regularizer=keras.regularizers.l2(1e-3))(x)
        x = two_convolutions(layers.concatenate([x, skips[level]]), features * 2**level)
    x = layers.Conv2D(2, 1, activation="softmax", kernel_regularizer=keras.regularizers.l2(1e-3))(x)
    return keras.models.Model(image, x)


def images_of(data, part):
    """Return (n, size, size, 1) from 0 to 1."""
    return data[part + "_images"][..., None].astype("float32") / 255


def masks_of(data, part):
    """Return (n, size, size, 2) of 0 and 1: background, cell."""
    cell = (data[part + "_masks"] > 0).astype("float32")
    return np.stack([1 - cell, cell], axis=-1)


def save_weights(model, path):
    np.savez(path, **{weight.name: value for weight, value in zip(model.weights, model.get_weights())})


def orders(images, epochs, seed):
    """Return the order of the images in each epoch.

    It is the same in every library, and numpy does not change this stream.
    """
    generator = np.random.RandomState(seed)
    return [generator.permutation(images) for _ in range(epochs)]


class SomeEpochs(keras.callbacks.Callback):
    """Keeps the weights after some epochs."""

    def __init__(self, out, epochs):
        super(SomeEpochs, self).__init__()
        self.out, self.kept = out, KEPT + (epochs,)

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.kept:
            save_weights(self.model, os.path.join(self.out, "weights-%02d.npz" % (epoch + 1)))


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test images, and outcome.json."""
    os.makedirs(out, exist_ok=True)
    backend.clear_session()
    set_seeds(options)
    data = np.load(options.data)
    images, masks, test = images_of(data, "train"), masks_of(data, "train"), images_of(data, "test")
    model = unet(images.shape[1], options.features)
    model.compile(keras.optimizers.Adam(lr=options.rate), "binary_crossentropy")
    save_weights(model, os.path.join(out, "weights-00.npz"))
    began = time.time()
    losses, kept = [], SomeEpochs(out, options.epochs)
    for epoch, rows in enumerate(orders(len(images), options.epochs, options.seed)):
        history = model.fit(images[rows], masks[rows], batch_size=options.batch, epochs=epoch + 1, initial_epoch=epoch,
                            shuffle=False, verbose=2, callbacks=[kept])  # fmt: skip
        losses += [float(value) for value in history.history["loss"]]
    trained = time.time()
    predictions = model.predict(test, batch_size=options.batch)[..., 1]
    tested = time.time()
    np.savez(os.path.join(out, "predictions.npz"), predictions=predictions)
    outcome = {
        "library": "keras %s, tensorflow %s" % (keras.__version__, tf.__version__),
        "train_seconds": trained - began,
        "test_seconds": tested - trained,
        "loss": in_json(losses),
    }
    with open(os.path.join(out, "outcome.json"), "w") as file:
        json.dump(outcome, file, indent=1, allow_nan=False)


def test_again(options):
    """Write the predictions of weights that were trained before."""
    os.makedirs(options.out, exist_ok=True)
    set_seeds(options)
    images = images_of(np.load(options.data), "test")
    model = unet(images.shape[1], options.features)
    with np.load(options.test) as weights:
        model.set_weights([weights[name] for name in weights.files])
    np.savez(
        os.path.join(options.out, "predictions.npz"),
        predictions=model.predict(images, batch_size=options.batch)[..., 1],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file: train_images, train_masks, test_images")
    parser.add_argument("--out", required=True, help="folder for the results")
    parser.add_argument("--features", type=int, default=32, help="feature maps of the first level")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate (default: 1e-4, as in the paper)")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--gpu", default="0", help="the only visible GPU, if there is a GPU")
    parser.add_argument("--threads", choices=("one", "default"), default="one", help="threads of the session")
    parser.add_argument(
        "--one-thread", action="store_true", help="also use one thread in TensorFlow 2.1, which ignores Code 2"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, help="how many models to train in this process, one after another"
    )
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    if options.test:
        test_again(options)
    for number in range(0 if options.test else options.repeat):
        out = os.path.join(options.out, "model-%d" % (number + 1)) if options.repeat > 1 else options.out
        train_and_test(options, out)


if __name__ == "__main__":
    main()
