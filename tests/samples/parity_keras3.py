"""A tiny network in Keras 3, whose twin is parity_pytorch.py: same data, order, weights; all defaults are Keras'.

    python parity_keras3.py --steps 4
"""

import argparse

import keras
import numpy as np

from parity_data import BATCH, images_of, kernels, labels_of


def network():
    return keras.Sequential(
        [
            keras.layers.Input((8, 8, 3)),
            keras.layers.Conv2D(6, 3, strides=2, padding="same", name="first"),
            keras.layers.BatchNormalization(),
            keras.layers.LeakyReLU(),
            keras.layers.Conv2D(8, 3, padding="same", activation="gelu", name="second"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu", name="hidden"),
            keras.layers.Dense(4, activation="softmax", name="last"),
        ]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    model = network()
    for name, kernel in kernels().items():
        model.get_layer(name).kernel.assign(kernel)
    model.compile(keras.optimizers.Adam(), "categorical_crossentropy")
    images, labels = images_of(options.steps), labels_of(options.steps)
    model.fit(images, np.eye(4, dtype="float32")[labels], batch_size=BATCH, shuffle=False, verbose=0)


if __name__ == "__main__":
    main()
