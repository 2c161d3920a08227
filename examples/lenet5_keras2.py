"""LeNet-5 on MNIST digits in Keras 2.3.1, on TensorFlow 1.14 or 2.1, seeded as Keras' documentation said.

    samebits check --env keras-tf1.14 examples/lenet5_keras2.py --data data/mnist --threads default
    samebits check --env keras-tf2.1 examples/lenet5_keras2.py --data data/mnist

On TensorFlow 1.14, Keras 2.3.1 runs in the session with one thread. On TensorFlow 2.1 it never asks for the
session that it is given, and trains with all threads. Images are channels-last: these releases have no
channels-first convolution on a CPU.
"""

import argparse
import gzip
import os
import random

import numpy as np
import tensorflow as tf

SEEDS = ("python-seed", "numpy-seed", "tf-seed")


def session_settings(threads):
    settings = tf.compat.v1.ConfigProto()
    if threads == "one":
        settings.intra_op_parallelism_threads = 1
        settings.inter_op_parallelism_threads = 1
    return settings


def seed_tensorflow_1(seed, threads):
    """The seed of the graph, and the session that Keras should use."""
    from keras import backend

    tf.compat.v1.set_random_seed(seed)
    session = tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=session_settings(threads))
    backend.set_session(session)


def seed_tensorflow_2(seed, threads):
    """The global seed, the flags for deterministic kernels, and a session for tf.keras (not Keras: see above)."""
    os.environ["TF_CUDNN_DETERMINISTIC"] = "true"
    os.environ["TF_DETERMINISTIC_OPS"] = "true"
    tf.random.set_seed(seed)
    session = tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=session_settings(threads))
    tf.compat.v1.keras.backend.set_session(session)


def set_seeds(seed, leave_out, threads):
    """Pin the random states; `leave_out` names seeds that stay unset."""
    if "numpy-seed" not in leave_out:
        np.random.seed(seed)
    if "python-seed" not in leave_out:
        random.seed(seed)
    if "tf-seed" not in leave_out:
        first = tf.__version__.startswith("1.")
        (seed_tensorflow_1 if first else seed_tensorflow_2)(seed, threads)


def read_idx(folder, name):
    """An idx file of MNIST, plain or gzipped, as an array of bytes: digits (n, 28, 28) or labels (n,)."""
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
        data = file.read()
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def digits(folder, which, count):
    """The first `count` digits: (n, 28, 28, 1) from 0 to 1, and their labels."""
    images = read_idx(folder, which + "-images-idx3-ubyte")[:count, :, :, None]
    return images.astype(np.float32) / 255, read_idx(folder, which + "-labels-idx1-ubyte")[:count]


def lenet5():
    from keras import layers, models

    return models.Sequential(
        [
            layers.Conv2D(6, 5, padding="same", activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="data/mnist", help="folder with the four idx files")
    parser.add_argument("--digits", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--no-seed", action="store_true", help="leave all seeds out")
    parser.add_argument("--leave-out", action="append", default=[], choices=SEEDS, help="leave one seed out")
    parser.add_argument("--threads", choices=("one", "default"), default="one", help="of the session")
    parser.add_argument("--save", help="write the trained model to this file")
    options = parser.parse_args()
    set_seeds(options.seed, SEEDS if options.no_seed else options.leave_out, options.threads)
    from keras import optimizers

    model = lenet5()
    model.compile(optimizers.Adam(lr=options.lr), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = digits(options.data, "train", options.digits)
    model.fit(images, labels, batch_size=options.batch, epochs=options.epochs, verbose=2)
    loss, accuracy = model.evaluate(*digits(options.data, "t10k", None), batch_size=1000, verbose=0)
    print("loss %.6f\naccuracy %.4f" % (loss, accuracy))
    if options.save:
        model.save(options.save)


if __name__ == "__main__":
    main()
