"""LeNet-5 on random digits in Keras 3 or in Keras 2.3.1 on TensorFlow: times every call of train_on_batch."""

import argparse
import json
import time

import keras
import numpy


def lenet5():
    layers = keras.layers
    return keras.models.Sequential([
        layers.Conv2D(6, 5, padding="same", activation="relu", input_shape=(28, 28, 1)), layers.MaxPooling2D(),
        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--steps", type=int, default=200)
    parse.add_argument("--batch", type=int, default=128)
    parse.add_argument("--peer", default="none", choices=["none"])
    parse.add_argument("--times", required=True)
    args = parse.parse_args()
    numpy.random.seed(2019)
    model = lenet5()
    model.compile("adam", "sparse_categorical_crossentropy")
    images = numpy.random.rand(4096, 28, 28, 1).astype("float32")
    labels, times = numpy.random.randint(0, 10, 4096), []
    for _ in range(args.steps):
        rows = numpy.random.randint(0, 4096, args.batch)
        x, y = images[rows], labels[rows]
        start = time.perf_counter()
        model.train_on_batch(x, y)
        times.append(time.perf_counter() - start)
    with open(args.times, "w") as file:
        json.dump(times, file)


if __name__ == "__main__":
    main()
