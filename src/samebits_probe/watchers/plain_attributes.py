"""Numbers, arrays and tensors in the plain attributes of models, layers and modules.

They also hold the library's own bookkeeping (ids, memory addresses). A private name that the library's code for the
class mentions belongs to the library; every other attribute belongs to the program.
"""

import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterator, List, Tuple

from .pytorch.attributes import Moments

if TYPE_CHECKING:
    from ..probe import Probe

NamedArray = Tuple[Any, ...]  # (name, array), or (name, array, type) of a number
_DEEPEST, _MOST = 5, 1000
_SEEDS = ("seed", "_seed")  # a random state: its effects are seen where it is used


class PlainAttributes:
    """Reads the plain attributes of objects.

    `libraries`: names of packages; `is_tensor`, `array`: functions of the backend.
    """

    def __init__(
        self, probe: "Probe", libraries: Tuple[str, ...], is_tensor: Callable[[Any], bool], array: Callable[[Any], Any]
    ) -> None:
        self._moments, self._libraries, self._is_tensor, self._array = Moments(probe), libraries, is_tensor, array
        self._own_names: Dict[type, FrozenSet[str]] = {}  # class -> the names that its library uses

    def of(self, owner: Any, name: str) -> List[NamedArray]:
        """Return [(name, array) or (name, array, type)] of an object with this name.

        The library's own numbers are one array, as text. A type stands beside a number, to show that it is not an
        array.
        """
        own, found, settings = self.names_of(type(owner)), [], []
        for key, value in sorted(vars(owner).items(), key=lambda pair: str(pair[0])):
            if key in _SEEDS or (key in own and key.startswith("_")):
                continue
            if key in own and _is_setting(value):
                settings.append((key, value))
            else:
                found += self._leaves("%s.%s" % (name, key), value, 0)
        return found + ([(name + ".settings", _asarray(settings))] if settings else [])

    def names_of(self, kind: type) -> FrozenSet[str]:
        """Return the names that the code of a class mentions, as far as the class is the library's."""
        if kind not in self._own_names:
            classes = [one for one in kind.__mro__ if one.__module__.split(".")[0] in self._libraries]
            self._own_names[kind] = frozenset(name for one in classes for name in _mentioned(one))
        return self._own_names[kind]

    def _leaves(self, name: str, value: Any, depth: int) -> List[NamedArray]:
        if isinstance(value, sys.modules["numpy"].number):
            value = value.item()
        if isinstance(value, (bool, int, float, complex)):
            return self._numbers(name, [value], type(value).__name__)
        if self._is_array(value):
            return [(name, value)]
        if self._is_tensor(value):
            return [(name, self._array(value))]
        if isinstance(value, (set, frozenset)):
            value = sorted(value, key=repr)
        if isinstance(value, (list, tuple)) and value and all(type(one) in (bool, int, float) for one in value):
            return self._numbers(name, list(value), "numbers")
        if depth == _DEEPEST or not isinstance(value, (list, tuple, dict)) or len(value) > _MOST:
            return []
        return [leaf for key, item in _parts(value) for leaf in self._leaves("%s.%s" % (name, key), item, depth + 1)]

    def _numbers(self, name: str, numbers: List[Any], kind: str) -> List[NamedArray]:
        """Name numbers that belong only to this run (moments, process ids) as such."""
        sorted_out = self._moments.sorted_out(numbers)
        return [(name + suffix, _asarray(some if kind == "numbers" else some[0]), kind) for suffix, some in sorted_out]

    def _is_array(self, value: Any) -> bool:
        numpy = sys.modules["numpy"]
        return isinstance(value, (numpy.ndarray, numpy.generic)) and not value.dtype.hasobject


def _is_setting(value: Any) -> bool:
    if type(value) in (list, tuple):
        return all(_is_setting(one) for one in value)
    return value is None or type(value) in (bool, int, float, complex)


def _parts(value: Any) -> List[Tuple[str, Any]]:
    if isinstance(value, dict):
        return sorted(((str(key), value[key]) for key in value), key=lambda pair: pair[0])
    return [(str(index), item) for index, item in enumerate(value)]


def _asarray(value: Any) -> Any:
    """Return an array of numbers. If numpy has no type for them, return their exact text as bytes."""
    numpy = sys.modules["numpy"]
    try:
        array = numpy.asarray(value)
    except (ValueError, OverflowError):  # numbers beyond 64 bits
        array = None
    return array if array is not None and array.dtype.kind in "biufc" else numpy.asarray(repr(value).encode())


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
