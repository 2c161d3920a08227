"""Training loops of the program's own on TensorFlow: tapes, layers, optimizers, eagerly and in `tf.function`."""

import functools
import importlib
import struct

from ... import rng
from ..keras3 import loops as keras3_loops
from . import graphs

_WORDS = struct.Struct("<625I").pack  # the state of a `random.Random`


def _module(name):
    return importlib.import_module("tensorflow.python." + name)


def install(tensorflow, watch, layer_class):
    """Watch the loops of a program whose optimizers and layers are those of Keras 3. Returns the loops."""
    loops = keras3_loops.Loops(watch)
    parts = {
        "get_default_graph": _module("framework.ops").get_default_graph,
        "is_xla": _module("ops.control_flow_util").GraphOrParentsInXlaContext,
    }
    loops.graphs = graphs.Graphs(loops, tensorflow, parts)
    loops.graphs.wrap_calls(_module("eager.polymorphic_function.polymorphic_function").Function)
    keras3_loops.wrap_layers(layer_class, loops)
    tape = _module("eager.backprop").GradientTape
    if watch.probe.details is not None:
        from .inspection import OperationInspection  # needs parts of TensorFlow that nothing else does

        loops.look = watch.backend.look = OperationInspection(watch, loops, watch.probe.details)
        loops.look.wrap_layers(layer_class)
        loops.look.wrap_tape(tape)
        loops.look.wrap_record(_module("eager.record"))
    wrap_gradient(tape, loops)
    return loops


def wrap_gradient(tape_class, loops):
    """Wrap `GradientTape.gradient(target, sources, ...)`: its target is a loss."""
    original = tape_class.gradient

    @functools.wraps(original)
    def gradient(self, target, *args, **kwargs):
        if not loops.is_off():
            loops.watch.probe.guard("loss of a tape", loops.lost, target)
        return original(self, target, *args, **kwargs)

    tape_class.gradient = gradient


def sample_random_state(probe):
    """Add what seeds TensorFlow's random operations to the random states: the context's, and the global generator's."""
    context = _module("eager.context").context
    stateful = _module("ops.stateful_random_ops")

    def state():
        generator, found = stateful.global_generator, context()
        if found._seed is None and generator is None:
            return None
        parts = [repr(found._seed).encode()]
        if found._seed is not None and found._rng is not None:
            parts.append(_WORDS(*found._rng.getstate()[1]))
        if generator is not None:
            parts.append(generator.state.numpy().tobytes())
        return b"|".join(parts)

    rng.SAMPLERS["tensorflow"] = state
