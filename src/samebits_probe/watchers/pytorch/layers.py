"""What inner modules return, and the facts of modules and optimizers, for `samebits parity train`."""

from typing import TYPE_CHECKING, Any, List

from ... import wire
from ..objects import Module, Optimizer
from .names import ModuleNames, watch_calls
from .tensors import plain

if TYPE_CHECKING:
    from ...wire import LayerFacts, OptimizerFacts
    from .forwards import Forwards
    from .plans import PlanWeight
    from .watch import PyTorchWatch

_SAID = (bool, int, float, str, tuple)


def watch_layers(watch: "PyTorchWatch", forwards: "Forwards") -> None:
    """Wrap `Module.__call__` if the values of layers are wanted; else it stays as it is."""
    values = watch.probe.values
    if values is None or not values.layers:
        return
    names = ModuleNames(watch)

    def is_on() -> bool:
        return watch.inside and not watch.is_compiling() and watch.torch.is_grad_enabled() and not watch.is_idle()

    def returned(module: Module, result: Any) -> None:
        name = names.of(module)
        values.about("layer", name, facts_of(module, name))
        for path, tensor in forwards.tensors(wire.LAYER + name, result):
            watch.capture("forward", path, tensor)

    watch_calls(watch, names, is_on, returned)


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
