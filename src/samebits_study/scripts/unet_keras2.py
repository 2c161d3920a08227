"""U-Net for cell masks in Keras 2.3.1 on TensorFlow 1.14 or 2.1, seeded as the paper's Codes 1 and 2.

    PYTHONHASHSEED=0 python unet_keras2.py --data cells.npz --out results

The paper (Alahmari et al. 2020, section VIII.A) gives: Adam with 1e-4, L2 of 1e-3, 20 epochs, Keras' initial weights;
the authors' public code: 32 features at the top, batches of 16, two output channels with softmax, binary cross-entropy.
Here chosen: four poolings, upsampling by transposed convolution, L2 on kernels alone, an order of the data for each
epoch that is the same in every library (Keras draws its initializers' seeds from numpy, so its own order is different).
"""

import keras
import keras_parts
import numpy as np
import outcomes
from keras import layers


def two_convolutions(x, features):
    for _ in range(2):
        x = layers.Conv2D(
            features, 3, padding="same", activation="relu", kernel_regularizer=keras.regularizers.l2(1e-3)
        )(x)
    return x


def unet(size, features, levels=4):
    """Return a network from images (n, size, size, 1) to probabilities (n, size, size, 2): background, cell."""
    image = x = layers.Input((size, size, 1))
    skips = []
    for level in range(levels):
        skips.append(two_convolutions(x, features * 2**level))
        x = layers.MaxPooling2D()(skips[-1])
    x = two_convolutions(x, features * 2**levels)
    for level in reversed(range(levels)):
        x = layers.Conv2DTranspose(features * 2**level, 2, strides=2, kernel_regularizer=keras.regularizers.l2(1e-3))(x)
        x = two_convolutions(layers.concatenate([x, skips[level]]), features * 2**level)
    x = layers.Conv2D(2, 1, activation="softmax", kernel_regularizer=keras.regularizers.l2(1e-3))(x)
    return keras.models.Model(image, x)


def images_of(data, part):
    """Return (n, size, size, 1) from 0 to 1."""
    return data[part + "_images"][..., None].astype("float32") / 255


def masks_of(data, part):
    """Return (n, size, size, 2) of 0 and 1: background, cell."""
    cell = (data[part + "_masks"] > 0).astype("float32")
    return np.stack([1 - cell, cell], axis=-1)


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test images, and outcome.json."""
    keras.backend.clear_session()
    keras_parts.set_seeds(options)
    data = np.load(options.data)
    images, masks, test = images_of(data, "train"), masks_of(data, "train"), images_of(data, "test")
    model = unet(images.shape[1], options.features)
    model.compile(keras.optimizers.Adam(lr=options.rate), "binary_crossentropy")
    keras_parts.save_by_name(model, outcomes.weights_file(out, 0))
    clock, losses = outcomes.Clock(), []
    kept = keras_parts.KeptEpochs(out, keras_parts.save_by_name, outcomes.KEPT + (options.epochs,))
    for epoch, rows in enumerate(outcomes.orders(len(images), options.epochs, options.seed)):
        history = model.fit(images[rows], masks[rows], batch_size=options.batch, epochs=epoch + 1, initial_epoch=epoch,
                            shuffle=False, verbose=2, callbacks=[kept])  # fmt: skip
        losses += [float(value) for value in history.history["loss"]]
    clock.mark()
    predictions = model.predict(test, batch_size=options.batch)[..., 1]
    clock.mark()
    outcomes.write_predictions(out, predictions)
    outcomes.write(out, keras_parts.library(), clock, loss=losses)


def test_again(options, out):
    """Write the predictions of weights that were trained before."""
    keras_parts.set_seeds(options)
    images = images_of(np.load(options.data), "test")
    model = unet(images.shape[1], options.features)
    keras_parts.load(model, options.test)
    outcomes.write_predictions(out, model.predict(images, batch_size=options.batch)[..., 1])


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "train_images, train_masks, test_images", epochs=20, batch=16)
    outcomes.add(parser, outcomes.OPTIONS, ["--features", "--rate", "--repeat"])
    outcomes.add(parser, keras_parts.OPTIONS, ["--gpu", "--threads", "--one-thread"])
    outcomes.run(parser.parse_args(), train_and_test, test_again)
