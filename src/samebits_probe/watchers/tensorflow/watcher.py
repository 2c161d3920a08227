"""TensorFlow's own training loops, and `tf.keras` of releases that do not train as Keras 3 does.

From TensorFlow 2.16 on the layers and optimizers of a loop are those of Keras 3, whose watcher sees them when it is
imported (`tf.keras` imports it when it is used).
"""

from typing import TYPE_CHECKING

from ..keras2 import loops
from ..keras2.gradients import Tapes, watch_apply_gradients, watch_compute_gradients, watch_get_gradients
from ..keras2.loops import Sessions
from ..keras2.watcher import watch_of
from ..objects import Library
from . import tapes, variables
from .variables import module_of

if TYPE_CHECKING:
    from ...probe import Probe

# what counts as seen: (point, hook, hidden by, what the report says)
SEEN = [
    (
        "end: variables of the program's own",
        "every tf.Variable that Keras does not own (weights trained by hand), read at the exit, or when it dies",
        "variables of a graph without a session; the state of a tf.random.Generator is left out",
    ),
    ("end: attributes of a tf.Module", "numbers, arrays and tensors in plain attributes", "text"),
]


def install(module: Library, probe: "Probe") -> None:
    """Install the watcher; up to TensorFlow 2.1 the legacy one."""
    if _is_legacy(module):
        _install_legacy(probe)
    else:
        tapes.sample_random_state()
        variables.watch_variables(probe)


# `tf.keras` and the optimizers of TensorFlow 1.14 and 2.1 share their functions with Keras 2.


def _is_legacy(tensorflow: Library) -> bool:
    """Return whether this TensorFlow's `tf.keras` trains as Keras 2 did: up to 2.1."""
    major, minor = (int(part) for part in tensorflow.__version__.split(".")[:2])
    return (major, minor) < (2, 2)


def _install_legacy(probe: "Probe") -> None:
    """Install the watcher for a legacy TensorFlow, its `tf.keras` and its own optimizers."""
    watch = watch_of(probe)
    watch.functions.wrap_model(module_of("keras.engine.training").Model)
    watch.leave_out_metrics(module_of("keras.metrics").Metric)
    optimizer = module_of("keras.optimizer_v2.optimizer_v2").OptimizerV2
    watch_get_gradients(optimizer, probe)
    tapes = Tapes(watch)
    tapes.wrap_tape(module_of("eager.backprop").GradientTape)
    watch_apply_gradients(optimizer, probe, tapes)
    watch_get_gradients(module_of("keras.optimizers").Optimizer, probe)
    session_optimizer = module_of("training.optimizer").Optimizer
    loops.install(watch)
    watch_compute_gradients(session_optimizer, probe)
    watch_apply_gradients(session_optimizer, probe, tapes)
    Sessions(watch).wrap(module_of("client.session").BaseSession)
