"""Arrays that come in the same order in every step: hashed in one pass, and recorded in one piece."""

from typing import TYPE_CHECKING, List, Optional

from ...trace import Group, Rows
from ..objects import Array

if TYPE_CHECKING:
    from .points import Points

_ATTEMPTS = 8  # after so many plans that no longer fitted, the arrays are recorded one by one


class ArrayRows:
    """The arrays of one kind, with their names.

    The fast way relies on dtypes, shapes and contiguity. They are read again in every step. If any of them has changed,
    the arrays are recorded one by one.
    """

    def __init__(self, points: "Points", kind: str) -> None:
        self._points, self._kind = points, kind
        self._names: List[str] = []
        self._plan: Optional[_ArrayPlan] = None
        self._attempts = 0

    def record(self, names: List[str], arrays: List[Array]) -> None:
        """Record the arrays at the current step. `names` has one name for each."""
        probe, plan = self._points.probe, self._plan
        is_same = plan is not None and names == self._names and plan.pid == probe.pid and not probe.wants(self._kind)
        if is_same and plan is not None and plan.holds(arrays):
            probe.add_all(plan.group, [plan.rows(arrays)])
            return
        for name, array in zip(names, arrays):
            self._points.array(self._kind, name, array)
        self._plan = self._new_plan(names, arrays)

    def _new_plan(self, names: List[str], arrays: List[Array]) -> "Optional[_ArrayPlan]":
        self._names, self._attempts = list(names), self._attempts + 1
        is_plain = len(set(names)) == len(arrays) and not any(array.dtype.hasobject for array in arrays)
        if self._attempts > _ATTEMPTS or not is_plain:
            return None
        return _ArrayPlan(self._points, self._kind, self._names, arrays)


class _ArrayPlan:
    """The facts of some arrays when they were recorded one by one."""

    def __init__(self, points: "Points", kind: str, names: List[str], arrays: List[Array]) -> None:
        self._hasher, self.pid = points.probe.hasher, points.probe.pid
        self.group = Group(kind, [points.point(kind, name, array) for name, array in zip(names, arrays)])
        self._dtypes, self._shapes = [array.dtype for array in arrays], [array.shape for array in arrays]
        self._lengths = [array.nbytes for array in arrays]
        headers = [self._hasher.header(array.dtype.name, array.shape) for array in arrays]
        self._together = self._hasher.together(self.group.fronts, headers)

    def holds(self, arrays: List[Array]) -> bool:
        """Return whether only their values have changed, and whether these lie in memory in their logical order."""
        if [array.shape for array in arrays] != self._shapes:
            return False
        for array, dtype in zip(arrays, self._dtypes):
            if array.dtype is not dtype or not array.flags.c_contiguous:
                return False
        return True

    def rows(self, arrays: List[Array]) -> Rows:
        """Return the rows of the arrays."""
        addresses = [array.__array_interface__["data"][0] for array in arrays]
        return Rows(self._hasher.rows(addresses, self._lengths, self._together), len(arrays))
