"""Arrays that are reachable from the program's globals at its end: a model in plain NumPy, a fitted estimator."""

import os
import sys
import types
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple

from .. import callers
from ..system import System
from .leaf_readers import LeafReaders
from .references import REFERRING, attributes, has_attributes, references
from .walk import ATOMS, CUT, DEEPEST, ValuePlace, Walk, module_of

if TYPE_CHECKING:
    from types import ModuleType

    from ..prints import ArrayPrint
    from ..probe import Probe
    from ..wire import ArrayFacts
    from .walk import FoundLeaf

SEEN = [
    (
        "globals",
        "arrays of NumPy and tensors that are reachable at the end from the globals of the program and of modules "
        "beside it: in dictionaries, lists, tuples, sets, deques, data classes, the program's own classes and their "
        "objects, closures and defaults of its functions, objects of scikit-learn, SciPy and flax.nnx; what a jax.Ref "
        "holds; lists of numbers in an object that has `predict`, `forward` or `fit`",
        "locals of a function that has returned and of a generator, arrays of `array` and `ctypes`, trees of "
        "scikit-learn, pandas, strings, single numbers, other lists of numbers; children of multiprocessing",
        "more than 20,000 arrays or 1 GiB: `globals` in `not_observed`; a difference that no rule understands is "
        "inconclusive",
    )
]

_MOST_LISTS = 1000  # lists of numbers
_OPEN = ("sklearn", "scipy.sparse", "types", "flax.nnx")  # their objects hold arrays in plain attributes
_MODEL_METHODS = frozenset(("predict", "forward", "fit"))


def record(probe: "Probe") -> None:
    """Record points of kind "end" named "globals PATH", except those whose bits the end has already.

    The weights of a watched model are among these. What the program still holds of a deleted model is recorded.
    """
    if not _is_program():
        return
    known = probe.recorder.held_prints() - probe.gone_prints
    about: Dict[str, ArrayFacts] = {}
    modules = own_modules()
    walk = _GlobalWalk(LeafReaders(probe), [vars(module).get("__name__") for _, module in modules])
    for prefix, module in modules:
        walk.module(prefix, module)
    for path, found in walk.in_order():
        if found.fingerprint not in known:
            found.record(probe, "globals " + path)
            about[path] = found.facts
    if about:
        probe.event("globals", arrays=about)
    if walk.is_cut:
        probe.not_observed("globals", CUT + " that the program's globals reach are compared")


