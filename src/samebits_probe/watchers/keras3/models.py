"""The variables of Keras models and optimizers, by name, and their first values."""

import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Sequence, Set

from ... import wire
from ...wrappers import after, guarded
from ..identities import Identities
from ..objects import Arguments, Array, Backend, Layer, Model, NamedValue, Optimizer, Variable
from ..points import named_leaves, without_repeats

if TYPE_CHECKING:
    from ...probe import Probe
    from ...probe.tensor_log import Feed, TensorSelection
    from ...wire import OptimizerFacts
    from ..points import Points
    from .collection import CollectionHooks

_SEED_STATE = "seed_generator_state"


class Variables:
    """The variables of one model and its optimizers, by kind.

    `weights`: trainable and not, without the random states. `seeds`: states of seed generators. `optimizers`: slots,
    iterations, learning rates. Each a list of (name, variable).
    """

    def __init__(self, model_variables: Sequence[Variable], optimizers: Iterable[Optimizer]) -> None:
        seeds = [variable for variable in model_variables if is_seed(variable)]
        weights = [variable for variable in model_variables if not is_seed(variable)]
        self.weights = named(weights)
        self.seeds = named(seeds)
        owned = {id(variable) for variable in model_variables}
        self.optimizers = named(
            variable for optimizer in optimizers for variable in optimizer.variables if id(variable) not in owned
        )


def is_seed(variable: Variable) -> bool:
    """Return whether a variable is the state of a seed generator: a random state, never a weight."""
    return getattr(variable, "name", "").startswith(_SEED_STATE)


def named(variables: Iterable[Variable]) -> List[NamedValue]:
    """Return (path, variable) pairs, each variable once."""
    unique = list({id(variable): variable for variable in variables}.values())
    paths = [str(getattr(variable, "path", None) or variable.name) for variable in unique]
    return list(zip(without_repeats(paths), unique))


def model_variables(model: Model) -> List[Variable]:
    """Return the trainable and other variables of a model (without those of its metrics), in Keras' order."""
    return list(model.trainable_variables) + list(model.non_trainable_variables)


class Labels:
    """Tells which names begin with one model or layer, so that each is compared with itself, whatever the order of
    fits.
    """

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self._told: Set[str] = set()

    def tell(self, name: str) -> None:
        """Note a weight. Its path begins with the name of its model or layer, if the program gave one."""
        owner, separator, _ = name.partition("/")
        if separator and owner not in self._told:
            self._told.add(owner)
            self._probe.event("model", label=owner + separator, paths=["keras." + owner])


class Lives:
    """Records each variable's first value ("start"). The watch of ends records its last."""

    def __init__(self, probe: "Probe", points: "Points", backend: "Backend") -> None:
        self._probe, self._points, self._read = probe, points, backend.read
        # function(variable, array), if variables can be set
        self._set: Optional[Callable[[Variable, Array], Any]] = getattr(backend, "set", None)
        self._started = Identities()  # variable -> True
        self._labels = Labels(probe)

    def start(self, variables: Iterable[NamedValue]) -> None:
        """Record those of (name, variable) pairs that have not been seen before."""
        for name, variable in variables:
            array = self._read(variable) if self._started.get(variable) is None else None
            if array is not None:
                self._started.put(variable, True)
                self._points.array("start", name, array)
                self._labels.tell(name)
                if self._probe.feed is not None:
                    self._let_set(self._probe.feed, name, weakref.ref(variable))

    def _let_set(self, feed: "Feed", name: str, reference: Callable[[], Variable]) -> None:
        """Let the launcher set a variable."""
        set_ = self._set
        if set_ is None:
            self._probe.not_observed("feed", "the weights of Keras cannot be set between two steps on this backend")
            return

        def fed(array: Array) -> None:
            variable = reference()
            if variable is not None:
                set_(variable, array)

        feed.known(name, fed)


# What layers of Keras 3 return within a train step, and the settings of layers and optimizers.
#
# `samebits parity train` uses both, and `samebits locate` the first. On JAX, layers run inside a transformed function,
# which returns nothing of them.


def watch_layers(layer_class: Any, probe: "Probe", hooks: "CollectionHooks", is_leaf: Callable[[Any], bool]) -> None:
    """Wrap `Layer.__call__` if the outputs of layers are wanted; else it stays as it is.

    On PyTorch a layer is also a module, and `pytorch/inspection.py` sees it.
    """
    is_looked_into = probe.details is not None and "tensorflow" in layer_class.__mro__[1].__module__
    if not is_looked_into and (probe.values is None or not probe.values.layers):
        return

    def returned(*given: Any, **kwargs: Any) -> None:
        collected, result, layer = hooks.collected, given[0], given[1]
        if collected is not None and not is_symbolic(given[2:], kwargs):
            collected.returned(layer, named_leaves(wire.LAYER + layer.name, result, is_leaf))

    after(layer_class, "__call__", guarded(probe, "values of a layer", returned))


def is_symbolic(args: Arguments, kwargs: Dict[str, Any]) -> bool:
    """Return whether a layer is called with symbols to build a model, and not with values."""
    first = args[0] if args else next(iter(kwargs.values()), None)
    while isinstance(first, (list, tuple, dict)) and first:
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    return type(first).__name__ == "KerasTensor"


def tell(
    probe: "Probe",
    values: "TensorSelection",
    read: Callable[[Variable], Array],
    model: Model,
    optimizers: List[Optimizer],
) -> None:
    """Write the settings of a model's optimizers and layers, if they are new. `read`: reads a variable."""
    for number, optimizer in enumerate(optimizers or [model.optimizer]):
        if optimizer is not None:
            weights = [one.path for one in getattr(optimizer, "_trainable_variables", [])]
            group = dict(_settings(optimizer, read), weights=weights)
            facts: OptimizerFacts = {"type": type(optimizer).__name__, "library": "keras", "groups": [group]}
            values.about("optimizer", str(number or ""), facts)
    for layer in model._flatten_layers(include_self=False) if probe.step == 0 else []:
        own = [one.path for one in layer.variables] if not getattr(layer, "_layers", None) else []
        values.about("layer", layer.name, {"type": type(layer).__name__, "weights": own, "settings": _config(layer)})


def _settings(optimizer: Optimizer, read: Callable[[Variable], Array]) -> Dict[str, Any]:
    """Return the plain settings of an optimizer.

    They do not come from `get_config`, because on JAX its variables may be empty.
    """
    found = {key: value for key, value in vars(optimizer).items() if not key.startswith("_") and _is_plain(value)}
    rate = getattr(optimizer, "_learning_rate", None)
    if hasattr(rate, "assign"):
        found["learning_rate"] = float(read(rate))
    return found


def _config(layer: Layer) -> Dict[str, Any]:
    """Return the settings that are numbers, words or lists of them; none if the program's class gives none."""
    try:
        found = layer.get_config()
    except NotImplementedError:
        return {}
    return {key: value for key, value in found.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))
