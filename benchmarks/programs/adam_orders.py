"""Does Keras 2.3.1's Adam read `iterations` before or after it adds 1 to it? One letter for each step of LeNet-5.

    PYTHONHASHSEED=0 python adam_orders.py --data data/mnist --steps 40 --threads one

It runs in the environments keras-tf1.14 and keras-tf2.1. The step itself tells the order: Adam moves a weight by
m / (sqrt(v) + epsilon) times a rate that depends on the t that it has read. t is k + 1 in step k (from 0) if the read
came first ("r"), and k + 2 if the addition came first ("a"). "?": the rate fits neither. The last line is JSON: the
letters, and a fingerprint of the trained weights. --blind: train by `fit`, and look at nothing between the steps.
--functions: train so many models one after the other, each with a train function of its own; a space stands between
their letters.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
from lenet5_keras2 import digits, lenet5, set_seeds

RATE, SLOW, FAST = 1e-3, 0.999, 0.9
WEIGHT = 4  # the first dense kernel, which has the most values


def one_thread():
    """What Keras 2.3.1 on TensorFlow 2.1 runs in is not the session that set_seeds makes."""
    if not tf.__version__.startswith("1."):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def rate(t):
    return RATE * (1 - SLOW**t) ** 0.5 / (1 - FAST**t)


def moved(before, after, optimizer):
    """The rate by which Adam moved the weight."""
    from keras import backend

    count = (len(optimizer.weights) - 1) // 3  # iterations, then m, v and a v that is not used for each weight
    m, v = backend.batch_get_value([optimizer.weights[1 + WEIGHT], optimizer.weights[1 + count + WEIGHT]])
    live = np.abs(before - after) > np.abs(before - after).max() / 10
    return float(np.median(((before - after) * (np.sqrt(v) + 1e-7) / np.where(m == 0, 1, m))[live]))


def order(found, step):
    """The letter of a step: which t fits the rate that was found."""
    read, added = rate(step + 1), rate(step + 2)
    apart = {"r": abs(found - read), "a": abs(found - added)}
    letter = min(apart, key=apart.get)
    return letter if apart[letter] < abs(read - added) / 4 else "?"


def watched(model, images, labels):
    """Train step by step; gives the letters."""
    letters, before = "", model.get_weights()
    for step in range(len(images) // 128):
        rows = slice(128 * step, 128 * (step + 1))
        model.train_on_batch(images[rows], labels[rows])
        after = model.get_weights()
        letters += order(moved(before[WEIGHT], after[WEIGHT], model.optimizer), step)
        before = after
    return letters


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", choices=("one", "default"), default="one")
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--functions", type=int, default=1)
    options = parser.parse_args()
    if options.threads == "one":
        one_thread()
    set_seeds(2019, (), options.threads)
    from keras import optimizers

    def compiled():
        model = lenet5()
        model.compile(optimizers.Adam(lr=RATE), "sparse_categorical_crossentropy")
        return model

    model = compiled()
    images, labels = digits(options.data, "train", 128 * options.steps)
    if options.blind:
        model.fit(images, labels, batch_size=128, shuffle=False, verbose=0)
    letters = "" if options.blind else watched(model, images, labels)
    for _ in range(options.functions - 1):
        letters += " " + watched(compiled(), images, labels)
    weights = b"".join(one.tobytes() for one in model.get_weights())
    print(json.dumps({"orders": letters, "model": hashlib.md5(weights).hexdigest()}))


if __name__ == "__main__":
    main()