class _GlobalWalk(Walk):
    """Follows what globals hold, each object once. `own`: names of the program's modules."""

    def __init__(self, readers: LeafReaders, own: Iterable[Any]) -> None:
        super().__init__(readers)
        self._own = frozenset(own)
        self._seen: Dict[int, Any] = {}  # id -> the object, which is alive as long as the walk
        self._lists = 0

    def module(self, prefix: str, module: "ModuleType") -> None:
        """Follow all globals of a module. In a notebook, leave out those in which IPython keeps its cells."""
        fields = vars(module)
        is_notebook = "get_ipython" in fields
        for key, value in list(fields.items()):
            hidden = key.startswith("__") or (is_notebook and (key.startswith("_") or key in ("In", "Out")))
            if not hidden:
                self.value(ValuePlace(prefix + key, ""), value)

    def in_order(self) -> "List[FoundLeaf]":
        """Return the arrays that were found. Arrays of one path (the items of a set) are sorted by content."""
        by_path: Dict[str, List[ArrayPrint]] = {}
        for path, found in self.found:
            by_path.setdefault(path, []).append(found)
        return [
            (path, found) for path, same in by_path.items() for found in sorted(same, key=lambda one: one.fingerprint)
        ]

    def value(self, place: ValuePlace, value: Any, depth: int = DEEPEST) -> None:
        """Collect a value, or what is in it, once."""
        if id(type(value)) not in ATOMS and id(value) not in self._seen:
            self._seen[id(value)] = value
            super().value(place, value, depth)

    def leaf(self, place: ValuePlace, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint and facts of an array, or of a list of numbers in a model."""
        if type(value) is type:
            return None
        found = super().leaf(place, value) or (self._of_list(value) if place.is_model else None)
        return found._replace(facts={"model": True}) if found is not None and place.is_model else found

    def _of_list(self, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint of a list of numbers. A program that keeps its data in lists has very many of them."""
        found = self.readers.of_list(value) if self._lists < _MOST_LISTS else None
        self._lists += found is not None
        return found

    def inside(self, place: ValuePlace, value: Any, depth: int) -> None:
        """Open a container, an object, or what refers to others."""
        super().inside(place, value, depth)
        kind = type(value)
        if kind in REFERRING:
            self._named(
                place._replace(is_model=place.is_model or _predicts(value)), references(value, self._own), depth
            )
        elif self._is_open(kind):
            self._named(place._replace(is_model=place.is_model or _is_model(kind)), attributes(value), depth)

    def _named(self, place: ValuePlace, items: "List[Tuple[str, Any]]", depth: int) -> None:
        """Follow the references that an object has by names."""
        for key, item in items:
            self.value(place.under(key), item, depth)

    def _is_open(self, kind: type) -> bool:
        """Return whether to look into an object's attributes.

        The answer is yes for the program's classes, data classes and known libraries.
        """
        if type in type.mro(kind) or not has_attributes(kind):
            return False
        if module_of(kind).startswith(_OPEN) or "__dataclass_fields__" in type.__getattribute__(kind, "__dict__"):
            return True
        modules = [module_of(base) for base in type.mro(kind)]
        known = [name in self._own or name.startswith(_OPEN) or _is_standard(name) for name in modules]
        return modules[0] in self._own and all(known)


def _is_standard(name: str) -> bool:
    """Return whether a module is one of Python's own."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is None or callers.kind_of(file) == callers.STANDARD


def _is_model(kind: type) -> bool:
    """Return whether a class is a model: an estimator, or a class of the program that predicts."""
    if module_of(kind).startswith("sklearn"):
        return True
    return any(not _MODEL_METHODS.isdisjoint(type.__getattribute__(base, "__dict__")) for base in type.mro(kind))


def _predicts(value: Any) -> bool:
    """Return whether a value is a model class, or a function that predicts, whose closure may hold a model."""
    if type(value) is type:
        return _is_model(value)
    return type(value) is types.FunctionType and value.__name__ in ("predict", "forward")


def _is_program() -> bool:
    """Return whether this process is a separate program.

    A child of multiprocessing holds copies of its parent's arrays.
    """
    parent = getattr(sys.modules.get("multiprocessing.process"), "_parent_process", None)
    # a spawned child runs its parent's main module as "__mp_main__"
    main = getattr(sys.modules.get("__main__"), "__name__", "")
    return parent is None and main == "__main__"


def own_modules() -> "List[Tuple[str, ModuleType]]":
    """Return [(beginning of names, module)]: the program itself, then the modules that lie beside it."""
    main = sys.modules.get("__main__")
    if main is None:
        return []
    path = vars(main).get("__file__")
    folder = os.path.dirname(System.join(System.getcwd(), path)) if isinstance(path, str) else System.getcwd()
    found = [("", main)]
    for name, module in list(sys.modules.items()):
        fields = vars(module) if type(module) is type(sys) else {}
        if module is not main and isinstance(fields.get("__file__"), str) and _is_below(fields["__file__"], folder):
            found.append((name + ".", module))
    return found


def _is_below(file: str, folder: str) -> bool:
    libraries = sys.prefix + os.sep, sys.base_prefix + os.sep
    is_inside = file.startswith(folder + os.sep) and not file.startswith(libraries)
    return is_inside and "-packages" + os.sep not in file and "samebits_probe" not in file
