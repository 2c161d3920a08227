"""What is kept about an optimizer between its steps: its parameters, their names and points, its hyperparameters."""

import operator
import struct
import weakref
from itertools import chain
from typing import TYPE_CHECKING, Any, Callable, Collection, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ...trace import Group, Rows
from ..objects import NamedValue, Optimizer, Tensor
from .rows import TensorRows
from .tensors import plain

if TYPE_CHECKING:
    from .names import TensorNames
    from .watch import PyTorchWatch


_IMMUTABLE = frozenset((type(None), bool, int, float, str))


class OptimizerPlan:
    """The names of one optimizer's parameters, and the ids of their points.

    It holds the parameters, and is dropped when the optimizer dies.
    """

    def __init__(self, optimizer: Optimizer, prefix: str, watch: "PyTorchWatch") -> None:
        self.reference = weakref.ref(optimizer)
        self.prefix, self._watch = prefix, watch
        self.weights: List[PlanWeight] = []
        self.parameters: List[Tensor] = []
        self.settings = Settings(watch, prefix)
        self.gradients, self.updates = TensorRows(watch, "gradient"), TensorRows(watch, "update")
        # parameters that had a gradient last time, and those that had none
        self._graded: Tuple[List[Tensor], List[Tensor]] = ([], [])
        self._layout: Optional[_Layout] = None
        self._gradient = watch.torch.Tensor.grad.__get__
        self._is_nested = _reader_of_nested(watch)

    def refresh(self, optimizer: Optimizer, names: "TensorNames") -> None:
        """Make `weights` the parameters that the optimizer has now."""
        parameters = list(chain.from_iterable([group["params"] for group in optimizer.param_groups]))
        if _are_same(parameters, self.parameters):
            return
        known = {id(weight.parameter): weight for weight in self.weights}
        self.weights = [
            known.get(id(parameter)) or PlanWeight(parameter, names.of(parameter)) for parameter in parameters
        ]
        self.parameters, self._graded, self._layout = parameters, ([], []), None

    def record_gradients(self) -> None:
        """Record the gradients as they are now."""
        those, without = self._graded
        if any(gradient is not None for gradient in map(self._gradient, without)):
            those = []
        if not (those and self.gradients.record_again(those, self._gradient)):
            self._record_new_gradients()

    def _record_new_gradients(self) -> None:
        found = [(weight, weight.parameter.grad) for weight in self.weights]
        graded = [(weight, gradient) for weight, gradient in found if gradient is not None]
        points = [self._watch.point("gradient", weight.name, gradient) for weight, gradient in graded]
        self.gradients.record(points, [gradient for _, gradient in graded])
        without = [weight.parameter for weight, gradient in found if gradient is None]
        self._graded = [weight.parameter for weight, _ in graded], without

    def record_updates(self, optimizer: Optimizer) -> List[NamedValue]:
        """Record the weights and the tensors of the optimizer's state.

        Returns what else is in the state, as a list of (qualified name, value): numbers, texts, lists.
        """
        layout = self._layout
        tensors = layout.tensors(optimizer.state) if layout is not None else None
        if layout is not None and tensors is not None:
            self.updates.record(layout.points, self.parameters + tensors)
            return []
        pairs, others = self._look(optimizer.state)
        points = [self._watch.point("update", weight.name, weight.parameter) for weight in self.weights]
        points += [self._watch.point("update", name, value) for name, value in pairs]
        self.updates.record(points, self.parameters + [value for _, value in pairs])
        is_plain = not others and isinstance(optimizer.state, dict)
        self._layout = _Layout(optimizer.state, self.parameters, points, self._is_nested) if is_plain else None
        return others

    def _look(self, state: Any) -> Tuple[List[NamedValue], List[NamedValue]]:
        """Return the tensors of the optimizer's state, and any other values, each with its qualified name.

        A nested tensor is among the others: it has no shape that a plan could expect.
        """
        pairs: List[NamedValue] = []
        others: List[NamedValue] = []
        for weight in self.weights:
            for key, value in (state.get(weight.parameter) or {}).items():
                is_tensor = self._watch.torch.is_tensor(value) and not self._is_nested(value)
                (pairs if is_tensor else others).append(("%s%s/%s" % (self.prefix, weight.name, key), value))
        return pairs, others


