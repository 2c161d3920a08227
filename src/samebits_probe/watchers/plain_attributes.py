"""Numbers, arrays and tensors in the plain attributes of models, layers and modules of Keras and TensorFlow.

Such attributes also hold the library's own bookkeeping (ids, memory addresses). A private name that the library's
code for the class mentions belongs to the library; every other attribute belongs to the program.
"""

import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterator, List, Optional, Tuple

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


class PlainAttributes:
    """Reads the plain attributes of objects.

    `libraries`: names of packages; `is_tensor`, `array`: functions of the backend.
    """

    def __init__(
        self,
        probe: "Probe",
        libraries: Tuple[str, ...],
        is_tensor: Callable[[Any], bool],
        array: Callable[[Any], Any],
    ) -> None:
        self._libraries, self._is_tensor, self._array = libraries, is_tensor, array
        self._readers = LeafReaders(probe, self._tensor)
        self._own_names: Dict[type, FrozenSet[str]] = {}  # class -> the names that its library uses

    def _tensor(self, value: Any, takes_single: bool) -> Optional[ArrayPrint]:
        return self._readers.of_numpy(sys.modules["numpy"], self._array(value)) if self._is_tensor(value) else None

    def of(self, owner: Any, name: str) -> "List[FoundLeaf]":
        """Return [(name, ArrayPrint)] of an object with this name. The library's own numbers are one value."""
        own, settings, walk = self.names_of(type(owner)), [], _LayerWalk(self._readers)
        for key, value in sorted(vars(owner).items(), key=lambda pair: str(pair[0])):
            if key in _SEEDS or (key in own and key.startswith("_")):
                continue
            if key in own and _is_setting(value):
                settings.append((key, value))
            else:
                walk.value(ValuePlace("%s.%s" % (name, key), "%s.%s" % (name, key)), value)
        text = self._readers.of_numbers([repr(settings)], False)._replace(dtype="settings", kept=None)
        return walk.leaves() + ([(name + ".settings", text)] if settings else [])

    def names_of(self, kind: type) -> FrozenSet[str]:
        """Return the names that the code of a class mentions, as far as the class is the library's."""
        if kind not in self._own_names:
            classes = [one for one in kind.__mro__ if one.__module__.split(".")[0] in self._libraries]
            self._own_names[kind] = frozenset(name for one in classes for name in _mentioned(one))
        return self._own_names[kind]


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
