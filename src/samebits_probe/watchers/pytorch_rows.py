"""Tensors that come in the same order in every step: hashed in one pass, and recorded in one piece."""

from ..trace import Group

_ATTEMPTS = 8  # plans that did not hold: from then on the tensors are taken one by one


class Rows:
    """The tensors of one kind of one optimizer, with their points.

    What the fast way relies on (types, dtypes, shapes, devices, layouts) is read anew in every step; where any of it
    has changed, or a tensor needs more than its memory, they are taken one by one.
    """

    def __init__(self, watch, kind):
        self._watch, self._kind = watch, kind
        self._points = self._plan = self._group = None
        self._attempts = 0

    def record(self, points, tensors):
        """Record the tensors (a list) under their points (a list of ids, as long) at the current step."""
        if points == self._points:
            joined = self._watch.prints.of_all(tensors, self._plan)
            if joined is not None:
                self._watch.probe.add_all(self._group, joined)
                return
        self._one_by_one(points, tensors)
        self._make_plan(points, tensors)

    def _one_by_one(self, points, tensors):
        of, add = self._watch.prints.of, self._watch.probe.add
        for point, tensor in zip(points, tensors):
            found = of(tensor)
            if found is not None:
                add(point, found)

    def _make_plan(self, points, tensors):
        self._points = None
        if self._attempts < _ATTEMPTS and points:
            self._attempts += 1
            self._plan = self._watch.prints.plan_of(tensors)
            if self._plan is not None:
                self._points, self._group = list(points), Group(self._kind, points)
