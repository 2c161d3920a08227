"""What the twins parity_keras3.py and parity_pytorch.py share: images, labels and initial weights, in Keras' order."""

import numpy as np

BATCH = 8


def images_of(steps):
    """(steps * BATCH, 8, 8, 3) from 0 to 1."""
    drawn = np.random.RandomState(5).randint(0, 256, (steps * BATCH, 8, 8, 3))
    return (drawn / 255).astype("float32")


def labels_of(steps):
    """(steps * BATCH,) from 0 to 3."""
    return np.random.RandomState(6).randint(0, 4, steps * BATCH)


KERNELS = {"first": (3, 3, 3, 6), "second": (3, 3, 6, 8), "hidden": (32, 16), "last": (16, 4)}


def kernels():
    """{layer: kernel}, normal, of deviation 0.2."""
    random = np.random.RandomState(7)
    return {name: random.normal(0, 0.2, shape).astype("float32") for name, shape in KERNELS.items()}
