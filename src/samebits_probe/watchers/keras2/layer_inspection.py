"""What one step computes in a graph of TensorFlow 1.14 or 2.1: outputs of layers, or of every operation.

All of it is fetched by the program's own run of the graph, so nothing is added to the graph.
"""

from ..tensorflow.accesses import handles, unordered
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
