"""What one step computes in a graph of TensorFlow 1.14 or 2.1: outputs of layers, or of every operation.

All of it is fetched by the program's own run of the graph, so nothing is added to the graph.
"""

import functools
import importlib.util

from ..tensorflow.accesses import handles, unordered
from ..tensorflow.layers import LayerStack, libraries
from ..tensorflow.operations import GIVEN, Operations, ancestors, given_out
from . import gradients as keras2_gradients


class FetchedTensors:
    """The tensors to fetch (`tensors`), and what is written of their values.

    `layers`: `ModelLayers` or `Scopes`. `results`: tensors of the forward way. `found`: what optimizers apply
    (`keras2_gradients.AppliedGradients`). `updates`: operations that do so, where they are known.
    """

    def __init__(self, watch, layers, results, found, updates=()):
        self._watch, self._details, self._place_in = watch, watch.probe.details, layers.of
        self._forward = ancestors(results)
        gradients = [one for each in found for one in each.gradients if one is not None]
        self._backward = ancestors(map(keras2_gradients.tensor_of, gradients))
        self._layers, self._operations = [], None
        if self._details.level == "operator":
            updates = ancestors(list(updates) + [one for each in found for one in each.operations()])
            self._operations = Operations(self._forward | self._backward | updates, self._place)
            self.tensors = self._operations.tensors
        else:
            shown = [item for item in layers.outputs(self._forward) if item[2]]
            self._layers = sorted(shown, key=lambda item: item[2][0].op._id)
            self.tensors = [tensor for _, _, tensors in self._layers for tensor in tensors]

    def is_on(self):
        """Whether the step that runs is the one."""
        return self._details.is_on()

    def add(self, values, running, named):
        """Write one step. `values`: of `tensors`, in their order; `running`, `named`: see `unordered`."""
        if self._operations is not None:
            self._operations.add(self._details, values, self._output)
        values = iter(values)
        for name, kind, tensors in self._layers:
            outputs = [self._output(next(values)) for _ in tensors]
            self._details.add("forward", "module", name, outputs, type=kind)
        for name, reads, writes in unordered(running, named):
            self._details.add("update", "access", name, reads=reads, writes=writes)

    def _output(self, value):
        ((_, array),) = self._watch.arrays_of("", value)
        return self._details.output(array.dtype, array.shape, self._watch.arrays.fingerprint(array), array.tobytes)

    def _place(self, operation):
        """(phase, layer, name)."""
        phase = "forward" if operation in self._forward else "backward" if operation in self._backward else "update"
        return phase, self._place_in(operation.name), operation.name


class ModelLayers:
    """The layers of a model of Keras, or none."""

    def __init__(self, model):
        self._layers = list(model.layers) if model is not None else []
        self._names = {layer.name for layer in self._layers}

    def of(self, name):
        """The layer of an operation: its name stands in the operation's, as in `gradients/conv2d_1/convolution`."""
        return next((part for part in name.split("/") if part in self._names), "")

    def outputs(self, forward):
        """[(layer's name, its type, its outputs among the operations `forward`)]."""
        found = []
        for layer in self._layers:
            tensors = [t for node in layer._inbound_nodes for t in node.output_tensors if t.op in forward]
            tensors = [tensor for tensor in tensors if tensor.op.type not in GIVEN]
            found.append((layer.name, type(layer).__name__, tensors))
        return found


class Scopes:
    """The layers of a graph that a program has built by itself: the name scopes in which there are variables."""

    def __init__(self, graph):
        names = {variable.op.name.rpartition("/")[0] for variable in graph.get_collection("variables")}
        self._names = sorted(names - {""}, key=lambda name: (-len(name), name))

    def of(self, name):
        """The innermost scope that stands in an operation's name, as in `gradients/tower/conv1/Conv2D_grad/Shape`."""
        return next((scope for scope in self._names if "/%s/" % scope in "/" + name), "")

    def outputs(self, forward):
        """[(scope, "scope", [output of its last operation among `forward`])]."""
        last = {}
        for operation in sorted(forward, key=lambda one: one._id):
            if operation.outputs and operation.type not in GIVEN:
                last[self.of(operation.name)] = operation
        return [(name, "scope", given_out(operation)[:1]) for name, operation in last.items() if name]


def running(function, variables):
    """(operations that a call of a function of Keras runs, {name of a handle's tensor: name of its variable}).

    `variables`: [(name, variable)], whose handles are known by name.
    """
    made = getattr(function, "_graph_fn", None)
    if made is None:
        return ancestors(list(function.outputs) + [function.updates_op] + list(function.fetches)), {}
    return ancestors(made.graph.outputs), handles(made.graph, variables)


# What `samebits locate` looks at in eager loops on TensorFlow 1.14 and 2.1: layers, and on 2.1 operations.


class EagerInspection:
    """The look at the eager loops of one process. `tapes`: the watcher of their steps."""

    def __init__(self, watch, tapes):
        self._watch, self._details = watch, watch.probe.details
        self._running = LayerStack()
        self._eager = None
        if self._details.level == "operator" and _has_callbacks():
            from ..tensorflow.eager import EagerOperations

            parts = {"described": self._described, "fingerprint": lambda tensor: self._print(tensor._numpy()).hex()}
            self._eager = EagerOperations(watch.probe, self._details, self._running, (libraries(),), **parts)
            tapes.before, tapes.after = self._before(tapes.before), self._eager.unseen(tapes.after)

    def _print(self, array):
        return self._watch.arrays.fingerprint(array)

    def _described(self, tensor):
        array = tensor._numpy()
        return self._details.output(array.dtype, array.shape, self._print(array), array.tobytes)

    def _before(self, original):
        """An optimizer is about to step: what it does then is the update."""
        original = self._eager.unseen(original)

        def before(*arguments):
            step = original(*arguments)
            self._eager.phase = "update"
            return step

        return before

    def wrap(self, tape_class, layer):
        """Wrap the calls of layers, and what a program does first and last with a tape."""
        look, guard = self, self._watch.probe.guard
        enter, gradient, call = tape_class.__enter__, tape_class.gradient, layer.__call__

        @functools.wraps(enter)
        def __enter__(self):
            guard("details of a tape", look._begins)
            return enter(self)

        @functools.wraps(gradient)
        def asked(self, *args, **kwargs):
            if look._eager is not None:
                look._eager.phase = "backward"
            return gradient(self, *args, **kwargs)

        @functools.wraps(call)
        def __call__(self, *args, **kwargs):
            if not look._is_on():
                return call(self, *args, **kwargs)
            called = functools.partial(call, self, *args, **kwargs)
            result = look._running.within(self.name, lambda: None, called)
            guard("details of a layer", look._returned, self, result)
            return result

        tape_class.__enter__, tape_class.gradient, layer.__call__ = __enter__, asked, __call__

    def _is_on(self):
        return self._details.is_on() and not self._watch.looping and self._watch.is_eager()

    def _begins(self):
        """A tape begins to record: the first sign of a step."""
        if not self._is_on():
            return
        self._watch.probe.begin()
        if self._eager is not None:
            self._eager.begin()
            self._eager.phase = "forward"
        elif self._details.level == "operator":
            self._details.note("Operators are not seen: TensorFlow 1.14 has no callbacks of operations.")

    def _returned(self, layer, result):
        tensors = [tensor for tensor in self._watch.flatten(result) if hasattr(tensor, "_numpy")]
        outputs = [self._described(tensor) for tensor in tensors]
        self._details.add("forward", "module", layer.name, outputs, type=type(layer).__name__)


def _has_callbacks():
    return importlib.util.find_spec("tensorflow.python.framework.op_callbacks") is not None
