"""Sequences and labels for recurrent_keras3.py and recurrent_pytorch.py."""

import numpy as np


def batches():
    """Three batches of (sequences, labels)."""
    random = np.random.RandomState(1)
    return [(random.normal(size=(8, 5, 3)).astype("float32"), random.randint(0, 3, 8)) for _ in range(3)]
