"""Names of parameters and buffers: the qualified name within the outermost module that holds them.

The first model's names stand as they are ("conv1.weight"); those of later ones begin with the name of their class
("Discriminator.conv1.weight", "Net#2.conv1.weight"). A parameter in no module is "param.0", "param.1" ... A name
belongs to one tensor for good, so that `start`, `gradient`, `update` and `end` of a parameter share it. It is never
used again. If a tensor has moved to a different place of its model by the end, that place names it there.
"""

import functools
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Optional, Set

from ...wrappers import wrap
from ..identities import Identities, numbered
from ..objects import Array, Function, Module, Reference, Tensor
from .trees import (
    ModuleTree,
    attributes_of,
    children_of,
    has_tensors,
    is_wrapper,
    living_modules,
    outermost,
    tell_scratch,
    tensors_of,
    tree,
    walk,
)

if TYPE_CHECKING:
    from .watch import PyTorchWatch

MOST_MODELS = 500  # later ones are models only if an optimizer trains them
_MOST_SEARCHES = 16  # searches for models whose parts are trained: one for each new optimizer


class TensorNames:
    """Knows the models and the names of their tensors, without keeping them alive."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch = watch
        # id(module) -> Model, for living ones in the order in which they were seen
        self.models: Dict[int, ModuleTree] = {}
        self._names = Identities()  # tensor -> name
        self._taken: Set[str] = set()
        self._labels: Dict[str, int] = {}
        self._made = 0
        self._parameters = self._searches = 0

    def known(self, module: Module) -> Optional[ModuleTree]:
        """Return the model of an outermost module that has been seen, or None."""
        model = self.models.get(id(module))
        return model if model is not None and model.reference() is module else None

    def see(self, module: Module) -> Optional[ModuleTree]:
        """Return the model of an outermost module; None for one without tensors, and if there are too many models."""
        is_one = self._made < MOST_MODELS and has_tensors(module)
        return self.known(module) or (self._add(module) if is_one else None)

    def _add(self, module: Module) -> ModuleTree:
        self._made += 1
        model = self.models[id(module)] = ModuleTree(module, self._label_of(module))
        weakref.finalize(module, self._died, id(module), model).atexit = False
        self._watch.probe.event("model", label=model.label)
        self.record_starts(model)
        tell_scratch(self._watch.probe, model.label, [(prefix, own) for prefix, _, own in tree(module)])
        model.places = {name: self.has(tensor) for name, tensor in model.tensors()}
        return model

    def _died(self, number: int, model: ModuleTree) -> None:
        if self.models.get(number) is model:
            del self.models[number]
        self._watch.probe.guard("the end of a model", self._watch.model_gone, model)

    def see_owners(self, parameters: Iterable[Tensor]) -> None:
        """See the outermost modules that hold these parameters, even if only parts of them are ever called."""
        if self._searches < _MOST_SEARCHES:
            self._searches += 1
            trained = set(map(id, parameters))
            for module in outermost(living_modules(self._watch.torch.nn.Module)):
                is_trained = any(id(tensor) in trained for _, _, own in tree(module) for _, tensor in tensors_of(own))
                if is_trained and self.known(module) is None:
                    self._add(module)

    def label_for(self, module: Module, labels: Dict[str, int]) -> str:
        """Return a label for an outermost module. `labels`: {name: how many have it}, which is updated."""
        while is_wrapper(module) and children_of(attributes_of(module)):
            module = children_of(attributes_of(module))[0][1]
        return numbered(type(module).__name__, labels) + "."

    def _label_of(self, module: Module) -> str:
        if not self._labels:
            self._labels[""] = 1
            return ""
        return self.label_for(module, self._labels)

    def labels(self) -> Dict[str, int]:
        """Return {name of a class: how many models have it in their label}, a copy."""
        return dict(self._labels)

    def record_starts(self, model: ModuleTree) -> None:
        """Record the model's tensors when they are seen for the first time."""
        for name, tensor in model.tensors():
            if not self.has(tensor):
                self._start(model.label + name, tensor)

    def _start(self, name: str, tensor: Tensor) -> None:
        watch = self._watch
        found = None if _is_lazy(tensor) else watch.prints.of(tensor)
        if found is not None:
            name = self._give(name, tensor)
            watch.probe.add_start(watch.point("start", name, tensor), found)
            if watch.probe.wants("start"):
                watch.capture("start", name, tensor)
            if watch.probe.feed is not None:
                watch.probe.feed.known(name, functools.partial(_set, watch, weakref.ref(tensor)))

    def _give(self, name: str, tensor: Tensor) -> str:
        unique, count = name, 1
        while unique in self._taken:
            count += 1
            unique = "%s#%d" % (name, count)
        self._taken.add(unique)
        self._names.put(tensor, unique)
        return unique

    def are_given(self) -> bool:
        """Return whether any tensor has a name yet."""
        return bool(self._taken)

    def has(self, tensor: Tensor) -> Optional[str]:
        """Return the name that this tensor has, or None."""
        found: Optional[str] = self._names.get(tensor)
        return found

    def of(self, tensor: Tensor) -> str:
        """Return the name of a parameter. If it is new, it is looked up in the models, and its start is recorded."""
        name = self.has(tensor)
        if name is None:
            self._look_again()
            name = self.has(tensor)
        if name is None:
            self._start("param.%d" % self._parameters, tensor)
            name = self.has(tensor) or "param.%d" % self._parameters
            self._parameters += 1
        return name

    def _look_again(self) -> None:
        for model in list(self.models.values()):
            module = model.reference()
            if module is not None:
                model.look(module)
                self.record_starts(model)


def _is_lazy(tensor: Tensor) -> bool:
    return type(tensor).__name__.startswith("Uninitialized")


def _set(watch: "PyTorchWatch", reference: Reference, array: Array) -> None:
    """Set a tensor that still exists to the values of an array."""
    tensor = reference()
    if tensor is not None:
        with watch.prints.quiet():
            tensor.copy_(watch.torch.from_numpy(array.copy()))


class ModuleNames:
    """The qualified names of modules when they are called."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch = watch
        self._known = Identities()  # module -> qualified name

    def of(self, module: Module) -> str:
        """Return the name of a module that is called, or that runs within one."""
        if self._known.get(module) is None:
            model = self._watch.names.models.get(id(module))
            label = model.label if model is not None else ""
            for prefix, part in walk(module):
                self._known.put(part, (label + prefix).rstrip("."))
        name: str = self._known.get(module)
        return name

    def of_id(self, number: int) -> Optional[str]:
        """Return the name of a module that has been called, by its identity; None for any other number."""
        name: Optional[str] = self._known.of_number(number)
        return name


def watch_calls(
    watch: "PyTorchWatch", names: ModuleNames, is_on: Callable[[], bool], returned: Callable[[Module, Any], None]
) -> None:
    """Wrap the calls of modules: `returned(module, result)` is told about those that begin while `is_on()`."""
    guard = watch.probe.guard

    def make(original: Function) -> Function:
        def __call__(self: Module, *args: Any, **kwargs: Any) -> Any:
            if not is_on():
                return original(self, *args, **kwargs)
            guard("name of a module", names.of, self)  # the outermost first, because it knows the inner ones
            result = original(self, *args, **kwargs)
            guard("details of a module", returned, self, result)
            return result

        return __call__

    wrap(watch.torch.nn.Module, "__call__", make)
