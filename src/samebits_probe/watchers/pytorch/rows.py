"""Tensors that come in the same order in every step: hashed in one pass, and recorded in one piece."""

import operator
from typing import TYPE_CHECKING, Callable, FrozenSet, Iterable, List, Optional, Tuple

from ...trace import Group
from ..objects import Library, Tensor

if TYPE_CHECKING:
    from ...fingerprint import Header, Headers
    from .watch import PyTorchWatch

Plan = List["PlanPart"]

_ATTEMPTS = 8  # after so many plans that no longer fitted, the tensors are recorded one by one
PART = 256  # tensors of a plan that are checked together


class TensorRows:
    """The tensors of one kind of one optimizer, with their points.

    The fast way relies on types, dtypes, shapes, devices and layouts. They are read again in every step. If any of them
    has changed, or if a tensor needs more than its memory, the tensors are recorded one by one.
    """

    def __init__(self, watch: "PyTorchWatch", kind: str) -> None:
        self._watch, self._kind = watch, kind
        self._points: Optional[List[int]] = None  # if there is none, the following attributes have no meaning
        self._plan: Plan
        self._group: Group
        self._attempts = 0

    def record(self, points: List[int], tensors: List[Tensor]) -> None:
        """Record the tensors (a list) at the current step. `points` has the id of the point of each."""
        if points != self._points or not self.record_again(tensors):
            self._one_by_one(points, tensors)
            self._make_plan(points, tensors)

    def record_again(self, tensors: List[Tensor], read: Optional[Callable[[Tensor], Tensor]] = None) -> bool:
        """Record tensors under the same points as last time.

        If they are different tensors, do nothing and return False. `read`: see `Fingerprints.of_all`.
        """
        found = self._watch.prints.of_all(tensors, self._plan, read) if self._points else None
        if found is not None:
            self._watch.probe.add_all(self._group, found)
        return found is not None

    def _one_by_one(self, points: List[int], tensors: List[Tensor]) -> None:
        of, add = self._watch.prints.of, self._watch.probe.add
        for point, tensor in zip(points, tensors):
            found = of(tensor)
            if found is not None:
                add(point, found)

    def _make_plan(self, points: List[int], tensors: List[Tensor]) -> None:
        self._points = None
        if self._attempts < _ATTEMPTS and points:
            self._attempts += 1
            group = Group(self._kind, points)
            plan = self._watch.prints.plan_of(tensors, group.fronts)
            if plan is not None:
                self._points, self._plan, self._group = list(points), plan, group


class PlanPart:
    """The facts of some tensors of a plan: so few that they stay in the processor's cache until all are read."""

    def __init__(
        self,
        where: slice,
        tensors: List[Tensor],
        plans: "List[Tuple[Header, int]]",
        together: "Callable[[Iterable[Header]], Headers]",
    ) -> None:
        self.where = where
        self.dtypes, self.shapes = [tensor.dtype for tensor in tensors], [tensor.shape for tensor in tensors]
        self.lengths = [length for _, length in plans]
        self.headers = together([header for header, _ in plans])
        self.count = len(tensors)


def comparison(torch: Library, plain: FrozenSet[type]) -> Callable[[List[Tensor], PlanPart], bool]:
    """Return function(tensors, part of a plan) -> whether the tensors are still as the plan expects.

    The function reads one fact of all tensors, then the next, and keeps nothing: tuples for many thousand tensors
    would be work for the garbage collector.
    """
    kind = torch.Tensor
    dtype, shape, is_contiguous = kind.dtype.__get__, kind.shape.__get__, kind.is_contiguous
    if hasattr(kind, "is_neg"):
        is_cpu, is_neg = kind.is_cpu.__get__, kind.is_neg
    else:
        is_cpu, is_neg = (lambda tensor: tensor.device.type == "cpu" and tensor.layout is torch.strided), None

    def are_as_planned(tensors: List[Tensor], part: PlanPart) -> bool:
        return (
            plain.issuperset(map(type, tensors))
            and all(map(operator.is_, part.dtypes, map(dtype, tensors)))
            and all(map(operator.eq, part.shapes, map(shape, tensors)))
            and all(map(is_cpu, tensors))
            and all(map(is_contiguous, tensors))
            and not (is_neg and any(map(is_neg, tensors)))
        )

    return are_as_planned
