"""Hyperparameters of an optimizer: the learning rate of each group as a number, the others by their exact text."""

import operator
import struct
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from ...trace import Group, Rows
from ..objects import Optimizer

if TYPE_CHECKING:
    from .watch import PyTorchWatch

_IMMUTABLE = frozenset((type(None), bool, int, float, str))


class Settings:
    """Records the hyperparameters that a step was taken with.

    Numbers and texts never change. If each of them is the same object as in the step before, the fingerprints are the
    same, too. If any of them is a tensor or a list, all are read in every step.
    """

    def __init__(self, watch: "PyTorchWatch", prefix: str) -> None:
        self._watch, self._prefix = watch, prefix
        self._values: Optional[List[Any]] = None
        self._group: Group  # set, like the rows, once the values have been read
        self._rows: List[Rows]

    def record(self, optimizer: Optimizer) -> None:
        """Record them at the current step, as points of kind "update"."""
        groups = optimizer.param_groups
        values = [value for group in groups for key, value in group.items() if key != "params"]
        if self._values is None or len(values) != len(self._values) or not all(map(operator.is_, values, self._values)):
            self._look(groups, values)
        self._watch.probe.add_all(self._group, self._rows)

    def _look(self, groups: List[Dict[str, Any]], values: List[Any]) -> None:
        found = [pair for number, group in enumerate(groups) for pair in self._group_of(number, group)]
        self._group = Group("update", [point for point, _ in found])
        joined = b"".join(front + print_ for front, (_, print_) in zip(self._group.fronts, found))
        self._rows = [Rows(int.from_bytes(joined, "little"), len(found))]
        self._values = values if all(map(_is_immutable, values)) else None

    def _group_of(self, number: int, group: Dict[str, Any]) -> Iterator[Tuple[int, bytes]]:
        """Yield (id of the point, fingerprint) of each point of a group of parameters."""
        name = "%sparam_groups.%d" % (self._prefix, number)
        if "lr" in group:
            yield self._learning_rate(name + "/lr", group["lr"])
        values = repr([plain(value) for key, value in group.items() if key not in ("params", "lr")])
        yield self._watch.print_of_bytes("update", name, "hyperparameters", values.encode("utf-8", "surrogatepass"))

    def _learning_rate(self, name: str, value: Any) -> Tuple[int, bytes]:
        if isinstance(value, self._watch.torch.Tensor):
            return self._watch.point("update", name, value), self._watch.prints.of(value) or bytes(16)
        point, found = self._watch.print_of_bytes("update", name, "float64", struct.pack("<d", float(value)))
        self._watch.probe.scalar(point, value)  # only if it has changed
        return point, found


def _is_immutable(value: Any) -> bool:
    return type(value) in _IMMUTABLE or (type(value) is tuple and all(map(_is_immutable, value)))


def plain(value: Any) -> Any:
    """Return a value whose `repr` is the same in every process.

    Anything that is not a number or text becomes its type's name.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return type(value).__name__
