"""Variables of a graph that one run reads and writes without an order between the two, so that a race decides what is
read.
"""

from typing import Dict, Iterable, List, Set, Tuple

from ..objects import Graph, NamedValue, Operation
from .operations import PASSING, ancestors

# variable, names of the operations that read it, names of those that write it
Access = Tuple[str, List[str], List[str]]

WRITES = ("Assign", "ResourceApply", "ResourceSparseApply", "Apply", "SparseApply", "ResourceScatter", "Scatter")
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
            (writes if operation.type.startswith(WRITES) and not is_passed_on else reads).append(operation)
    return found


def _names(operations: Iterable[Operation]) -> List[str]:
    return sorted({operation.name for operation in operations})
