"""How far two trials diverge, step by step, and what their difference looks like."""

from __future__ import annotations

from samebits import comparison
from samebits.documents import Apart, Size
from samebits.localization.execution import Execution
from samebits.store import Tensor


def growth(a: Execution, b: Execution) -> list[Apart]:
    """The distance of the followed tensor after each step that both trials made."""
    mine, theirs = a.followed(), b.followed()
    return [_apart(step, mine[step], theirs[step]) for step in sorted(set(mine) & set(theirs))]


def _apart(step: int, a: Tensor, b: Tensor) -> Apart:
    size = comparison.measure(a.data, b.data, a.dtype, a.shape)
    relative = comparison.relative_distance(a.data, b.data, a.dtype)
    return Apart(step=step, different=size.different, elements=size.elements, max_ulp=size.max_ulp, relative=relative)


def update_looks(a: Execution, b: Execution, step: int) -> str:
    """What the difference of one step's update looks like, where both began the step with the same tensor."""
    mine, theirs = a.followed(), b.followed()
    if not {step - 1, step} <= set(mine) & set(theirs) or mine[step - 1] != theirs[step - 1]:
        return ""
    before = mine[step - 1]
    return comparison.update_looks(before.data, (mine[step].data, theirs[step].data), before.dtype)


def size_of(a: Tensor | None, b: Tensor | None) -> Size | None:
    """How far two values are apart; None where either was not kept."""
    if a is None or b is None or (a.dtype, a.shape) != (b.dtype, b.shape):
        return None
    return comparison.measure(a.data, b.data, a.dtype, a.shape)
