"""Variables of a graph that one run reads and writes without an order between the two: what is read is a race."""

_WRITES = ("Assign", "ResourceApply", "ResourceSparseApply", "Apply", "SparseApply", "ResourceScatter", "Scatter")
_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
_LOOK_ONLY = ("VarIsInitializedOp", "IsVariableInitialized", "VariableShape", "Shape")


def unordered(operations, named):
    """[(variable, names of reads, names of writes)] among the operations of one run.

    `named`: {name of a tensor that holds a variable's handle: the variable's name}, for handles that come from
    outside; those of the graph itself are named by their operation. Two operations are in order where a path of values
    or control inputs leads from one to the other.
    """
    found = []
    for name, accesses in sorted(_accesses(operations, named).items()):
        writes = [one for one in accesses if one.type.startswith(_WRITES)]
        reads = [one for one in accesses if one not in writes and one.type not in _LOOK_ONLY]
        pairs = [(read, write) for write in writes for read in reads if not _are_ordered(read, write)]
        if pairs:
            found.append((name, _names(read for read, _ in pairs), _names(write for _, write in pairs)))
    return found


def _accesses(operations, named):
    """{variable: the operations that take its handle, or its reference}."""
    found = {}
    for operation in operations:
        for tensor in operation.inputs:
            name = named.get(tensor.name)
            if name is None and tensor.op.type in _VARIABLES:
                name = tensor.op.name
            if name is not None:
                found.setdefault(name, []).append(operation)
    return found


def _are_ordered(a, b):
    return a in _before(b) or b in _before(a)


def _before(operation):
    """All operations that must have run before this one."""
    waiting, seen = [operation], set()
    while waiting:
        last = waiting.pop()
        for one in [tensor.op for tensor in last.inputs] + list(last.control_inputs):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return seen


def _names(operations):
    return sorted({operation.name for operation in operations})
