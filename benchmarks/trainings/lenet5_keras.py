"""LeNet-5 on random digits in Keras 3 or in Keras 2.3.1 on TensorFlow: every call of train_on_batch is timed."""

import argparse

import keras
import numpy
import turns


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
    parse.add_argument("--batch", type=int, default=128)
    parse.add_argument("--peer", default="none", choices=["none"])
    args = parse.parse_args()
    numpy.random.seed(2019)
    model = lenet5()
    model.compile("adam", "sparse_categorical_crossentropy")
    images = numpy.random.rand(4096, 28, 28, 1).astype("float32")
    labels = numpy.random.randint(0, 10, 4096)

    def step():
        rows = numpy.random.randint(0, 4096, args.batch)
        return turns.timed(model.train_on_batch, images[rows], labels[rows])

    turns.take(step)


if __name__ == "__main__":
    main()
