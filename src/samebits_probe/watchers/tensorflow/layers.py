"""Which layer of Keras 3 an operation of TensorFlow belongs to: in a graph that is built, and where it runs eagerly.

Forward an operation belongs to the innermost layer that is being called. A gradient's operations are made under the
name scope that their forward operation had, below `gradient_tape/`; a gradient that a program computes in a way of its
own runs in the name of the layer that recorded it.
"""

import contextlib
import functools
import os
import sys
import threading

from ...lines import OWN

_LIBRARIES = ("tensorflow", "tensorflow_core", "keras", "optree", "tree")
_TAPE = "gradient_tape/"
_SHOWN = "_samebits_shown"  # attribute of a graph: both go together


class GraphState:
    """What one graph has shown while it was built, by the number of operations that it held."""

    def __init__(self):
        self.calls = []  # (layer's name, number before the call, number after it), inner calls first
        self.targets = []  # what gradients were asked of
        self.asked = []  # the numbers when they were


def shown(graph):
    """The `GraphState` of a graph."""
    if getattr(graph, _SHOWN, None) is None:
        setattr(graph, _SHOWN, GraphState())
    return getattr(graph, _SHOWN)


def size(graph):
    """How many operations a graph holds."""
    return len(graph.get_operations())


class LayerStack(threading.local):
    """The layers that are being called in a thread."""

    def __init__(self):
        super().__init__()
        self._calls = []

    def innermost(self):
        """The name of the innermost one, or ""."""
        return self._calls[-1][0] if self._calls else ""

    def enter(self, name, graph):
        """A layer is called. `graph`: the one that is being built, or None."""
        self._calls.append((name, graph, size(graph) if graph is not None else 0))

    def within(self, name, graph_of, function, *arguments):
        """Call a function as a part of a layer. `graph_of()`: the graph that is being built then, or None."""
        self.enter(name, graph_of())
        try:
            return function(*arguments)
        finally:
            self.leave()

    def leave(self):
        """It has returned, well or not."""
        name, graph, before = self._calls.pop()
        if graph is not None:
            shown(graph).calls.append((name, before, size(graph)))


def libraries():
    """Beginnings of the paths of files that are not the program's."""
    folders = [os.path.dirname(sys.modules[name].__file__) for name in _LIBRARIES if name in sys.modules]
    return tuple([folder + os.sep for folder in folders] + [OWN, contextlib.__file__, functools.__file__])


def owners(graph):
    """{operation of a graph: the name of its layer}."""
    operations, found, scopes = graph.get_operations(), {}, {}
    for name, first, last in shown(graph).calls:
        for operation in operations[first:last]:
            if operation not in found:
                found[operation] = name
                scopes.setdefault(scope_of(operation.name), name)
    for operation in operations:
        if operation not in found:
            found[operation] = _differentiated(scope_of(operation.name), scopes)
    return found


def scope_of(name):
    """The name scope in which an operation of this name was made."""
    return name.rpartition("/")[0]


def _differentiated(scope, scopes):
    """The layer whose gradient is computed in a name scope, or "". `scopes`: {name scope of the forward way: layer}."""
    scope = scope[len(_TAPE) :] if scope.startswith(_TAPE) else ""
    while scope and scope not in scopes:
        scope = scope_of(scope)
    return scopes[scope] if scope else ""
