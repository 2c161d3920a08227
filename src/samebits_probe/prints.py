"""What a point needs of a value.

A number, a short list of numbers or a short text is kept, so that the comparison can judge it.
"""

from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional, Union

if TYPE_CHECKING:
    from .fingerprint import Shape
    from .probe import Probe
    from .wire import ArrayFacts

Kept = Union[None, float, str, List[float]]

_MOST = 200  # numbers of a list, or characters of a text


class ArrayPrint(NamedTuple):
    """The facts about a value that a point needs. `kept`: its number, its few numbers, or its short text."""

    dtype: str
    shape: "Shape"
    fingerprint: bytes
    kept: Kept = None
    facts: "ArrayFacts" = {}

    def record(self, probe: "Probe", name: str) -> int:
        """Record the value at the end, under a name. Returns the id of the point."""
        point = probe.point("end", name, self.dtype, self.shape)
        keep(probe, name, point, self.kept, probe.add(point, self.fingerprint))
        return point


# reads an array or a tensor, None for anything else; True: also single values and texts
Reader = Callable[[Any, bool], Optional[ArrayPrint]]


def kept_number(value: Any) -> Kept:
    """Return a number as a float, or a short text; None for anything else."""
    if isinstance(value, str):
        return value if len(value) <= _MOST else None
    try:
        return float(value) if isinstance(value, (bool, int, float)) else None
    except OverflowError:
        return None


def kept_numbers(values: List[Any]) -> Kept:
    """Return the numbers of a short list; None if it is long, or holds anything else."""
    found = [kept_number(value) for value in values[: _MOST + 1]]
    numbers = [value for value in found if isinstance(value, float)]
    return numbers if len(numbers) == len(found) <= _MOST else None


def keep(probe: "Probe", name: str, point: int, kept: Kept, occurrence: int = 0) -> None:
    """Record the number, the numbers or the text of a point of kind "end"."""
    if isinstance(kept, float):
        probe.scalar(point, kept, occurrence)
    elif isinstance(kept, list):
        probe.event("numbers", name=name, values=kept)
    elif kept is not None:
        probe.event("shown", kind="end", name=name, text=kept)
