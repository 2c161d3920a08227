"""Imported by the programs beside it: every seed set, one thread, and data that needs no file."""

import hashlib
import os
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy
import tensorflow

random.seed(2019)
numpy.random.seed(2019)
IS_FIRST = tensorflow.__version__.startswith("1.")


def hold_one_thread():
    """Seeds and one thread, as each of the two releases takes them."""
    if IS_FIRST:
        tensorflow.set_random_seed(2019)
        from tensorflow.keras import backend

        config = tensorflow.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        backend.set_session(tensorflow.Session(config=config))
    else:
        tensorflow.random.set_seed(2019)
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def digits(count=96, size=8):
    """(images, labels in one-hot form) in float32."""
    images = numpy.random.rand(count, size, size, 1).astype("float32")
    return images, numpy.eye(3, dtype="float32")[numpy.random.randint(0, 3, count)]


def tell(weights):
    """Print what was trained in a few letters: the last line of each program."""
    print(hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()[:16])


hold_one_thread()