class _Layout:
    """The places of the tensors in an optimizer's state. It holds the state's dictionaries and keys, but no tensor."""

    def __init__(
        self, state: Any, parameters: List[Tensor], points: List[int], is_nested: Callable[[Tensor], bool]
    ) -> None:
        """`is_nested`: asked of each tensor, because a plan's guards would abort the process for a nested one."""
        self.points, self._is_nested = points, is_nested
        self._state, self._keys, self._rows = state, list(state), list(state.values())
        self._dicts = [state.get(parameter) or {} for parameter in parameters]
        self._names = list(chain.from_iterable(self._dicts))
        self._is_plain = all(type(values) is dict for values in self._dicts)

    def tensors(self, state: Any) -> Optional[List[Tensor]]:
        """Return the values in the order of their points.

        Return None if the keys of the state, or their places, have changed.
        """
        if not (self._is_plain and state is self._state and _are_same(state, self._keys)):
            return None
        if not _are_same(state.values(), self._rows) or list(chain.from_iterable(self._dicts)) != self._names:
            return None
        found = list(chain.from_iterable(map(dict.values, self._dicts)))
        return None if any(map(self._is_nested, found)) else found


def _reader_of_nested(watch: "PyTorchWatch") -> Callable[[Tensor], bool]:
    """Return function(tensor) -> whether it is nested."""
    found: Any = getattr(watch.torch.Tensor, "is_nested", None)
    return (lambda tensor: False) if found is None else found.__get__


def _are_same(some: Collection[Any], others: Collection[Any]) -> bool:
    """Return whether two collections hold the very same objects in the same order."""
    return len(some) == len(others) and all(map(operator.is_, some, others))


class PlanWeight(NamedTuple):
    """A parameter of an optimizer."""

    parameter: Tensor
    name: str

    def is_loose(self) -> bool:
        """Return whether it belongs to no model that has been seen."""
        return self.name.startswith("param.")


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
            self._look(groups, getattr(optimizer, "defaults", {}), values)
        self._watch.probe.add_all(self._group, self._rows)

    def _look(self, groups: List[Dict[str, Any]], defaults: Dict[str, Any], values: List[Any]) -> None:
        found = [pair for number, group in enumerate(groups) for pair in self._group_of(number, group, defaults)]
        self._group = Group("update", [self._watch.probe.is_setting(point) for point, _ in found])
        joined = b"".join(front + print_ for front, (_, print_) in zip(self._group.fronts, found))
        self._rows = [Rows(int.from_bytes(joined, "little"), len(found))]
        self._values = values if all(map(_is_immutable, values)) else None

    def _group_of(self, number: int, group: Dict[str, Any], defaults: Dict[str, Any]) -> Iterator[Tuple[int, bytes]]:
        """Yield (id of the point, fingerprint) of each point of a group of parameters.

        The program has added each value that is not among the `defaults` of the optimizer: each is a point of its own.
        """
        name = "%sparam_groups.%d" % (self._prefix, number)
        if "lr" in group:
            yield self._learning_rate(name + "/lr", group["lr"])
        own = [key for key in group if key in defaults and key not in ("params", "lr")]
        values = repr([plain(group[key]) for key in own])
        yield self._watch.print_of_bytes("update", name, "hyperparameters", values.encode("utf-8", "surrogatepass"))
        for key in group:
            if key not in own and key not in ("params", "lr"):
                yield self._watch.setting("%s/%s" % (name, key), plain(group[key]))

    def _learning_rate(self, name: str, value: Any) -> Tuple[int, bytes]:
        if isinstance(value, self._watch.torch.Tensor):
            return self._watch.point("update", name, value), self._watch.prints.of(value) or bytes(16)
        point, found = self._watch.print_of_bytes("update", name, "float64", struct.pack("<d", float(value)))
        self._watch.probe.scalar(point, value)  # only if it has changed
        return point, found


def _is_immutable(value: Any) -> bool:
    return type(value) in _IMMUTABLE or (type(value) is tuple and all(map(_is_immutable, value)))
