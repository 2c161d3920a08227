"""Trees of modules.

They are read through dictionaries, so no property, method or `__getattr__` of the program is called.
"""

import gc
import itertools
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from ..objects import Module, Tensor

if TYPE_CHECKING:
    from ...probe import Probe

Attributes = Dict[str, Any]  # a module's own dictionary
ModulePart = Tuple[str, type, Attributes]  # prefix, class, dictionary

_SEEDS = "seed_generator_state"  # of Keras layers: a random state, not a weight
_UNSAVED = "_non_persistent_buffers_set"  # from PyTorch 1.5 on
WRAPPERS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


def attributes_of(module: Module) -> Attributes:
    """Return the module's own dictionary."""
    found: Attributes = object.__getattribute__(module, "__dict__")
    return found


def is_wrapper(module: Module) -> bool:
    """Return whether a module merely wraps a model: it adds nothing to the names."""
    return type(module).__name__ in WRAPPERS


def children_of(attributes: Attributes) -> List[Tuple[str, Module]]:
    """Return [(name, module)] directly below the module that has these attributes."""
    table = attributes.get("_modules")
    return [(name, child) for name, child in list(table.items()) if child is not None] if table else []


def tree(module: Module) -> Iterator[Tuple[str, Module, Attributes]]:
    """Return (prefix, module, its dictionary) of a module and all below it, each once."""
    return _below(module, attributes_of(module), is_wrapper(module), "", set())


def walk(module: Module) -> List[Tuple[str, Module]]:
    """Return (prefix, module) of a module and all below it, each once."""
    return [(prefix, part) for prefix, part, _ in tree(module)]


def _below(
    module: Module, attributes: Attributes, wraps: bool, prefix: str, seen: Set[int]
) -> Iterator[Tuple[str, Module, Attributes]]:
    if id(attributes) in seen:
        return
    seen.add(id(attributes))
    yield prefix, module, attributes
    for name, child in children_of(attributes):
        inner = prefix if wraps else prefix + name + "."
        for found in _below(child, attributes_of(child), is_wrapper(child), inner, seen):
            yield found


def tensors_of(attributes: Attributes) -> List[Tuple[str, Tensor]]:
    """Return [(name, tensor)] of the parameters and buffers that stand in a module itself."""
    tables = [attributes.get(key) for key in ("_parameters", "_buffers")]
    found = [pair for table in tables if table for pair in list(table.items())]
    return [(name, tensor) for name, tensor in found if tensor is not None and not name.endswith(_SEEDS)]


def tell_scratch(probe: "Probe", label: str, parts: Iterable[Tuple[str, Attributes]]) -> None:
    """Report the buffers that a model does not save (`persistent=False`). `parts`: [(prefix, dictionary)]."""
    names = [label + prefix + name for prefix, own in parts for name in own.get(_UNSAVED) or ()]
    if names:
        probe.event("scratch", names=sorted(names))


def has_tensors(module: Module) -> bool:
    """Return whether a module has parameters or buffers, itself or below it."""
    own = attributes_of(module)
    if not own.get("_modules"):
        return bool(own.get("_parameters") or own.get("_buffers"))
    return any(own.get("_parameters") or own.get("_buffers") for _, _, own in tree(module))


# as `id`, which raises an audit event in each call: for all objects of a program, this takes half a second
identity = object.__hash__


class ModuleTree:
    """An outermost module that has been seen.

    It holds the dictionaries of parameters and buffers, but never a module, so that it keeps nothing alive. The
    dictionaries show what the module has now, even just after it has died.
    """

    def __init__(self, module: Module, label: str) -> None:
        self.reference = weakref.ref(module)
        self.label, self._kind, self._wraps = label, type(module), is_wrapper(module)
        # name of a place -> the name of the tensor that was there first
        self.places: Dict[str, Optional[str]] = {}
        self.look(module)

    def look(self, module: Module) -> List[ModulePart]:
        """Read the tree of modules again (submodules may have been replaced). Returns [(prefix, class, dictionary)]."""
        own = attributes_of(module)
        self._own = identity(own)
        return self._read(own)

    def look_back(self) -> List[ModulePart]:
        """Return the same as `look` for a module that has just died, if its dictionary can be found.

        Else return an empty list.
        """
        own = _living_dictionary(self._own)
        return self._read(own) if own is not None else []

    def _read(self, own: Attributes) -> List[ModulePart]:
        parts = list(_below(None, own, self._wraps, "", set()))
        self._tables = [(prefix, own.get("_parameters"), own.get("_buffers")) for prefix, _, own in parts]
        return [(prefix, self._kind if part is None else type(part), own) for prefix, part, own in parts]

    def tensors(self) -> Iterator[Tuple[str, Tensor]]:
        """Yield (qualified name, tensor) of all parameters and buffers that it has now, in the order of its modules."""
        for prefix, parameters, buffers in self._tables:
            for name, tensor in tensors_of({"_parameters": parameters, "_buffers": buffers}):
                yield prefix + name, tensor

    def buffers(self) -> Iterator[Tuple[str, Tensor]]:
        """Yield (qualified name, tensor) of the buffers that it has now."""
        for prefix, buffers in [(prefix, buffers) for prefix, _, buffers in self._tables if buffers]:
            for name, tensor in buffers.items():
                if tensor is not None:
                    yield prefix + name, tensor


def _living_dictionary(number: int) -> Optional[Attributes]:
    """Return the dictionary of a dying module. Weak references are called while it is still whole.

    The dictionary is searched among the living objects, so that nothing has to be held or resurrected. During
    garbage collection, garbage is not among these.
    """
    objects = gc.get_objects()
    try:
        found = [item for item, key in zip(objects, map(identity, objects)) if key == number]
    finally:
        del objects[:]  # see `living_modules`
    return found[0] if found and type(found[0]) is dict and "_parameters" in found[0] else None


def living_modules(base: type) -> List[Module]:
    """Return all living modules: objects of `base` or of a subclass. No code of any object is called."""
    kinds = frozenset(map(identity, _classes(base)))
    objects = gc.get_objects()
    try:
        return list(itertools.compress(objects, map(kinds.__contains__, map(identity, map(type, objects)))))
    finally:
        del objects[:]  # this function's frame may be among them, and would keep all of them alive


def _classes(base: type) -> Iterable[type]:
    found: Dict[int, type] = {}
    waiting = [base]
    while waiting:
        kind = waiting.pop()
        if id(kind) not in found:
            found[id(kind)] = kind
            waiting.extend(type.__subclasses__(kind))
    return found.values()


def outermost(modules: List[Module]) -> List[Module]:
    """Return the modules that are not inside of a different one. If modules form a ring, return all of them."""
    below = {id(child) for module in modules for _, child in children_of(attributes_of(module))}
    tops = [module for module in modules if id(module) not in below]
    reached = {id(part) for top in tops for _, part, _ in tree(top)}
    return tops + [module for module in modules if id(module) not in reached]
