"""What the scripts in Keras share. `KERAS_3`: whether it is Keras 3, and not Keras 2.3.1 on TensorFlow 1.14 or 2.1."""

import os
import random

import keras
import numpy as np

KERAS_3 = hasattr(keras, "ops")


def name():
    """Return Keras and the library with which it computes."""
    if KERAS_3:
        return "keras %s, %s" % (keras.__version__, keras.backend.backend())
    import tensorflow as tf

    return "keras %s, tensorflow %s" % (keras.__version__, tf.__version__)


OPTIONS = {
    "--gpu": {"default": "0", "help": "the only visible GPU, if there is a GPU"},
    "--threads": {"choices": ("one", "default"), "default": "one", "help": "threads of a session of TensorFlow"},
    "--one-thread": {"action": "store_true", "help": "also use one thread in TensorFlow 2.1, which ignores Code 2"},
}


def set_seeds(options):
    """Set the seed of Keras 3; or follow the paper's Code 1 on TensorFlow 1.14, and Code 2 on 2.1.

    Channels-first is left out, because these releases cannot train with it on a CPU.
    """
    if KERAS_3:
        keras.utils.set_random_seed(options.seed)
        return
    import tensorflow as tf

    keras.backend.clear_session()  # with --repeat, of the model before
    np.random.seed(options.seed)
    random.seed(options.seed)
    settings = tf.compat.v1.ConfigProto()
    if options.threads == "one":
        settings.intra_op_parallelism_threads = 1
        settings.inter_op_parallelism_threads = 1
    settings.gpu_options.visible_device_list = getattr(options, "gpu", "0")
    if tf.__version__.startswith("1."):
        tf.compat.v1.set_random_seed(options.seed)
        keras.backend.set_session(tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings))
        return
    os.environ["TF_CUDNN_DETERMINISTIC"] = "true"
    os.environ["TF_DETERMINISTIC_OPS"] = "true"
    if getattr(
        options, "one_thread", False
    ):  # Keras 2.3.1 runs its steps in this context, and not in the session below
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(options.seed)
    session = tf.compat.v1.Session(graph=tf.compat.v1.get_default_graph(), config=settings)
    tf.compat.v1.keras.backend.set_session(session)  # a session of tf.keras: Keras 2.3.1 does not ask for it


def start(model, options):
    """Leave the model as it is: Keras' own weights are those that a training starts from."""


class KeptEpochs(keras.callbacks.Callback):
    """Calls `keep` after each epoch."""

    def __init__(self, keep):
        super(KeptEpochs, self).__init__()
        self.keep = keep

    def on_epoch_end(self, epoch, logs=None):
        self.keep(self.model, epoch + 1)


def fit(model, options, keep, inputs, targets, *held_out):
    """Train, and return the losses. `held_out`: inputs and targets of the validation, if there is one."""
    history = model.fit(inputs, targets, batch_size=options.batch, epochs=options.epochs, verbose=2,
                        validation_data=held_out or None, callbacks=[KeptEpochs(keep)]).history  # fmt: skip
    names = (("loss", "loss"), ("validation_loss", "val_loss"))
    return {ours: history[theirs] for ours, theirs in names if theirs in history}


def save(model, path):
    """Write the weights by their names; in Keras 3, where several have one name, by their numbers."""
    names = ["%02d" % number if KERAS_3 else weight.name for number, weight in enumerate(model.weights)]
    np.savez(path, **dict(zip(names, model.get_weights())))


def load(model, path):
    """Put the weights of a file into a model, in the order of the file."""
    with np.load(path) as weights:
        model.set_weights([weights[name] for name in weights.files])
