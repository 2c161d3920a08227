"""What `samebits locate` inspects on TensorFlow: calls of layers, tapes, and all operations of one step."""

import functools
import os
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Tuple

from tensorflow.python.ops import gen_resource_variable_ops

from ... import wire
from ...callers import OWN, innermost
from ...wrappers import before, guarded, wrap
from ..keras3.models import is_symbolic
from ..objects import Function, Graph, Layer, Library, Operation, Tensor
from ..points import named_leaves
from .operations import (
    LayerStack,
    Lines,
    OperationPlace,
    Operations,
    ancestors,
    libraries,
    owners,
    shown,
    size,
    writes_variable,
)

if TYPE_CHECKING:
    from ...probe.inspection import Inspection
    from ..keras3.functions import Keras3Watch
    from ..keras3.loops import Loops

Applied = Sequence[Tuple[int, List[Tensor]]]  # number of operations before the step's update, gradients

# outside of it is the program that calls `fit`
_TRAIN_STEP = os.path.join(OWN, "watchers", "keras3", "train_step.py"), "train_step"


class OperationInspection:
    """Inspects one process. Everything is called through `probe.guard`, except what `wrap_layers` wraps."""

    def __init__(self, watch: "Keras3Watch", loops: "Loops", details: "Inspection") -> None:
        self._watch, self._loops, self._details = watch, loops, details
        self._running = LayerStack()
        self._lines = libraries(), _TRAIN_STEP
        self.has_operators = details.level == "operator"

    def _graph(self) -> Optional[Graph]:
        """Return the graph that is being built, or None."""
        return None if self._watch.backend.tf.executing_eagerly() else self._watch.backend.graph_of()

    def _asked(self, _: Any, target: Any, *__: Any, **___: Any) -> None:
        """Note that the program asks for gradients of `target`."""
        graph = self._graph()
        if graph is not None:
            backend = self._watch.backend
            for _, leaf in named_leaves("", target, backend.is_leaf):
                shown(graph).targets += [part for _, part in backend.parts("", leaf)]
            shown(graph).asked.append(size(graph))

    def applies(self) -> int:
        """Note that an optimizer applies gradients.

        Returns how many operations the graph that is being built holds by now.
        """
        graph = self._graph()
        if graph is None:
            self.unseen("the step runs eagerly; in a tf.function they are seen")
        return size(graph) if graph is not None else 0

    def steps(self, results: List[Tensor], applied: Applied, since: int = 0) -> "List[Step]":
        """Return [Step] of the graph that is being built; empty if there is none, or if operations are not wanted."""
        graph = self._graph()
        if graph is None or not self.has_operators:
            return []
        return Trace(graph, self._lines, since).steps(results, applied)

    def unseen(self, why: str) -> None:
        """Report why operations of the inspected step are not seen."""
        if self.has_operators and self._details.is_on():
            self._details.note("Operators are not seen: %s." % why)

    # -- tapes and layers ---------------------------------------------------------------------------------------

    def wrap_tape(self, tape_class: Any) -> None:
        """Wrap the last call that a program makes with a tape."""
        before(tape_class, "gradient", guarded(self._watch.probe, "details of a tape", self._asked))

    def wrap_record(self, record: Library) -> None:
        """Wrap `record_operation` of the module `record`, which gets functions that compute gradients."""
        running = self._running

        def make(original: Function) -> Function:
            def record_operation(
                op_type: Any,
                output_tensors: Any,
                input_tensors: Any,
                backward_function: Function,
                *args: Any,
                **kwargs: Any,
            ) -> Any:
                within = functools.partial(running.within, running.innermost(), self._graph, backward_function)
                return original(op_type, output_tensors, input_tensors, within, *args, **kwargs)

            return record_operation

        wrap(record, "record_operation", make)

    def wrap_layers(self, layer_class: Any) -> None:
        """Wrap `Layer.__call__`."""

        def make(original: Function) -> Function:
            def __call__(_layer: Any, *args: Any, **kwargs: Any) -> Any:
                if is_symbolic(args, kwargs):
                    return original(_layer, *args, **kwargs)
                call = functools.partial(original, _layer, *args, **kwargs)
                result = self._running.within(_layer.name, self._graph, call)
                self._watch.probe.guard("details of a layer", self._returned, _layer, result)
                return result

            return __call__

        wrap(layer_class, "__call__", make)

    def _returned(self, layer: Layer, result: Any) -> None:
        """Record what a layer returned in a loop of the program's own. Keras' train steps collect it by themselves."""
        watch, backend = self._watch, self._watch.backend
        if watch.probe.stepping is not None or self._loops.is_elsewhere() or not backend.may_record():
            return
        named = named_leaves(wire.LAYER + layer.name, result, backend.is_leaf)
        graphs = self._loops.graphs
        if graphs is not None and graphs.is_building():
            graphs.returned(named)
        elif self._details.is_on():
            for name, value in named:
                for part, array in backend.arrays(name, value):
                    watch.captured(part, array)


