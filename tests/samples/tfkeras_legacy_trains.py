"""`tf.keras` with dropout: `tfkeras_legacy_trains.py fit|dataset|batch|eagerly`, six steps."""

import sys

from keras2_seeded import digits, tell

import tensorflow
from tensorflow.keras import layers

HOW = sys.argv[1]


def build():
    model = tensorflow.keras.Sequential(
        [
            layers.Conv2D(4, 3, input_shape=(8, 8, 1), activation="relu", name="look"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", name="say"),
        ]
    )
    optimizer = tensorflow.keras.optimizers.Adam(0.01)
    model.compile(
        optimizer,
        "categorical_crossentropy",
        metrics=["accuracy"],
        **({"run_eagerly": True} if HOW == "eagerly" else {}),
    )
    return model


def train(model, images, labels):
    if HOW == "dataset":
        data = tensorflow.data.Dataset.from_tensor_slices((images, labels)).batch(16).repeat()
        model.fit(data, steps_per_epoch=6, epochs=1, verbose=0)
    elif HOW == "batch":
        for start in range(0, len(images), 16):
            model.train_on_batch(images[start : start + 16], labels[start : start + 16])
    else:
        held_out = images[:8], labels[:8]
        model.fit(images, labels, batch_size=16, epochs=1, verbose=0, validation_data=held_out)
    model.predict(images[:4])


def main():
    model = build()
    train(model, *digits())
    tell(model.get_weights())


main()
