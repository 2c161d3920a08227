"""Trains six steps with dropout and batch normalisation: `keras2_trains.py fit|generator|batch [OPTIMIZER]`."""

import sys

from keras2_seeded import digits, tell

import keras
from keras import layers

HOW, OPTIMIZER = sys.argv[1], (sys.argv[2:] or ["sgd"])[0]


def build():
    model = keras.models.Sequential(
        [
            layers.Conv2D(
                4, 3, input_shape=(8, 8, 1), activation="relu", kernel_regularizer=keras.regularizers.l2(1e-3)
            ),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    chosen = keras.optimizers.SGD(0.01, momentum=0.9, clipnorm=1.0) if OPTIMIZER == "sgd" else OPTIMIZER
    model.compile(chosen, "categorical_crossentropy", metrics=["accuracy"])
    return model


def batches(images, labels):
    while True:
        for start in range(0, len(images), 16):
            yield images[start : start + 16], labels[start : start + 16]


def train(model, images, labels):
    if HOW == "fit":
        held_out = images[:8], labels[:8]
        model.fit(images, labels, batch_size=16, epochs=1, verbose=0, validation_data=held_out)
    elif HOW == "generator":
        model.fit_generator(batches(images, labels), steps_per_epoch=6, epochs=1, verbose=0, workers=1)
    else:
        stream = batches(images, labels)
        for _ in range(6):
            model.train_on_batch(*next(stream))


def main():
    model = build()
    train(model, *digits())
    tell(model.get_weights())


main()
