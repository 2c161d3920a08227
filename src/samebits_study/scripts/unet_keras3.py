"""U-Net for cell masks in Keras 3, on the backend that KERAS_BACKEND names.

    KERAS_BACKEND=jax python unet_keras3.py --data cells.npz --out results

The same network, loss and optimizer as in Keras 2.3.1: unet_keras2.py says what the paper gives and what is chosen.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

KEPT = (1, 2, 5, 10)  # epochs whose weights are kept, beside the initial and the last
L2 = keras.regularizers.L2(1e-3)


def two_convolutions(x, features):
    for _ in range(2):
        x = layers.Conv2D(features, 3, padding="same", activation="relu", kernel_regularizer=L2)(x)
    return x


def unet(size, features, levels=4):
    """Return a network from images (n, size, size, 1) to probabilities (n, size, size, 2): background, cell."""
    image = x = keras.Input((size, size, 1))
    skips = []
    for level in range(levels):
        skips.append(two_convolutions(x, features * 2**level))
        x = layers.MaxPooling2D()(skips[-1])
    x = two_convolutions(x, features * 2**levels)
    for level in reversed(range(levels)):
        x = layers.Conv2DTranspose(features * 2**level, 2, strides=2, kernel_regularizer=L2)(x)
        x = two_convolutions(layers.concatenate([x, skips[level]]), features * 2**level)
    x = layers.Conv2D(2, 1, activation="softmax", kernel_regularizer=L2)(x)
    return keras.Model(image, x)


def images_of(data, part):
    """Return (n, size, size, 1) from 0 to 1."""
    return data[part + "_images"][..., None].astype("float32") / 255


def masks_of(data, part):
    """Return (n, size, size, 2) of 0 and 1: background, cell."""
    cell = (data[part + "_masks"] > 0).astype("float32")
    return np.stack([1 - cell, cell], axis=-1)


def save_weights(model, path):
    np.savez(path, **{f"{number:02d}": value for number, value in enumerate(model.get_weights())})


def cross_entropy(masks, probabilities, epsilon=1e-7):
    """Return the binary cross-entropy over both channels, as Keras 2.3.1 takes it.

    It is clipped, and epsilon is added in the logarithm. Keras 3's own, on TensorFlow, looks for what went into the
    softmax and puts a sigmoid there instead.
    """
    inside = keras.ops.clip(probabilities, epsilon, 1 - epsilon)
    right = masks * keras.ops.log(inside + epsilon) + (1 - masks) * keras.ops.log(1 - inside + epsilon)
    return -keras.ops.mean(right)


def orders(images, epochs, seed):
    """Return the order of the images in each epoch.

    It is the same in every library, and numpy does not change this stream.
    """
    generator = np.random.RandomState(seed)
    return [generator.permutation(images) for _ in range(epochs)]


class ChosenEpochs(keras.callbacks.Callback):
    """Keeps the weights after some epochs."""

    def __init__(self, out, epochs):
        super().__init__()
        self.out, self.kept = out, (*KEPT, epochs)

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.kept:
            save_weights(self.model, self.out / f"weights-{epoch + 1:02d}.npz")


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test images, and outcome.json."""
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)
    data = np.load(options.data)
    images, masks, test = images_of(data, "train"), masks_of(data, "train"), images_of(data, "test")
    model = unet(images.shape[1], options.features)
    model.compile(keras.optimizers.Adam(options.rate), cross_entropy)
    save_weights(model, out / "weights-00.npz")
    began = time.time()
    losses, kept = [], ChosenEpochs(out, options.epochs)
    for epoch, rows in enumerate(orders(len(images), options.epochs, options.seed)):
        history = model.fit(images[rows], masks[rows], batch_size=options.batch, epochs=epoch + 1, initial_epoch=epoch,
                            shuffle=False, verbose=2, callbacks=[kept])  # fmt: skip
        losses += [float(value) for value in history.history["loss"]]
    trained = time.time()
    predictions = model.predict(test, batch_size=options.batch, verbose=0)[..., 1]
    tested = time.time()
    np.savez(out / "predictions.npz", predictions=predictions)
    outcome = {
        "library": f"keras {keras.__version__}, {keras.backend.backend()}",
        "train_seconds": trained - began,
        "test_seconds": tested - trained,
        "loss": in_json(losses),
    }
    (out / "outcome.json").write_text(json.dumps(outcome, indent=1, allow_nan=False))


def test_again(options):
    """Write the predictions of weights that were trained before."""
    options.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(options.seed)
    images = images_of(np.load(options.data), "test")
    model = unet(images.shape[1], options.features)
    with np.load(options.test) as weights:
        model.set_weights([weights[name] for name in weights.files])
    np.savez(
        options.out / "predictions.npz", predictions=model.predict(images, batch_size=options.batch, verbose=0)[..., 1]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file: train_images, train_masks, test_images")
    parser.add_argument("--out", required=True, type=Path, help="folder for the results")
    parser.add_argument("--features", type=int, default=32, help="feature maps of the first level")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate (default: 1e-4, as in the paper)")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    if options.test:
        test_again(options)
    else:
        train_and_test(options, options.out)


if __name__ == "__main__":
    main()
