"""An anchor-free detector of digits in a scene, in Keras 3 and in Keras 2.3.1.

    KERAS_BACKEND=jax python detection_keras.py --data scenes.npz --out results

The same network, loss and optimizer as in PyTorch: see detection_pytorch.py.
"""

import argparse
import json
import os
import random
import time
from pathlib import Path

import keras
import numpy as np

CLASSES, PRIOR = 10, 3.0
ops = getattr(keras, "ops", keras.backend)


def set_seeds(seed, threads):
    """Set the seeds of Keras 3, or follow the paper's Codes 1 and 2.

    These are for TensorFlow 1.14 and 2.1 (see lenet5_keras2.py).
    """
    if hasattr(keras, "ops"):
        keras.utils.set_random_seed(seed)
        return
    import tensorflow as tf

    random.seed(seed)
    np.random.seed(seed)
    count = 1 if threads == "one" else 0
    settings = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=count, inter_op_parallelism_threads=count)
    if tf.__version__.startswith("1."):
        tf.compat.v1.set_random_seed(seed)
        keras.backend.set_session(tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings))
    else:
        os.environ["TF_CUDNN_DETERMINISTIC"] = os.environ["TF_DETERMINISTIC_OPS"] = "true"
        tf.random.set_seed(seed)


def library():
    """Return (Keras, the library with which it computes)."""
    backend = keras.backend.backend()
    if not hasattr(keras, "ops"):
        import tensorflow as tf

        backend = f"tensorflow {tf.__version__}"
    return f"keras {keras.__version__}, {backend}"


def detector(size, features=8):
    """Return a network from images (n, size, size, 1) to cells (n, size / 4, size / 4, classes + 4)."""
    layers = []
    for width in (features, 2 * features, 3 * features):
        layers += [keras.layers.MaxPooling2D()] if layers else []
        layers += [keras.layers.Conv2D(width, 3, padding="same", activation="relu") for _ in range(2)]
    model = keras.models.Sequential([*layers, keras.layers.Conv2D(CLASSES + 4, 1)])
    model.build((None, size, size, 1))
    return model


def loss_of(targets, given):
    """Return the focal loss of the scores; absolute errors of the boxes in the cells that hold a digit."""
    score, true = ops.clip(ops.sigmoid(given[..., :CLASSES] - PRIOR), 1e-6, 1 - 1e-6), targets[..., :CLASSES]
    focal = -true * (1 - score) ** 2 * ops.log(score) - (1 - true) * score**2 * ops.log(1 - score)
    apart = ops.sum(true, -1, keepdims=True) * ops.abs(given[..., CLASSES:] - targets[..., CLASSES:])
    return ops.sum(focal, (1, 2, 3)) + ops.sum(apart, (1, 2, 3))


def images_of(data, part):
    """Return (n, size, size, 1) from 0 to 1."""
    return data[part + "_images"][..., None].astype("float32") / 255


def save_weights(model, path):
    np.savez(path, **{f"{number:02d}": value for number, value in enumerate(model.get_weights())})


class EpochWeights(keras.callbacks.Callback):
    """Keeps the weights after the first and the last epoch."""

    def __init__(self, options):
        super().__init__()
        self.options = options

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in (1, self.options.epochs):
            save_weights(self.model, self.options.out / f"weights-{epoch + 1:02d}.npz")


def predict(model, images):
    """Return the cells, their scores from 0 to 1."""
    given = model.predict(images, batch_size=100, verbose=0)
    return np.concatenate([1 / (1 + np.exp(PRIOR - given[..., :CLASSES])), given[..., CLASSES:]], -1)


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, model, data):
    """Train and test one model. Write its weights, its predictions on the test scenes, and outcome.json."""
    model.compile(keras.optimizers.Adam(options.rate), loss_of)
    save_weights(model, options.out / "weights-00.npz")
    began = time.time()
    history = model.fit(images_of(data, "train"), data["train_targets"], batch_size=options.batch,
                        epochs=options.epochs, verbose=2, callbacks=[EpochWeights(options)])  # fmt: skip
    trained = time.time()
    np.savez(options.out / "predictions.npz", predictions=predict(model, images_of(data, "test")))
    outcome = {
        "library": library(),
        "train_seconds": trained - began,
        "test_seconds": time.time() - trained,
        "loss": in_json(history.history.get("loss", [])),
    }
    (options.out / "outcome.json").write_text(json.dumps(outcome, indent=1, allow_nan=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file of scenes.py")
    parser.add_argument("--out", required=True, type=Path, help="folder for the results")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument(
        "--threads", choices=("one", "default"), default="one", help="threads of a session of TensorFlow 1"
    )
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    set_seeds(options.seed, options.threads)
    data = np.load(options.data)
    model = detector(data["test_images"].shape[1])
    if not options.test:
        train_and_test(options, model, data)
        return
    with np.load(options.test) as weights:
        model.set_weights([weights[name] for name in weights.files])
    np.savez(options.out / "predictions.npz", predictions=predict(model, images_of(data, "test")))


if __name__ == "__main__":
    main()
