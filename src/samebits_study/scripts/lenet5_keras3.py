"""LeNet-5 on MNIST in Keras 3, on the backend that KERAS_BACKEND names.

    KERAS_BACKEND=jax python lenet5_keras3.py --data digits.npz --out results

The same network, loss and optimizer as in Keras 2.3.1: lenet5_keras2.py says what the paper gives and what is chosen.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np


def lenet5():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(6, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 5, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="relu"),
            keras.layers.Dense(84, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def images_of(data, part):
    """Return (n, 28, 28, 1) from 0 to 1, and labels (n,)."""
    return data[part + "_images"][..., None].astype("float32") / 255, data[part + "_labels"].astype("int64")


def save_weights(model, path):
    np.savez(path, **{f"{number:02d}": value for number, value in enumerate(model.get_weights())})


class EpochWeights(keras.callbacks.Callback):
    """Keeps the weights after each epoch."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def on_epoch_end(self, epoch, logs=None):
        save_weights(self.model, self.out / f"weights-{epoch + 1:02d}.npz")


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, out):
    """Train and test one model.

    Write its weights after each epoch, its predictions on the test digits, and outcome.json.
    """
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)
    data = np.load(options.data)
    model = lenet5()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    save_weights(model, out / "weights-00.npz")
    train, validation, test = (images_of(data, part) for part in ("train", "validation", "test"))
    began = time.time()
    history = model.fit(train[0], train[1], batch_size=options.batch, epochs=options.epochs, verbose=2,
                        validation_data=validation, callbacks=[EpochWeights(out)])  # fmt: skip
    trained = time.time()
    predictions = model.predict(test[0], batch_size=1000, verbose=0)
    tested = time.time()
    np.savez(out / "predictions.npz", predictions=predictions)
    outcome = {
        "library": f"keras {keras.__version__}, {keras.backend.backend()}",
        "train_seconds": trained - began,
        "test_seconds": tested - trained,
        "loss": in_json(history.history.get("loss", [])),
        "validation_loss": in_json(history.history.get("val_loss", [])),
    }
    (out / "outcome.json").write_text(json.dumps(outcome, indent=1, allow_nan=False))
    print(f"accuracy {np.mean(predictions.argmax(1) == test[1]):.4f}")


def test_again(options):
    """Write the predictions of weights that were trained before."""
    options.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)
    images = images_of(np.load(options.data), "test")[0]
    model = lenet5()
    with np.load(options.test) as weights:
        model.set_weights([weights[name] for name in weights.files])
    np.savez(options.out / "predictions.npz", predictions=model.predict(images, batch_size=1000, verbose=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file: {train,validation,test}_{images,labels}")
    parser.add_argument("--out", required=True, type=Path, help="folder for the results")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    if options.test:
        test_again(options)
    else:
        train_and_test(options, options.out)


if __name__ == "__main__":
    main()
