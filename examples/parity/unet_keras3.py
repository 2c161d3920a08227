"""A small U-Net in Keras 3 for a comparison with unet_pytorch.py, step by step.

python make_data.py unet unet.npz
samebits parity train "python unet_keras3.py unet.npz" "python unet_pytorch.py unet.npz" --single-step
"""

import sys

import keras
import numpy as np
from keras import layers

L2 = keras.regularizers.L2(1e-3)


def two_convolutions(x, features):
    for _ in range(2):
        x = layers.Conv2D(features, 3, padding="same", activation="relu", kernel_regularizer=L2)(x)
    return x


def unet(size, features, levels=2):
    """Images (n, size, size, 1) to probabilities (n, size, size, 2): background, cell."""
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


def main():
    data = np.load(sys.argv[1])
    images = data["images"][..., None].astype("float32") / 255
    model = unet(images.shape[1], 4)
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    for number, kernel in enumerate(kernels):
        kernel.assign(data["kernel_%02d" % number])
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy")
    cell = data["labels"].astype("float32")
    masks = np.stack([1 - cell, cell], axis=-1)
    model.fit(images, masks, batch_size=int(data["batch"]), shuffle=False, verbose=0)


if __name__ == "__main__":
    main()
