"""TensorFlow's own training loops, and `tf.keras` of the releases before Keras 3's way of training."""
from . import keras2_tfkeras


def install(module, probe):
    """Install the watcher: the legacy one up to TensorFlow 2.1."""
    if keras2_tfkeras.is_legacy(module):
        keras2_tfkeras.install(module, probe)
