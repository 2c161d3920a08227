"""Hyperparameters of an optimizer, and what inner modules return for `samebits parity train`."""

import functools
import operator
import struct
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from ... import wire
from ...trace import Group, Rows
from ..objects import Module, Optimizer
from .names import ModuleNames

if TYPE_CHECKING:
    from ...wire import LayerFacts, OptimizerFacts
    from .forwards import Forwards
    from .plans import PlanWeight
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


# -- inner modules ----------------------------------------------------------------------------------------------------


_SAID = (bool, int, float, str, tuple)


def watch_layers(watch: "PyTorchWatch", forwards: "Forwards") -> None:
    """Wrap `Module.__call__` if the values of layers are wanted; else it stays as it is."""
    values = watch.probe.values
    if values is None or not values.layers:
        return
    kind, names = watch.torch.nn.Module, ModuleNames(watch)
    original = kind.__call__

    def returned(module: Module, result: Any) -> None:
        name = names.of(module)
        values.about("layer", name, facts_of(module, name))
        for path, tensor in forwards.tensors(wire.LAYER + name, result):
            watch.capture("forward", path, tensor)

    @functools.wraps(original)
    def __call__(self: Module, *args: Any, **kwargs: Any) -> Any:
        is_seen = watch.inside and not watch.is_compiling() and watch.torch.is_grad_enabled() and not watch.is_idle()
        if is_seen:
            watch.probe.guard("name of a layer", names.of, self)  # the outermost first, because it knows the inner ones
        result = original(self, *args, **kwargs)
        if is_seen:
            watch.probe.guard("values of a layer", returned, self, result)
        return result

    kind.__call__ = __call__


def facts_of(module: Module, name: str) -> "LayerFacts":
    """Return the class of a module, its plain settings, and the names of its own weights."""
    own = [name + "." + key if name else key for table in (module._parameters, module._buffers) for key in table]
    settings = {key: plain(value) for key, value in vars(module).items() if _is_setting(key, value)}
    return {"type": type(module).__name__, "weights": own, "settings": settings}


def _is_setting(key: str, value: Any) -> bool:
    return not key.startswith("_") and isinstance(value, _SAID)


def facts_of_optimizer(optimizer: Optimizer, weights: "List[PlanWeight]") -> "OptimizerFacts":
    """Return the class of an optimizer, and each group's hyperparameters with the names of its weights, in order."""
    names = iter(weights)
    groups = []
    for group in optimizer.param_groups:
        settings = {key: plain(value) for key, value in group.items() if key != "params"}
        groups.append(dict(settings, weights=[next(names).name for _ in group["params"]]))
    return {"type": type(optimizer).__name__, "library": "pytorch", "groups": groups}
