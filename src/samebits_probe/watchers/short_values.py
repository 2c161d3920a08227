"""Keeps the number, the short list of numbers or the short text of a point, so that the comparison can judge it."""

from typing import TYPE_CHECKING, Any, List, Union

if TYPE_CHECKING:
    from ..probe import Probe

Kept = Union[None, float, str, List[float]]

_MOST = 200  # numbers of a list, or characters of a text


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


def keep(probe: "Probe", name: str, point: int, kept: Kept) -> None:
    """Record the number, the numbers or the text of a point of kind "end"."""
    if isinstance(kept, float):
        probe.scalar(point, kept)
    elif isinstance(kept, list):
        probe.event("numbers", name=name, values=kept)
    elif kept is not None:
        probe.event("shown", kind="end", name=name, text=kept)
