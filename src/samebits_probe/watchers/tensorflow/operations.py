"""The operations that one step runs: those whose values can be returned, what is written about them, and their layers.

A graph has no order of execution. Here "first" means: by the number of the operation, after everything from which it is
computed.

`unordered` finds variables that one run reads and writes without an order between the two: a race decides what is read.
"""

import contextlib
import functools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, TypeVar

from ...callers import OWN
from ...probe.inspection import constant, numbers
from ..objects import Graph, NamedValue, Operation, Tensor

if TYPE_CHECKING:
    from ...probe.inspection import Inspection, Output
    from ...wire import DetailFields

OperationPlace = Tuple[str, str, str]  # phase, layer, code

NO_VALUE = ("resource", "variant", "string")  # names of types of tensors
PASSING = ("Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient")  # return the memory that they get
GIVEN = ("Placeholder", "PlaceholderWithDefault", "Const", "VarHandleOp", "NoOp")


def operation_of(element: Any) -> Operation:
    """Return the operation of a tensor, or itself."""
    return getattr(element, "op", element)


def ancestors(elements: Iterable[Any]) -> Set[Operation]:
    """Return all operations of a graph from which tensors or operations are computed, including their own."""
    waiting = [operation_of(element) for element in elements if element is not None]
    seen: Set[Operation] = set()
    while waiting:
        operation = waiting.pop()
        if operation is not None and operation not in seen:
            seen.add(operation)
            waiting += [source.op for source in operation.inputs] + list(operation.control_inputs)
    return seen


def given_out(operation: Operation) -> List[Tensor]:
    """Return the outputs of an operation whose values a run can return."""
    if not _is_fetchable(operation) or any(map(_is_memory, operation.outputs[:1])):
        return []
    return [tensor for tensor in operation.outputs if _has_values(tensor)]


def is_random(kind: str) -> bool:
    """Return whether an operation of this type draws random numbers."""
    return "Random" in kind


