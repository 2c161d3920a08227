"""U-Net for cell masks in Keras: 2.3.1 on TensorFlow 1.14 or 2.1, seeded as the paper's Codes 1 and 2; or Keras 3.

    PYTHONHASHSEED=0 python unet_keras.py --data cells.npz --out results
    KERAS_BACKEND=jax python unet_keras.py --data cells.npz --out results

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

L2 = keras.regularizers.l2(1e-3)


def two_convolutions(x, features):
    for _ in range(2):
        x = layers.Conv2D(features, 3, padding="same", activation="relu", kernel_regularizer=L2)(x)
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
        x = layers.Conv2DTranspose(features * 2**level, 2, strides=2, kernel_regularizer=L2)(x)
        x = two_convolutions(layers.concatenate([x, skips[level]]), features * 2**level)
    x = layers.Conv2D(2, 1, activation="softmax", kernel_regularizer=L2)(x)
    return keras.models.Model(image, x)


def cross_entropy(masks, probabilities, epsilon=1e-7):
    """Return the binary cross-entropy over both channels, as Keras 2.3.1 takes it.

    It is clipped, and epsilon is added in the logarithm. Keras 3's own, on TensorFlow, looks for what went into the
    softmax and puts a sigmoid there instead.
    """
    inside = keras.ops.clip(probabilities, epsilon, 1 - epsilon)
    right = masks * keras.ops.log(inside + epsilon) + (1 - masks) * keras.ops.log(1 - inside + epsilon)
    return -keras.ops.mean(right)


def network(options, images):
    model = unet(images.shape[1], options.features)
    loss = cross_entropy if keras_parts.KERAS_3 else "binary_crossentropy"
    model.compile(keras.optimizers.Adam(options.rate), loss)
    return model


def arrays_of(data, part):
    """Return images (n, size, size, 1) from 0 to 1; of the training also masks (n, size, size, 2): background, cell."""
    images = data[part + "_images"][..., None].astype("float32") / 255
    if part == "test":
        return [images]
    cell = (data[part + "_masks"] > 0).astype("float32")
    return [images, np.stack([1 - cell, cell], axis=-1)]


def train(model, options, keep, images, masks):
    losses = []
    for epoch, rows in enumerate(outcomes.orders(len(images), options.epochs, options.seed)):
        history = model.fit(images[rows], masks[rows], batch_size=options.batch, epochs=epoch + 1, initial_epoch=epoch,
                            shuffle=False, verbose=2, callbacks=[keras_parts.KeptEpochs(keep)])  # fmt: skip
        losses += history.history["loss"]
    return {"loss": losses}


def predict(model, options, images):
    """Return the cells' probabilities (n, size, size)."""
    return model.predict(images, batch_size=options.batch, verbose=0)[..., 1]


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "train_images, train_masks, test_images", epochs=20, batch=16)
    outcomes.add(parser, outcomes.OPTIONS, ["--features", "--rate", "--repeat"])
    outcomes.add(parser, keras_parts.OPTIONS, ["--gpu", "--threads", "--one-thread"])
    outcomes.run(parser.parse_args(), outcomes.Task(keras_parts, outcomes.KEPT, arrays_of, network, train, predict))
