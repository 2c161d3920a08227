"""Which layer of Keras 3 an operation of TensorFlow belongs to: in a graph that is built, and where it runs eagerly.

In the forward pass, an operation belongs to the innermost layer that is being called. The operations of a gradient have
the name scope of their forward operation, below `gradient_tape/`. A gradient that a program computes in its own way
belongs to the layer that recorded it.
"""

import contextlib
import functools
import os
import sys
import threading
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

from ...callers import OWN
from ..objects import Graph, Operation, Tensor

Lines = Tuple[Any, ...]  # what `innermost` takes: beginnings of paths, and where the program's own frames end
Call = Tuple[str, Optional[Graph], int]  # layer, graph that is being built, how many operations it holds
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
        self._calls: List[Call] = []

    def innermost(self) -> str:
        """Return the name of the innermost one, or ""."""
        return self._calls[-1][0] if self._calls else ""

    def enter(self, name: str, graph: Optional[Graph]) -> None:
        """Note that a layer is called. `graph`: the one that is being built, or None."""
        self._calls.append((name, graph, size(graph) if graph is not None else 0))

    def within(
        self, name: str, graph_of: Callable[[], Optional[Graph]], function: Callable[..., Result], *arguments: Any
    ) -> Result:
        """Call a function as a part of a layer. `graph_of()`: the graph that is being built at that time, or None."""
        self.enter(name, graph_of())
        try:
            return function(*arguments)
        finally:
            self.leave()

    def leave(self) -> None:
        """It has returned, well or not."""
        name, graph, before = self._calls.pop()
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