class Operations:
    """Operations of a step whose values are returned (`tensors`), and their entries in the inspection.

    `place(operation)` -> (phase, layer, code). `written`: {operation: [tensors]}, the variables that it writes as they
    are after it, if they are returned, too.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        place: Callable[[Operation], OperationPlace],
        written: Optional[Dict[Operation, List[Tensor]]] = None,
    ) -> None:
        self._place = place
        self._wanted: List[Tuple[Operation, List[Tensor]]] = []
        for operation in sorted(operations, key=lambda one: one._id):
            tensors = given_out(operation) + (written or {}).get(operation, []) if operation.type not in GIVEN else []
            if tensors:
                self._wanted.append((operation, tensors))
        self.tensors = [tensor for _, tensors in self._wanted for tensor in tensors]

    def add(self, details: "Inspection", values: Iterable[Any], output: "Callable[[Any], Output]") -> None:
        """Write one step. `values`: of `tensors`, in their order; `output(value)`: what an inspection keeps of one."""
        following = iter(values)
        prints: Dict[str, str] = {}
        for operation, tensors in self._wanted:
            outputs = [output(next(following)) for _ in tensors]
            prints.update((tensor.name, kept[2]) for tensor, kept in zip(tensors, outputs))
            phase, layer, code = self._place(operation)
            fields: DetailFields = {"module": layer, "code": code, "random": is_random(operation.type)}
            fields["given"] = _given(operation)
            if not any(map(_is_memory, operation.inputs)):
                fields["inputs"] = [prints[tensor.name] for tensor in operation.inputs if tensor.name in prints]
            details.add(phase, "operator", operation.type, outputs, **fields)


def _given(operation: Operation) -> Dict[str, str]:
    """Return {name: text} of its numeric attributes and its constant inputs."""
    from tensorflow.python.framework import tensor_util  # this file is also imported before TensorFlow

    found = {name: numbers(_number(value)) for name, value in operation.node_def.attr.items() if name[0] != "_"}
    for place, tensor in enumerate(operation.inputs):
        if tensor.op.type == "Const" and _has_values(tensor):
            found["input %d" % place] = constant(tensor_util.constant_value(tensor))
    return {name: text for name, text in found.items() if text is not None}


def _number(attribute: Any) -> Any:
    kind = attribute.WhichOneof("value")
    if kind == "list":
        return list(attribute.list.i) or list(attribute.list.f)
    return getattr(attribute, kind) if kind in ("i", "f", "b") else None


def _is_fetchable(operation: Operation) -> bool:
    return operation._get_control_flow_context() is None and operation.graph.is_fetchable(operation)


def _is_memory(tensor: Tensor) -> bool:
    """Return whether it is the memory of a variable of TensorFlow 1, which the same run may write meanwhile."""
    while tensor.op.type in PASSING and tensor.op.inputs:
        tensor = tensor.op.inputs[0]
    found: bool = tensor.dtype._is_ref_dtype
    return found


def _has_values(tensor: Tensor) -> bool:
    return tensor.dtype.name not in NO_VALUE and not tensor.dtype._is_ref_dtype


# -- variables that a race decides ------------------------------------------------------------------------------------


# variable, names of the operations that read it, names of those that write it
Access = Tuple[str, List[str], List[str]]

_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
_LOOK_ONLY = ("VarIsInitializedOp", "IsVariableInitialized", "VariableShape", "Shape")


def unordered(operations: Iterable[Operation], named: Dict[str, str]) -> List[Access]:
    """Return [(variable, names of reads, names of writes)] among the operations of one run.

    `named`: {name of a tensor that holds a variable's handle: the variable's name}, for handles that come from outside;
    those of the graph itself are named by their operation. Two operations are in order if a path of values or control
    inputs leads from one to the other.
    """
    found: List[Access] = []
    before: Dict[Operation, Set[Operation]] = {}

    def are_ordered(a: Operation, b: Operation) -> bool:
        for one in (a, b):
            if one not in before:
                before[one] = ancestors([one])
        return a in before[b] or b in before[a]

    for name, (reads, writes) in sorted(_accesses(operations, named).items()):
        pairs = [(read, write) for write in writes for read in reads if not are_ordered(read, write)]
        if pairs:
            found.append((name, _names(read for read, _ in pairs), _names(write for _, write in pairs)))
    return found


def handles(graph: Graph, variables: Iterable[NamedValue]) -> Dict[str, str]:
    """Return {name of a tensor that holds a handle from outside a function of TensorFlow 2: name of its variable}.

    `variables`: [(name, variable)] that are known by name.
    """
    known = {id(variable.handle): name for name, variable in variables if hasattr(variable, "handle")}
    captures = graph.captures
    pairs = captures.values() if hasattr(captures, "values") else captures  # TensorFlow 2.1: by the tensor's identity
    return {
        inner.name: known.get(id(outer), "a variable (capture %d)" % number)
        for number, (outer, inner) in enumerate(pairs)
        if outer.dtype.name == "resource"
    }


def _accesses(
    operations: Iterable[Operation], named: Dict[str, str]
) -> Dict[str, Tuple[List[Operation], List[Operation]]]:
    """Return {variable: (operations that read it, operations that write it)}, by its handle or its reference.

    An operation that only passes on a reference (like the read of a variable of TensorFlow 1) has not read it yet. The
    operations that take its result read the variable's memory.
    """
    found: Dict[str, Tuple[List[Operation], List[Operation]]] = {}
    for operation in operations:
        for tensor in operation.inputs:
            source, is_passed_on = tensor.op, False
            while source.type in PASSING and source.inputs and tensor.name not in named:
                source, is_passed_on = source.inputs[0].op, True
            name = named.get(tensor.name) or (source.name if source.type in _VARIABLES else None)
            if name is None or operation.type in _LOOK_ONLY:
                continue
            reads, writes = found.setdefault(name, ([], []))
            (writes if writes_variable(operation) and not is_passed_on else reads).append(operation)
    return found


def writes_variable(operation: Operation) -> bool:
    """Return whether an operation writes a variable: `AssignAdd`, `ResourceSparseApplyAdam`, `ScatterUpdate`."""
    kind: str = operation.type.replace("Resource", "", 1).replace("Sparse", "", 1)
    return kind.startswith(("Assign", "Apply", "Scatter"))


def _names(operations: Iterable[Operation]) -> List[str]:
    return sorted({operation.name for operation in operations})


# -- the layer of Keras 3 that an operation belongs to, in a graph that is built --------------------------------------
# In the forward pass, an operation belongs to the innermost layer that is being called. The operations of a gradient
# have the name scope of their forward operation, below `gradient_tape/`. A gradient that a program computes in its
# own way belongs to the layer that recorded it.

Lines = Tuple[Any, ...]  # what `innermost` takes: beginnings of paths, and where the program's own frames end
Result = TypeVar("Result")

_NOT_OF_THE_PROGRAM = ("tensorflow", "tensorflow_core", "keras", "optree", "tree")
_TAPE = "gradient_tape/"
_SHOWN = "_samebits_shown"  # attribute of a graph: both go together


class GraphState:
    """What one graph showed while it was built, by the number of operations that it held."""

    def __init__(self) -> None:
        # (layer's name, number before the call, number after it), inner calls first
        self.calls: List[Tuple[str, int, int]] = []
        self.targets: List[Tensor] = []  # targets of gradients
        self.asked: List[int] = []  # the numbers of operations at that time


def shown(graph: Graph) -> GraphState:
    """Return the `GraphState` of a graph."""
    if getattr(graph, _SHOWN, None) is None:
        setattr(graph, _SHOWN, GraphState())
    found: GraphState = getattr(graph, _SHOWN)
    return found


def size(graph: Graph) -> int:
    """Return how many operations a graph holds."""
    return len(graph.get_operations())


class LayerStack(threading.local):
    """The layers that are being called in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self._names: List[str] = []

    def innermost(self) -> str:
        """Return the name of the innermost one, or ""."""
        return self._names[-1] if self._names else ""

    def within(
        self, name: str, graph_of: Callable[[], Optional[Graph]], function: Callable[..., Result], *arguments: Any
    ) -> Result:
        """Call a function as a part of a layer. `graph_of()`: the graph that is being built at that time, or None."""
        graph = graph_of()
        before = size(graph) if graph is not None else 0
        self._names.append(name)
        try:
            return function(*arguments)
        finally:
            self._names.pop()
            if graph is not None:
                shown(graph).calls.append((name, before, size(graph)))


