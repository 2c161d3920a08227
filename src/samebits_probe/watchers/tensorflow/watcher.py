"""TensorFlow's own training loops, and `tf.keras` of the releases before Keras 3's way of training.

From TensorFlow 2.16 on the layers and optimizers of a loop are those of Keras 3, whose watcher sees them when it is
imported (`tf.keras` imports it when it is used).
"""

from typing import TYPE_CHECKING

from ..keras2 import tf_keras
from ..objects import Library
from . import tapes, variables

if TYPE_CHECKING:
    from ...probe import Probe

# what counts as seen: (point, hook, hidden by, said)
SEEN = [
    (
        "end: variables of the program's own",
        "every tf.Variable that Keras does not own (weights trained by hand), read at the exit, or when it dies",
        "variables of a graph without a session; the state of a tf.random.Generator is left out",
        "",
    ),
    ("end: attributes of a tf.Module", "numbers, arrays and tensors in plain attributes", "text", ""),
]


def install(module: Library, probe: "Probe") -> None:
    """Install the watcher: the legacy one up to TensorFlow 2.1."""
    if tf_keras.is_legacy(module):
        tf_keras.install(module, probe)
    else:
        tapes.sample_random_state(probe)
        variables.watch_variables(probe)
