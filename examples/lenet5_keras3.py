"""LeNet-5 on MNIST digits in Keras 3, on the backend that KERAS_BACKEND names: tensorflow, torch or jax.

By itself, or under samebits::

    KERAS_BACKEND=jax samebits check examples/lenet5_keras3.py --data data/mnist
    samebits check examples/lenet5_keras3.py --data data/mnist --no-seed
"""

import argparse
import gzip
import os

import keras
import numpy as np
from keras import layers


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
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
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
    parser.add_argument("--no-seed", action="store_true", help="leave the seed out")
    parser.add_argument("--save", help="write the trained model to this file (.keras)")
    options = parser.parse_args()
    if not options.no_seed:
        keras.utils.set_random_seed(options.seed)
    model = lenet5()
    optimizer = keras.optimizers.Adam(options.lr)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = digits(options.data, "train", options.digits)
    model.fit(images, labels, batch_size=options.batch, epochs=options.epochs, verbose=2)
    loss, accuracy = model.evaluate(*digits(options.data, "t10k", None), batch_size=1000, verbose=0)
    print(f"loss {loss:.6f}\naccuracy {accuracy:.4f}")
    if options.save:
        model.save(options.save)


if __name__ == "__main__":
    main()
