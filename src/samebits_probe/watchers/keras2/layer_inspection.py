"""What one step computes in a graph of TensorFlow 1.14 or 2.1: outputs of layers, or of every operation.

The program's own run of the graph fetches all of it, so nothing is added to the graph.
"""

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple, Union

from ..objects import Graph, Model, NamedValue, Operation, Tensor
from ..tensorflow.operations import GIVEN, OperationPlace, Operations, ancestors, given_out, handles, unordered
from . import gradients as keras2_gradients

if TYPE_CHECKING:
    from ...probe.inspection import Inspection, Output
    from .watcher import Keras2Watch

ShownLayer = Tuple[str, str, List[Tensor]]  # name, type, outputs


class StepParts(NamedTuple):
    """What is known about a step in a graph. `updates`: the operations that apply gradients, if they are known."""

    results: List[Tensor]  # of the forward pass
    applied: List[keras2_gradients.AppliedGradients]
    updates: Iterable[Operation]


class FetchedTensors:
    """The tensors to fetch (`tensors`), and the facts that are written about their values."""

    def __init__(
        self, watch: "Keras2Watch", details: "Inspection", layers: "Union[ModelLayers, Scopes]", step: StepParts
    ) -> None:
        self._watch, self._details, self._place_in = watch, details, layers.of
        self._forward = ancestors(step.results)
        gradients = [one for each in step.applied for one in each.gradients if one is not None]
        self._backward = ancestors(map(keras2_gradients.tensor_of, gradients))
        self._layers: List[ShownLayer] = []
        self._operations: Optional[Operations] = None
        if self._details.level == "operator":
            updates = ancestors(list(step.updates) + [one for each in step.applied for one in each.operations()])
            self._operations = Operations(self._forward | self._backward | updates, self._place)
            self.tensors = self._operations.tensors
        else:
            shown = [item for item in layers.outputs(self._forward) if item[2]]
            self._layers = sorted(shown, key=lambda item: item[2][0].op._id)
            self.tensors = [tensor for _, _, tensors in self._layers for tensor in tensors]

    def is_on(self) -> bool:
        """Return whether the running step is the one to inspect."""
        return self._details.is_on()

    def add(self, values: Iterable[Any], running: Iterable[Operation], named: Dict[str, str]) -> None:
        """Write one step. `values`: of `tensors`, in their order; `running`, `named`: see `unordered`."""
        if self._operations is not None:
            self._operations.add(self._details, values, self._output)
        following = iter(values)
        for name, kind, tensors in self._layers:
            outputs = [self._output(next(following)) for _ in tensors]
            self._details.add("forward", "module", name, outputs, type=kind)
        for name, reads, writes in unordered(running, named):
            self._details.add("update", "access", name, reads=reads, writes=writes)

    def _output(self, value: Any) -> "Output":
        ((_, array),) = self._watch.arrays_of("", value)
        return self._details.output(array.dtype, array.shape, self._watch.arrays.kept(array).fingerprint, array.tobytes)

    def _place(self, operation: Operation) -> OperationPlace:
        """Return (phase, layer, name)."""
        phase = "forward" if operation in self._forward else "backward" if operation in self._backward else "update"
        return phase, self._place_in(operation.name), operation.name


class ModelLayers:
    """The layers of a model of Keras, or none."""

    def __init__(self, model: Optional[Model]) -> None:
        self._layers = list(model.layers) if model is not None else []
        self._names = {layer.name for layer in self._layers}

    def of(self, name: str) -> str:
        """Return the layer of an operation.

        Its name is a part of the operation's, as in `gradients/conv2d_1/convolution`.
        """
        return next((part for part in name.split("/") if part in self._names), "")

    def outputs(self, forward: Set[Operation]) -> List[ShownLayer]:
        """Return [(layer's name, its type, its outputs among the operations `forward`)]."""
        found = []
        for layer in self._layers:
            tensors = [t for node in layer._inbound_nodes for t in node.output_tensors if t.op in forward]
            tensors = [tensor for tensor in tensors if tensor.op.type not in GIVEN]
            found.append((layer.name, type(layer).__name__, tensors))
        return found


class Scopes:
    """The layers of a graph that a program has built by itself: the name scopes that hold variables."""

    def __init__(self, graph: Graph) -> None:
        names = {variable.op.name.rpartition("/")[0] for variable in graph.get_collection("variables")}
        self._names = sorted(names - {""}, key=lambda name: (-len(name), name))

    def of(self, name: str) -> str:
        """Return the innermost scope in an operation's name, as in `gradients/tower/conv1/Conv2D_grad/Shape`."""
        return next((scope for scope in self._names if "/%s/" % scope in "/" + name), "")

    def outputs(self, forward: Set[Operation]) -> List[ShownLayer]:
        """Return [(scope, "scope", [output of its last operation among `forward`])]."""
        last: Dict[str, Operation] = {}
        for operation in sorted(forward, key=lambda one: one._id):
            if operation.outputs and operation.type not in GIVEN:
                last[self.of(operation.name)] = operation
        return [(name, "scope", given_out(operation)[:1]) for name, operation in last.items() if name]


def running(function: Any, variables: List[NamedValue]) -> Tuple[Set[Operation], Dict[str, str]]:
    """Return (operations that a call of a function of Keras runs, {name of a handle's tensor: name of its variable}).

    `variables`: [(name, variable)], whose handles are known by name.
    """
    made = getattr(function, "_graph_fn", None)
    if made is None:
        return ancestors(list(function.outputs) + [function.updates_op] + list(function.fetches)), {}
    return ancestors(made.graph.outputs), handles(made.graph, variables)