# The operations of steps that TensorFlow 2 has just traced into a function: found before the trace ends.
#
# A write has no value of its own. So the variable is read once more after the last operation that writes it. TensorFlow
# executes all operations on a variable in the order in which they were made.


class Step:
    """One optimizer step of a graph.

    The graph returns `tensors`, and `write` is called with their values when it runs.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations, self.tensors = operations, operations.tensors
        self.is_a_part = False  # whether a part of the step is computed outside of this graph

    def write(self, watch: "Keras3Watch", values: Sequence[Any]) -> None:
        """Write what was computed."""
        details = watch.probe.details
        if details is None or not details.is_on():
            return
        described = functools.partial(watch.described, details)
        self._operations.add(details, values, lambda value: described(watch.backend.array(value)))
        if self.is_a_part:
            details.note("Operators around the condition or loop in which an optimizer is applied are not seen.")


class Trace:
    """One graph from its operation number `since` on. `lines`: (beginnings of paths of libraries, until)."""

    def __init__(self, graph: Graph, lines: Lines, since: int = 0) -> None:
        self._graph, self._lines = graph, lines
        self._since = since

    def steps(self, results: List[Tensor], applied: Applied) -> List[Step]:
        """Return [Step] for each optimizer step, at least one.

        `results`: tensors of the forward pass. `applied`: [(number of operations before the step's update, gradients)].
        """
        applied = applied or [(size(self._graph), [])]
        operations = self._graph.get_operations()
        places = {operation: place for place, operation in enumerate(operations)}
        operations = operations[self._since :]
        forward = ancestors(self._own(list(results) + shown(self._graph).targets))
        backward = [ancestors(self._own(gradients)) for _, gradients in applied]
        run = ancestors(operation for operation in operations if operation._is_stateful).union(forward, *backward)
        runs = [operation for operation in operations if operation in run]
        written, layers = self._written(runs), owners(self._graph)
        ends = [number for number, _ in applied]

        def phase_of(operation: Operation) -> str:
            if operation in forward:
                return "forward"
            if any(operation in one for one in backward):
                return "backward"
            return self._phase_at(places[operation], ends)

        def place(operation: Operation) -> OperationPlace:
            return phase_of(operation), layers.get(operation, ""), self._code(operation)

        steps: List[List[Operation]] = [[] for _ in applied]
        for operation in runs:
            needed = next((number for number, one in enumerate(backward) if operation in one), None)
            number = _step_at(places[operation], ends) if needed is None else needed
            steps[number].append(operation)
        return [Step(Operations(part, place, written)) for part in steps]

    def _own(self, tensors: Iterable[Any]) -> List[Tensor]:
        return [tensor for tensor in tensors if getattr(tensor, "graph", None) is self._graph]

    def _phase_at(self, place: int, ends: Sequence[int]) -> str:
        """Find the phase from the place: after a gradient was requested, before or after the update began."""
        asked = [("backward", one) for one in shown(self._graph).asked]
        marks = sorted(asked + [("update", one) for one in ends], key=lambda mark: mark[1])
        return ([phase for phase, mark in marks if mark <= place] or ["forward"])[-1]

    def _written(self, operations: Iterable[Operation]) -> Dict[Operation, List[Tensor]]:
        """Return {operation: [values of the variables that it writes last]}."""
        last: Dict[str, Tuple[Operation, Tensor]] = {}
        for operation in operations:
            if writes_variable(operation):
                last.update((handle.name, (operation, handle)) for handle in operation.inputs if _is_handle(handle))
        found: Dict[Operation, List[Tensor]] = {}
        for operation, handle in last.values():
            attributes = operation.op_def.attr
            kind = next((one.name for one in attributes if one.name in ("dtype", "T")), None)
            if kind is not None:
                value = gen_resource_variable_ops.read_variable_op(handle, operation.get_attr(kind))
                found.setdefault(operation, []).append(value)
        return found

    def _code(self, operation: Operation) -> str:
        """Return the program's line that made it, or its name if only libraries made it."""
        frames = [(frame.filename, frame.lineno, frame.name) for frame in operation.traceback]
        return innermost(reversed(frames), *self._lines) or operation.name


def _is_handle(tensor: Tensor) -> bool:
    found: bool = tensor.dtype.name == "resource"
    return found


def _step_at(place: int, ends: Sequence[int]) -> int:
    """Return the number of the optimizer step in which an operation was made.

    This is for operations that no gradient depends on.
    """
    return next((number for number, end in enumerate(ends[1:]) if place < end), len(ends) - 1)
