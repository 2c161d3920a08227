"""LeNet-5 on MNIST in Keras 2.3.1 on TensorFlow 1.14 or 2.1, seeded as the paper's Codes 1 and 2.

    PYTHONHASHSEED=0 python lenet5_keras2.py --data digits.npz --out results

The paper (Alahmari et al. 2020, section VIII.B) gives: Adam with 1e-3, 20 epochs, no augmentation, Keras' initial
weights. It leaves open, and here is chosen: batches of 128, ReLU, max pooling, padding "same" in the first convolution.
"""

import argparse
import json
import os
import random
import time

import keras
import numpy as np
import tensorflow as tf
from keras import backend

FIRST = tf.__version__.startswith("1.")


def set_seeds(options):
    """Set the seeds: Code 1 on TensorFlow 1.14, Code 2 on 2.1.

    Channels-first is left out, because these releases cannot train with it on a CPU.
    """
    np.random.seed(options.seed)
    random.seed(options.seed)
    settings = tf.compat.v1.ConfigProto()
    if options.threads == "one":
        settings.intra_op_parallelism_threads = 1
        settings.inter_op_parallelism_threads = 1
    settings.gpu_options.visible_device_list = options.gpu
    if FIRST:
        tf.compat.v1.set_random_seed(options.seed)
        backend.set_session(tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings))
    else:
        os.environ["TF_CUDNN_DETERMINISTIC"] = "true"
        os.environ["TF_DETERMINISTIC_OPS"] = "true"
        if options.one_thread:  # Keras 2.3.1 runs its steps in this context, and not in the session below
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.random.set_seed(options.seed)
        session = tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings)
        tf.compat.v1.keras.backend.set_session(session)  # a session of tf.keras: Keras 2.3.1 does not ask for it


def lenet5():
    return keras.models.Sequential(
        [
            keras.layers.Conv2D(6, 5, padding="same", activation="relu", input_shape=(28, 28, 1)),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 5, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="relu"),
            keras.layers.Dense(84, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def images_of(data, part):
    """Return (n, 28, 28, 1) from 0 to 1, and labels (n,)."""
    return data[part + "_images"][..., None].astype("float32") / 255, data[part + "_labels"].astype("int64")


def save_weights(model, path):
    np.savez(path, **{weight.name: value for weight, value in zip(model.weights, model.get_weights())})


class EveryEpoch(keras.callbacks.Callback):
    """Keeps the weights after each epoch."""

    def __init__(self, out):
        super(EveryEpoch, self).__init__()
        self.out = out

    def on_epoch_end(self, epoch, logs=None):
        save_weights(self.model, os.path.join(self.out, "weights-%02d.npz" % (epoch + 1)))


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, out):
    """Train and test one model.

    Write its weights after each epoch, its predictions on the test digits, and outcome.json.
    """
    os.makedirs(out, exist_ok=True)
    backend.clear_session()
    set_seeds(options)
    data = np.load(options.data)
    model = lenet5()
    model.compile(keras.optimizers.Adam(lr=1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    save_weights(model, os.path.join(out, "weights-00.npz"))
    train, validation, test = (images_of(data, part) for part in ("train", "validation", "test"))
    began = time.time()
    history = model.fit(train[0], train[1], batch_size=options.batch, epochs=options.epochs, verbose=2,
                        validation_data=validation, callbacks=[EveryEpoch(out)])  # fmt: skip
    trained = time.time()
    predictions = model.predict(test[0], batch_size=1000)
    tested = time.time()
    np.savez(os.path.join(out, "predictions.npz"), predictions=predictions)
    outcome = {
        "library": "keras %s, tensorflow %s" % (keras.__version__, tf.__version__),
        "train_seconds": trained - began,
        "test_seconds": tested - trained,
        "loss": in_json(history.history.get("loss", [])),
        "validation_loss": in_json(history.history.get("val_loss", [])),
    }
    with open(os.path.join(out, "outcome.json"), "w") as file:
        json.dump(outcome, file, indent=1, allow_nan=False)
    print("accuracy %.4f" % np.mean(predictions.argmax(1) == test[1]))


def test_again(options):
    """Write the predictions of weights that were trained before."""
    os.makedirs(options.out, exist_ok=True)
    set_seeds(options)
    images = images_of(np.load(options.data), "test")[0]
    model = lenet5()
    with np.load(options.test) as weights:
        model.set_weights([weights[name] for name in weights.files])
    np.savez(os.path.join(options.out, "predictions.npz"), predictions=model.predict(images, batch_size=1000))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file: {train,validation,test}_{images,labels}")
    parser.add_argument("--out", required=True, help="folder for the results")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--gpu", default="0", help="the only visible GPU, if there is a GPU")
    parser.add_argument("--threads", choices=("one", "default"), default="one", help="threads of the session")
    parser.add_argument(
        "--one-thread", action="store_true", help="also use one thread in TensorFlow 2.1, which ignores Code 2"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, help="how many models to train in this process, one after another"
    )
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    if options.test:
        test_again(options)
    for number in range(0 if options.test else options.repeat):
        out = os.path.join(options.out, "model-%d" % (number + 1)) if options.repeat > 1 else options.out
        train_and_test(options, out)


if __name__ == "__main__":
    main()
