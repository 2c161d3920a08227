"""Numbers, arrays and tensors in the plain attributes of models, layers and modules.

Such attributes also hold the settings of libraries, and their bookkeeping (ids, memory addresses). A name that the
library's code for the class mentions belongs to the library if it is private, or holds numbers. So does a private
setting of an object of the library's own class. Every other attribute belongs to the program.
"""

import sys
import weakref
from typing import TYPE_CHECKING, Any, Callable, FrozenSet, Iterator, List, Optional

from .. import callers
from ..prints import ArrayPrint
from .leaf_readers import LeafReaders
from .walk import NUMBERS, AttributeWalk, ValuePlace

if TYPE_CHECKING:
    from ..probe import Probe
    from .walk import FoundLeaf

_SEEDS = ("seed", "_seed")  # a random state: its effects are seen where it is used


class _LayerWalk(AttributeWalk):
    """Also opens the containers that TensorFlow puts in the place of the program's: some only act as dictionaries."""

    def inside(self, place: ValuePlace, value: Any, depth: int) -> None:
        """Open a container."""
        if isinstance(value, dict):
            value = dict(value)
        elif isinstance(value, (list, tuple)):
            value = list(value)
        super().inside(place, value, depth)


class LibraryNames:
    """Knows which attributes belong to libraries. `but`: a class whose code does not count."""

    def __init__(self, but: Optional[type] = None) -> None:
        self._but = but
        # class -> the names that its own code mentions; none for a class of the program
        self._mentioned: "weakref.WeakKeyDictionary[type, FrozenSet[str]]" = weakref.WeakKeyDictionary()

    def has(self, kind: type, key: str, value: Any) -> bool:
        """Return whether an attribute of an object of this class belongs to a library."""
        if key.startswith("_") and _is_setting(value) and is_of_library(kind):
            return True  # libraries also write such settings from outside of the class
        return (key.startswith("_") or _is_setting(value)) and any(key in self._of(one) for one in kind.__mro__)

    def _of(self, kind: type) -> FrozenSet[str]:
        found = self._mentioned.get(kind)
        if found is None:
            is_read = is_of_library(kind) and kind is not self._but
            found = self._mentioned[kind] = frozenset(_mentioned(kind) if is_read else ())
        return found


def is_of_library(kind: type) -> bool:
    """Return whether a class comes from an installed library, and not from the program."""
    file = getattr(sys.modules.get(str(kind.__dict__.get("__module__"))), "__file__", None)
    return file is not None and callers.kind_of(file) == callers.PACKAGE


class PlainAttributes:
    """Reads the plain attributes of objects. `is_tensor`, `array`: functions of the backend."""

    def __init__(self, probe: "Probe", is_tensor: Callable[[Any], bool], array: Callable[[Any], Any]) -> None:
        self._is_tensor, self._array = is_tensor, array
        self._readers, self._names = LeafReaders(probe, self._tensor), LibraryNames()

    def _tensor(self, value: Any, takes_single: bool) -> Optional[ArrayPrint]:
        return self._readers.of_numpy(sys.modules["numpy"], self._array(value)) if self._is_tensor(value) else None

    def of(self, owner: Any, name: str) -> "List[FoundLeaf]":
        """Return [(name, ArrayPrint)] of an object with this name."""
        walk = _LayerWalk(self._readers)
        for key, value in sorted(vars(owner).items(), key=lambda pair: str(pair[0])):
            if key not in _SEEDS and not self._names.has(type(owner), str(key), value):
                walk.value(ValuePlace("%s.%s" % (name, key), "%s.%s" % (name, key)), value)
        return walk.leaves()


def _is_setting(value: Any) -> bool:
    if type(value) in (list, tuple):
        return all(_is_setting(one) for one in value)
    return value is None or type(value) in NUMBERS


def _mentioned(owner: type) -> Iterator[str]:
    """Yield the names in the code of a class."""
    found = [getattr(_unwrapped(one), "__code__", None) for one in vars(owner).values()]
    codes = [code for code in found if code is not None]
    while codes:
        code = codes.pop()
        for name in code.co_names:
            yield name
        for constant in code.co_consts:
            if isinstance(constant, str):
                yield constant
        codes += [constant for constant in code.co_consts if hasattr(constant, "co_names")]


def _unwrapped(function: Any) -> Any:
    """Return the function inside properties, class methods and decorators."""
    for _ in range(20):
        inner = getattr(function, "fget", None) or getattr(function, "__func__", None)
        inner = inner or getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    return function