def libraries() -> Tuple[str, ...]:
    """Return the beginnings of the paths of files that are not the program's."""
    files = [getattr(sys.modules.get(name), "__file__", None) for name in _NOT_OF_THE_PROGRAM]
    folders = [os.path.dirname(file) + os.sep for file in files if file]
    return tuple([*folders, OWN, contextlib.__file__, functools.__file__])


def owners(graph: Graph) -> Dict[Operation, str]:
    """Return {operation of a graph: the name of its layer}."""
    operations = graph.get_operations()
    found: Dict[Operation, str] = {}
    scopes: Dict[str, str] = {}
    for name, first, last in shown(graph).calls:
        for operation in operations[first:last]:
            if operation not in found:
                found[operation] = name
                scopes.setdefault(scope_of(operation.name), name)
    for operation in operations:
        if operation not in found:
            found[operation] = _differentiated(scope_of(operation.name), scopes)
    return found


def scope_of(name: str) -> str:
    """Return the name scope in which an operation of this name was made."""
    return name.rpartition("/")[0]


def _differentiated(scope: str, scopes: Dict[str, str]) -> str:
    """Return the layer whose gradient is computed in a name scope, or "".

    `scopes`: {name scope of the forward pass: layer}.
    """
    scope = scope[len(_TAPE) :] if scope.startswith(_TAPE) else ""
    while scope and scope not in scopes:
        scope = scope_of(scope)
    return scopes[scope] if scope else ""
