"""Tensors that come in the same order in every step: hashed in one pass, and recorded in one piece."""

import operator
from typing import TYPE_CHECKING, Callable, FrozenSet, List, Optional, Tuple

from ...trace import Group
from ..objects import Function, Library, Tensor

if TYPE_CHECKING:
    from ...fingerprint import Hasher, Header
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
        self, where: slice, tensors: List[Tensor], rows: Callable[[List[int]], int], comparison: "PlanComparison"
    ) -> None:
        """`rows`: the result of the hasher's `rows`."""
        self.where = where
        self.dtypes, self.shapes = [tensor.dtype for tensor in tensors], [tensor.shape for tensor in tensors]
        self.rows = rows
        self.count = len(tensors)
        self._comparison = comparison
        self._guards, self._renewals = comparison.guards(tensors), _ATTEMPTS

    def fits(self, tensors: List[Tensor]) -> bool:
        """Return whether the tensors are still as the plan expects."""
        if len(tensors) != self.count:
            return False
        if self._guards(*tensors):
            return True
        fits = self._comparison.fits(tensors, self)
        if fits and self._renewals:  # something else about them has changed, such as `requires_grad`
            self._renewals -= 1
            self._guards = self._comparison.guards(tensors)
        return fits


def parts_of(
    tensors: List[Tensor],
    plans: "List[Tuple[Header, int]]",
    fronts: List[bytes],
    hasher: "Hasher",
    comparison: "PlanComparison",
) -> List[PlanPart]:
    """Return the parts of a plan. `plans`: the header and the number of bytes of each tensor."""
    lengths, headers = [length for _, length in plans], [header for header, _ in plans]
    found = []
    for start in range(0, len(tensors), PART):
        part = slice(start, start + PART)
        rows = hasher.rows(lengths[part], fronts[part], headers[part])
        found.append(PlanPart(part, tensors[part], rows, comparison))
    return found


class PlanComparison:
    """Compares the facts of tensors with those of a plan."""

    def __init__(self, torch: Library, plain: FrozenSet[type], lies_ready: Callable[[Tensor], bool]) -> None:
        self._plain, self._lies_ready = plain, lies_ready
        self._dtype, self._shape = torch.Tensor.dtype.__get__, torch.Tensor.shape.__get__
        guards = getattr(getattr(torch._C, "_dynamo", None), "guards", None)
        self._maker: Optional[Function] = getattr(guards, "TensorGuards", None)

    def fits(self, tensors: List[Tensor], part: PlanPart) -> bool:
        """Return whether the tensors are as a plan expects.

        It reads one fact of all tensors, then the next, and keeps nothing: tuples for many thousand tensors would be
        work for the garbage collector.
        """
        return (
            self._plain.issuperset(map(type, tensors))
            and all(map(operator.is_, part.dtypes, map(self._dtype, tensors)))
            and all(map(operator.eq, part.shapes, map(self._shape, tensors)))
            and all(map(self._lies_ready, tensors))
        )

    def guards(self, tensors: List[Tensor]) -> Callable[..., bool]:
        """Return function(*tensors) -> True if types, dtypes, shapes, strides, devices and layouts are as they are now.

        It reads all of them in one call, in a twentieth of the time that `fits` needs. `torch.compile` guards its code
        with the same function. It keeps no tensor. False shows nothing, because it also depends on the thread's state.
        """
        if self._maker is not None:
            try:
                found: Callable[..., bool] = self._maker(
                    *tensors, dynamic_dims_sizes=None, dynamic_dims_strides=None
                ).check
                return found if found(*tensors) else _never
            # its interface is not public, so it may be different in this release
            except (TypeError, ValueError, AttributeError, RuntimeError):
                self._maker = None
        return _never


def _never(*_: Tensor) -> bool:
    return False
