"""U-Net for cell masks in Keras 3, on the backend that KERAS_BACKEND names.

    KERAS_BACKEND=jax python unet_keras3.py --data cells.npz --out results

The same network, loss and optimizer as in Keras 2.3.1: unet_keras2.py says what the paper gives and what is chosen.
"""

import keras
import keras_parts
import numpy as np
import outcomes
from keras import layers

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


def cross_entropy(masks, probabilities, epsilon=1e-7):
    """Return the binary cross-entropy over both channels, as Keras 2.3.1 takes it.

    It is clipped, and epsilon is added in the logarithm. Keras 3's own, on TensorFlow, looks for what went into the
    softmax and puts a sigmoid there instead.
    """
    inside = keras.ops.clip(probabilities, epsilon, 1 - epsilon)
    right = masks * keras.ops.log(inside + epsilon) + (1 - masks) * keras.ops.log(1 - inside + epsilon)
    return -keras.ops.mean(right)


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test images, and outcome.json."""
    keras_parts.set_seeds(options)
    data = np.load(options.data)
    images, masks, test = images_of(data, "train"), masks_of(data, "train"), images_of(data, "test")
    model = unet(images.shape[1], options.features)
    model.compile(keras.optimizers.Adam(options.rate), cross_entropy)
    keras_parts.save_by_number(model, outcomes.weights_file(out, 0))
    clock, losses = outcomes.Clock(), []
    kept = keras_parts.KeptEpochs(out, keras_parts.save_by_number, (*outcomes.KEPT, options.epochs))
    for epoch, rows in enumerate(outcomes.orders(len(images), options.epochs, options.seed)):
        history = model.fit(images[rows], masks[rows], batch_size=options.batch, epochs=epoch + 1, initial_epoch=epoch,
                            shuffle=False, verbose=2, callbacks=[kept])  # fmt: skip
        losses += [float(value) for value in history.history["loss"]]
    clock.mark()
    predictions = model.predict(test, batch_size=options.batch, verbose=0)[..., 1]
    clock.mark()
    outcomes.write_predictions(out, predictions)
    outcomes.write(out, keras_parts.library(), clock, loss=losses)


def test_again(options, out):
    """Write the predictions of weights that were trained before."""
    keras_parts.set_seeds(options)
    images = images_of(np.load(options.data), "test")
    model = unet(images.shape[1], options.features)
    keras_parts.load(model, options.test)
    outcomes.write_predictions(out, model.predict(images, batch_size=options.batch, verbose=0)[..., 1])


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "train_images, train_masks, test_images", epochs=20, batch=16)
    outcomes.add(parser, outcomes.OPTIONS, ["--features", "--rate"])
    outcomes.run(parser.parse_args(), train_and_test, test_again)
