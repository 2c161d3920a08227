"""Watches `tf.keras` and the optimizers of TensorFlow 1.14 and 2.1, which share their functions with Keras 2."""

import importlib

from . import layer_inspection, loops
from .gradients import watch_apply_gradients, watch_compute_gradients, watch_get_gradients
from .sessions import Sessions
from .tapes import Tapes
from .watcher import watch_of


def is_legacy(tensorflow):
    """Whether this TensorFlow's `tf.keras` trains as Keras 2 did: up to 2.1."""
    major, minor = (int(part) for part in tensorflow.__version__.split(".")[:2])
    return (major, minor) < (2, 2)


def install(tensorflow, probe):
    """Install the watcher for a legacy TensorFlow, its `tf.keras` and its own optimizers."""
    watch = watch_of(probe)
    watch.functions.wrap_model(_module("keras.engine.training").Model)
    watch.leave_out_metrics(_module("keras.metrics").Metric)
    optimizer = _module("keras.optimizer_v2.optimizer_v2").OptimizerV2
    watch_get_gradients(optimizer, probe)
    tapes = Tapes(watch)
    tapes.wrap_tape(_module("eager.backprop").GradientTape)
    if probe.details is not None:
        layer = _module("keras.engine.base_layer").Layer
        layer_inspection.EagerInspection(watch, tapes).wrap(_module("eager.backprop").GradientTape, layer)
    watch_apply_gradients(optimizer, probe, tapes)
    watch_get_gradients(_module("keras.optimizers").Optimizer, probe)
    session_optimizer = _module("training.optimizer").Optimizer
    loops.install(_module, watch)
    watch_compute_gradients(session_optimizer, probe)
    watch_apply_gradients(session_optimizer, probe, tapes)
    Sessions(watch).wrap(_module("client.session").BaseSession)


def _module(name):
    return importlib.import_module("tensorflow.python." + name)
