"""What `samebits locate` looks at on TensorFlow: calls of layers, tapes, and all operations of one step."""

import functools
import os

from ... import wire
from ...lines import OWN
from ..keras3.loops import is_symbolic
from ..keras3.points import named_leaves
from .eager import EagerOperations
from .layers import LayerStack, libraries, shown, size
from .traces import Trace

_TRAIN_STEP = os.path.join(OWN, "watchers", "keras3", "tensorflow.py"), "train_step"  # outside of it: who calls `fit`


class OperationInspection:
    """The look at one process. Everything is called through `probe.guard`, but for what `wrap_layers` wraps."""

    def __init__(self, watch, loops, details):
        self._watch, self._loops, self._details = watch, loops, details
        self._running = LayerStack()
        self._lines = libraries(), _TRAIN_STEP
        self.has_operators = details.level == "operator"
        kept = watch.points.kept
        self.eager = EagerOperations(
            watch.probe,
            self._running,
            self._lines,
            described=lambda tensor: watch.described(watch.backend.array(tensor)),
            fingerprint=lambda tensor: kept("", watch.backend.array(tensor))[3].hex(),
        )
        watch.backend.quietly(self.eager.unseen)

    def _graph(self):
        """The graph that is being built, or None."""
        return None if self._watch.backend.tf.executing_eagerly() else self._watch.backend.graph_of()

    def begin_eagerly(self):
        """A step that may be executed eagerly begins."""
        if self.has_operators:
            self.eager.begin()

    def _tape_begins(self):
        """A tape begins to record: the first sign of a step of a loop."""
        self.eager.phase = "forward"
        if not self._loops.is_off() and self._graph() is None:
            self._watch.probe.begin()
            self.begin_eagerly()

    def _asked(self, target):
        """Gradients are asked of `target`."""
        self.eager.phase, graph = "backward", self._graph()
        if graph is not None:
            backend = self._watch.backend
            for _, leaf in named_leaves("", target, backend.is_leaf):
                shown(graph).targets += [part for _, part in backend.parts("", leaf)]
            shown(graph).asked.append(size(graph))

    def applies(self):
        """An optimizer applies gradients. Returns how many operations the graph that is being built holds by now."""
        self.eager.phase, graph = "update", self._graph()
        return size(graph) if graph is not None else 0

    def steps(self, results, applied, since=0):
        """[Step] of the graph that is being built, see `traces`; empty where there is none."""
        graph = self._graph()
        if graph is None:
            return []
        trace = Trace(graph, self._lines, since)
        return trace.steps(results, applied) if self.has_operators else trace.without_operations(applied)

    def unseen(self, why):
        """Say why operations are not seen, where that is the step."""
        if self.has_operators and self._details.is_on():
            self._details.note("Operators are not seen: %s." % why)

    # -- tapes and layers ---------------------------------------------------------------------------------------

    def wrap_tape(self, tape_class):
        """Wrap the first and the last thing that a program does with a tape."""
        enter, gradient, guard = tape_class.__enter__, tape_class.gradient, self._watch.probe.guard
        look = self

        @functools.wraps(enter)
        def __enter__(self):
            guard("details of a tape", look._tape_begins)
            return enter(self)

        @functools.wraps(gradient)
        def asked(self, target, *args, **kwargs):
            guard("details of a tape", look._asked, target)
            return gradient(self, target, *args, **kwargs)

        tape_class.__enter__, tape_class.gradient = __enter__, asked

    def wrap_record(self, record):
        """Wrap `record_operation` of the module `record`, which is given functions that compute gradients."""
        original, look = record.record_operation, self

        @functools.wraps(original)
        def record_operation(op_type, output_tensors, input_tensors, backward_function, *args, **kwargs):
            within = functools.partial(look._running.within, look._running.innermost(), look._graph, backward_function)
            return original(op_type, output_tensors, input_tensors, within, *args, **kwargs)

        record.record_operation = record_operation

    def wrap_layers(self, layer_class):
        """Wrap `Layer.__call__`."""
        original, look, guard = layer_class.__call__, self, self._watch.probe.guard

        @functools.wraps(original)
        def __call__(self, *args, **kwargs):
            if is_symbolic(args, kwargs):
                return original(self, *args, **kwargs)
            call = functools.partial(original, self, *args, **kwargs)
            result = look._running.within(self.name, look._graph, call)
            guard("details of a layer", look._returned, self, result)
            return result

        layer_class.__call__ = __call__

    def _returned(self, layer, result):
        """What a layer returned in a loop of the program's own; Keras' train steps collect it by themselves."""
        watch, backend = self._watch, self._watch.backend
        if watch.probe.stepping is not None or self._loops.is_elsewhere() or not backend.may_record():
            return
        named = named_leaves(wire.LAYER + layer.name, result, backend.is_leaf)
        if self._graph() is not None:
            self._loops.graphs.returned(named)
        elif self._details.is_on():
            for name, value in named:
                for part, array in backend.arrays(name, value):
                    watch.captured(part, array)
