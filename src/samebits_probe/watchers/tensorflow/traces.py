"""The operations of steps that TensorFlow 2 has just traced into a function: found before the trace ends.

What a step writes has no value of its own: for that the variable is read once more, after the last operation that
writes it. TensorFlow puts all that touches a variable into the order in which it was made.
"""

from tensorflow.python.ops import gen_resource_variable_ops

from ...lines import innermost
from .accesses import WRITES, handles, unordered
from .layers import owners, shown, size
from .operations import Operations, ancestors


class Step:
    """One optimizer step of a graph: `tensors` are given out, and `write` is called with their values when it runs."""

    def __init__(self, graph, operations=None):
        self._graph, self._operations = graph, operations
        self.is_a_part = False  # whether some of the step is computed around this graph
        self.tensors = operations.tensors if operations is not None else []

    def write(self, watch, values, variables):
        """Write what was computed, and what touches a variable without an order.

        `variables`: [(name, variable)] of Keras or TensorFlow that are known by name.
        """
        details = watch.probe.details
        if not details.is_on():
            return
        if self._operations is not None:
            self._operations.add(details, values, lambda value: watch.described(watch.backend.array(value)))
            if self.is_a_part:
                details.note("Operators around the condition or loop in which an optimizer is applied are not seen.")
        plain = [(name, getattr(variable, "_value", variable)) for name, variable in variables]
        for name, reads, writes in unordered(self._graph.get_operations(), handles(self._graph, plain)):
            details.add("update", "access", name, reads=reads, writes=writes)


class Trace:
    """One graph from its operation number `since` on. `lines`: (beginnings of paths of libraries, until)."""

    def __init__(self, graph, lines, since=0):
        self._graph, self._lines = graph, lines
        self._since = since

    def steps(self, results, applied):
        """[Step] for each optimizer step, at least one.

        `results`: tensors of the forward way. `applied`: [(number of operations before the step's update, gradients)].
        """
        applied = applied or [(size(self._graph), [])]
        operations = self._graph.get_operations()
        places = {operation: place for place, operation in enumerate(operations)}
        operations = operations[self._since :]
        forward = ancestors(self._own(list(results) + shown(self._graph).targets))
        backward = [ancestors(self._own(gradients)) for _, gradients in applied]
        runs = ancestors(operation for operation in operations if operation._is_stateful).union(forward, *backward)
        runs = [operation for operation in operations if operation in runs]
        written, layers = self._written(runs), owners(self._graph)
        ends = [number for number, _ in applied]

        def phase_of(operation):
            if operation in forward:
                return "forward"
            if any(operation in one for one in backward):
                return "backward"
            return self._phase_at(places[operation], ends)

        def place(operation):
            return phase_of(operation), layers.get(operation, ""), self._code(operation)

        steps = [[] for _ in applied]
        for operation in runs:
            needed = next((number for number, one in enumerate(backward) if operation in one), None)
            number = _step_at(places[operation], ends) if needed is None else needed
            steps[number].append(operation)
        return [Step(self._graph, Operations(part, place, written)) for part in steps]

    def without_operations(self, applied):
        """The same, where operations are not asked for."""
        return [Step(self._graph) for _ in applied or [None]]

    def _own(self, tensors):
        return [tensor for tensor in tensors if getattr(tensor, "graph", None) is self._graph]

    def _phase_at(self, place, ends):
        """By its place: after a gradient was asked for, before or after the update began."""
        asked = [("backward", one) for one in shown(self._graph).asked]
        marks = sorted(asked + [("update", one) for one in ends], key=lambda mark: mark[1])
        return ([phase for phase, mark in marks if mark <= place] or ["forward"])[-1]

    def _written(self, operations):
        """{operation: [what the variables that it is the last to write hold then]}."""
        last = {}
        for operation in operations:
            if operation.type.startswith(WRITES):
                last.update((handle.name, (operation, handle)) for handle in operation.inputs if _is_handle(handle))
        found = {}
        for operation, handle in last.values():
            attributes = operation.op_def.attr
            kind = next((one.name for one in attributes if one.name in ("dtype", "T")), None)
            if kind is not None:
                value = gen_resource_variable_ops.read_variable_op(handle, operation.get_attr(kind))
                found.setdefault(operation, []).append(value)
        return found

    def _code(self, operation):
        """The program's line that made it, or its name where it is made by the libraries alone."""
        frames = [(frame.filename, frame.lineno, frame.name) for frame in operation.traceback]
        return innermost(reversed(frames), *self._lines) or operation.name


def _is_handle(tensor):
    return tensor.dtype.name == "resource"


def _step_at(place, ends):
    """The number of the optimizer step in which an operation was made that no gradient is computed from."""
    return next((number for number, end in enumerate(ends[1:]) if place < end), len(ends) - 1)
