"""What is known of an optimizer between its steps: its parameters, their names and the ids of their points."""

import weakref

from .pytorch_rows import Rows
from .pytorch_settings import Settings


class Plan:
    """One optimizer: the names of its parameters and the ids of their points.

    It holds the parameters, and is let go when the optimizer dies.
    """

    def __init__(self, optimizer, prefix, watch):
        self.reference = weakref.ref(optimizer)
        self.prefix = prefix
        self.weights = []
        self.settings = Settings(watch, prefix)
        self.gradients, self.updates, self.states = (
            Rows(watch, "gradient"),
            Rows(watch, "update"),
            Rows(watch, "update"),
        )

    def refresh(self, optimizer, names):
        """See to it that `weights` are the parameters that the optimizer has now."""
        number, weights = 0, self.weights
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if number >= len(weights) or weights[number].parameter is not parameter:
                    weights[number:] = [Weight(parameter, names.of(parameter))]
                number += 1
        del weights[number:]


class Weight:
    """A parameter of an optimizer, with the ids of its points once they are known."""

    __slots__ = ("_gradient", "_update", "name", "parameter", "states")

    def __init__(self, parameter, name):
        self.parameter, self.name = parameter, name
        self._gradient = self._update = None
        self.states = {}  # key of the optimizer's state -> id of its point

    def is_loose(self):
        """Whether it belongs to no model that has been seen."""
        return self.name.startswith("param.")

    def gradient_point(self, watch, gradient):
        """The id of its gradient's point."""
        if self._gradient is None:
            self._gradient = watch.point("gradient", self.name, gradient)
        return self._gradient

    def update_point(self, watch):
        """The id of its point of kind "update"."""
        if self._update is None:
            self._update = watch.point("update", self.name, self.parameter)
        return self._update

    def state_point(self, watch, prefix, key, value):
        """The id of the point of a tensor in the optimizer's state."""
        point = self.states[key] = watch.point("update", "%s%s/%s" % (prefix, self.name, key), value)
        return point
