"""What one step of a Keras 2 function computes: outputs of layers, or of every operation, as further outputs of it.

A graph has no order of execution of its own: "first" is by the number of the operation, after everything that it is
computed from. All of it is fetched by the program's own function, so nothing is added to the graph.
"""

from . import keras2_gradients
from .tensorflow_accesses import unordered

_NO_VALUE = ("resource", "variant", "string")
_GIVEN = ("Placeholder", "PlaceholderWithDefault", "Const", "VarHandleOp", "NoOp")


class Details:
    """The tensors to fetch (`tensors`), and what is written of their values."""

    def __init__(self, watch, details, model, found, results):
        self._watch, self._details = watch, details
        self.variables = []  # [(name, variable)]: whose handles are known by name
        self._layers = _layers_of(model)
        self._forward = keras2_gradients.ancestors(results)
        gradients = [keras2_gradients.tensor_of(g) for g in found.gradients if g is not None] if found else []
        self._backward = keras2_gradients.ancestors(gradients)
        self._whole = self._forward | self._backward
        if found is not None:
            self._whole |= keras2_gradients.ancestors(found.operations())
        self._wanted = self._operators() if details.level == "operator" else self._outputs(model)
        self.tensors = [tensor for _, tensors in self._wanted for tensor in tensors]

    def _operators(self):
        """[(operation, its outputs that have values)]."""
        found = []
        for operation in sorted(self._whole, key=lambda one: one._id):
            if operation.type not in _GIVEN and _is_fetchable(operation):
                tensors = [tensor for tensor in operation.outputs if _has_values(tensor)]
                if tensors:
                    found.append((operation, tensors))
        return found

    def _outputs(self, model):
        """[(layer, its outputs)] in the order of the graph."""
        found = []
        for layer in model.layers if model is not None else ():
            tensors = [t for node in layer._inbound_nodes for t in node.output_tensors if t.op in self._forward]
            tensors = [tensor for tensor in tensors if tensor.op.type not in _GIVEN]
            if tensors:
                found.append((layer, tensors))
        return sorted(found, key=lambda item: item[1][0].op._id)

    def add(self, function, values):
        """Write one step. `values`: of `tensors`, in their order."""
        if not self._details.is_on():
            return
        values = list(values)
        prints = {}
        for owner, tensors in self._wanted:
            outputs = []
            for tensor in tensors:
                output = self._output(tensor.name, values.pop(0))
                prints[tensor.name] = output[2]
                outputs.append(output)
            if self._details.level == "operator":
                self._add_operator(owner, outputs, prints)
            else:
                self._details.add("forward", "module", owner.name, outputs, type=type(owner).__name__)
        operations, named = _running(function, self.variables)
        for name, reads, writes in unordered(operations, named):
            self._details.add("update", "access", name, reads=reads, writes=writes)

    def _output(self, name, value):
        ((_, array),) = self._watch.arrays_of(name, value)
        return self._details.output(array.dtype, array.shape, self._watch.arrays.fingerprint(array), array.tobytes)

    def _add_operator(self, operation, outputs, prints):
        inputs = [prints[tensor.name] for tensor in operation.inputs if tensor.name in prints]
        fields = {"module": self._layer_of(operation), "code": operation.name, "inputs": inputs}
        fields["random"] = "Random" in operation.type
        self._details.add(self._phase_of(operation), "operator", operation.type, outputs, **fields)

    def _phase_of(self, operation):
        if operation in self._forward:
            return "forward"
        return "backward" if operation in self._backward else "update"

    def _layer_of(self, operation):
        """The layer whose name stands in an operation's: `conv2d_1` of `training/Adam/gradients/conv2d_1/...`."""
        parts = operation.name.split("/")
        return next((part for part in parts if part in self._layers), "")


def _layers_of(model):
    return {layer.name for layer in model.layers} if model is not None else set()


def _is_fetchable(operation):
    return operation._get_control_flow_context() is None and operation.graph.is_fetchable(operation)


def _has_values(tensor):
    return tensor.dtype.name not in _NO_VALUE and not tensor.dtype._is_ref_dtype


def _running(function, variables):
    """(operations that a call of the function runs, {name of a handle's tensor: name of its variable})."""
    made = getattr(function, "_graph_fn", None)
    if made is None:
        elements = list(function.outputs) + [function.updates_op] + list(function.fetches)
        return keras2_gradients.ancestors(elements), {}
    known = {id(variable.handle): name for name, variable in variables if hasattr(variable, "handle")}
    named = {}
    for number, (outer, inner) in enumerate(_captures(made.graph)):
        if outer.dtype.name == "resource":
            named[inner.name] = known.get(id(outer), "a variable (capture %d)" % number)
    return keras2_gradients.ancestors(made.graph.outputs), named


def _captures(graph):
    """[(tensor outside, tensor inside)] of a function of TensorFlow 2."""
    captures = graph.captures
    return list(captures.values()) if hasattr(captures, "values") else list(captures)
