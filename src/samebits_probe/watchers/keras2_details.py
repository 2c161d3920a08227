"""What one step of a Keras 2 function computes: outputs of layers, or of every operation, as further outputs of it.

All of it is fetched by the program's own function, so nothing is added to the graph.
"""

from . import keras2_gradients
from .tensorflow_accesses import handles, unordered
from .tensorflow_operations import GIVEN, Operations, ancestors


class Details:
    """The tensors to fetch (`tensors`), and what is written of their values."""

    def __init__(self, watch, details, model, found, results):
        self._watch, self._details = watch, details
        self.variables = []  # [(name, variable)]: whose handles are known by name
        self._names = {layer.name for layer in model.layers} if model is not None else set()
        self._forward = ancestors(results)
        gradients = [keras2_gradients.tensor_of(g) for g in found.gradients if g is not None] if found else []
        self._backward = ancestors(gradients)
        self._layers, self._operations = [], None
        if details.level == "operator":
            updates = ancestors(found.operations()) if found is not None else set()
            self._operations = Operations(self._forward | self._backward | updates, self._place)
            self.tensors = self._operations.tensors
        else:
            self._layers = self._outputs(model)
            self.tensors = [tensor for _, tensors in self._layers for tensor in tensors]

    def _outputs(self, model):
        """[(layer, its outputs)] in the order of the graph."""
        found = []
        for layer in model.layers if model is not None else ():
            tensors = [t for node in layer._inbound_nodes for t in node.output_tensors if t.op in self._forward]
            tensors = [tensor for tensor in tensors if tensor.op.type not in GIVEN]
            if tensors:
                found.append((layer, tensors))
        return sorted(found, key=lambda item: item[1][0].op._id)

    def add(self, function, values):
        """Write one step. `values`: of `tensors`, in their order."""
        if not self._details.is_on():
            return
        if self._operations is not None:
            self._operations.add(self._details, values, self._output)
        values = iter(values)
        for layer, tensors in self._layers:
            outputs = [self._output(next(values)) for _ in tensors]
            self._details.add("forward", "module", layer.name, outputs, type=type(layer).__name__)
        operations, named = _running(function, self.variables)
        for name, reads, writes in unordered(operations, named):
            self._details.add("update", "access", name, reads=reads, writes=writes)

    def _output(self, value):
        ((_, array),) = self._watch.arrays_of("", value)
        return self._details.output(array.dtype, array.shape, self._watch.arrays.fingerprint(array), array.tobytes)

    def _place(self, operation):
        """(phase, layer, name): the layer's name stands in the operation's, as in `gradients/conv2d_1/convolution`."""
        layer = next((part for part in operation.name.split("/") if part in self._names), "")
        if operation in self._forward:
            return "forward", layer, operation.name
        return "backward" if operation in self._backward else "update", layer, operation.name


def _running(function, variables):
    """(operations that a call of the function runs, {name of a handle's tensor: name of its variable})."""
    made = getattr(function, "_graph_fn", None)
    if made is None:
        return ancestors(list(function.outputs) + [function.updates_op] + list(function.fetches)), {}
    return ancestors(made.graph.outputs), handles(made.graph, variables)
