"""What objects of a library hold at the end, both dead and living ones.

Chance decides which objects the garbage collector has taken by then. So the content of an object is read when it dies,
and counts like the rest. Objects are told apart by name alone. Those of one name are sorted by content, because a
program may make them in any order.
"""

import atexit
import functools
import sys
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterable, Iterator, List, Optional, Tuple

from .objects import Array

if TYPE_CHECKING:
    from ..probe import Probe
    from .keras3.points import KeptArray, Points

Reader = Callable[[Any], "Iterable[NamedArray]"]  # gives the content of an object
Alive = Tuple[int, Callable[[], Any], Reader, Any]  # number, weak reference, reader, what must live until then

_LOST = "an object was destroyed at a moment when its content could not be read"


class Remains:
    """Follows objects from their first moment on. `points`: has `kept(name, array)` and `add_kept(kind, kept)`."""

    def __init__(self, probe: "Probe", points: "Points") -> None:
        self._probe, self._points = probe, points
        self._alive: Dict[int, Alive] = {}  # by id
        self._dead: List[Tuple[int, List[KeptArray]]] = []  # with their numbers
        self._count, self._is_lost = 0, False
        self._last: Optional[List[KeptArray]] = None  # what was found at the latest end
        self._pid: Optional[int] = None
        self.follow()

    def follow(self) -> None:
        """Have the end of this process recorded: a forked child has an end of its own."""
        if self._pid != self._probe.pid:
            self._pid = self._probe.pid
            self._probe.at_end(self._record)

    def add(self, owner: Any, read: Reader, needed: Any = None) -> None:
        """Follow an object.

        `read(owner)`: [what `kept` takes]; `needed`: objects that it reads from, in case it is part of a cycle.
        """
        self._count += 1
        self._alive[id(owner)] = self._count, weakref.ref(owner), read, needed

    def drop(self, owner: Any) -> None:
        """Drop an object, because it does not belong to a model, or a different object stands for it."""
        self._alive.pop(id(owner), None)

    def died(self, owner: Any) -> None:
        """Read the content of an object that is about to die. Never fails."""
        if sys is None or sys.is_finalizing():
            return
        known = self._alive.pop(id(owner), None)
        if known is not None:
            try:
                self._dead.append((known[0], [self._points.kept(*one) for one in known[2](owner)]))
            except Exception:  # it may die in the middle of anything, perhaps after its library has ended
                self._is_lost = True

    def exits_first(self) -> None:
        """Read before exit functions that are registered already. In one of them, a library may delete its values."""
        atexit.unregister(self._exit)
        atexit.register(self._exit)

    def _exit(self) -> None:
        self._probe.guard("what is left at the exit", self._collect)

    def _record(self) -> None:
        if not self._probe.has_observed():
            return
        try:
            self._collect()
        except Exception:  # the library has ended already: `_exit` came before that
            if self._last is None:
                raise
        if self._is_lost:
            self._probe.not_observed("end", _LOST)
        for item in self._last or ():
            self._points.add_kept("end", item)

    def _collect(self) -> None:
        """Read everything alive, in addition to what is kept of dead objects."""
        found = list(self._dead)
        for number, reference, read, _ in list(self._alive.values()):
            owner = reference()
            if owner is not None:
                found.append((number, [self._taken(*one) for one in read(owner)]))
        by_name: Dict[str, List[KeptArray]] = {}
        for _, kept in sorted(found, key=lambda pair: pair[0]):
            for item in kept:
                by_name.setdefault(item.name, []).append(item)
        self._last = [item for same in by_name.values() for item in sorted(same, key=repr)]

    def _taken(self, name: str, array: Array, kind: Optional[str] = None) -> "KeptArray":
        self._points.capture("end", name, array)
        return self._points.kept(name, array, kind)


_known: Dict[int, Remains] = {}


def remains_of(probe: "Probe") -> Remains:
    """Return the `Remains` of a process, which the watchers share."""
    if id(probe) not in _known:
        from .keras3.points import Points

        _known[id(probe)] = Remains(probe, Points(probe))
    return _known[id(probe)]


def leave_out(owner: Any, method: str, *drops: Callable[[Any], Any]) -> None:
    """Call each of `drops` with the result of a method of the class `owner`."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        for drop in drops:
            drop(result)
        return result

    setattr(owner, method, called)


def tell_new(owner: Any, tell: Callable[[Any], Any]) -> None:
    """Call `tell(object)` when an object of the class `owner` is made, copied or unpickled."""
    original = owner.__new__

    @functools.wraps(original)
    def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(cls) if original is object.__new__ else original(cls, *args, **kwargs)
        tell(found)
        return found

    owner.__new__ = staticmethod(__new__)


def tell_after(owner: Any, method: str, tell: Callable[[Any], Any]) -> None:
    """Call `tell(object)` after a method of the class `owner`."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        tell(self)
        return result

    setattr(owner, method, called)


def tell_death(owner: Any, tell: Callable[[Any], Any]) -> None:
    """Call `tell(object)` when an object of the class `owner` dies: still whole, even if it is part of a cycle."""
    original = getattr(owner, "__del__", None)

    def __del__(self: Any) -> None:
        tell(self)
        if original is not None:
            original(self)

    owner.__del__ = __del__


# -- numbers, arrays and tensors in the plain attributes of models, layers and modules --------------------------------
# Such attributes also hold the library's own bookkeeping (ids, memory addresses). A private name that the library's
# code for the class mentions belongs to the library; every other attribute belongs to the program.

NamedArray = Tuple[Any, ...]  # (name, array), or (name, array, type) of a number
_DEEPEST, _MOST = 5, 1000
_SEEDS = ("seed", "_seed")  # a random state: its effects are seen where it is used


class PlainAttributes:
    """Reads the plain attributes of objects.

    `libraries`: names of packages; `is_tensor`, `array`: functions of the backend.
    """

    def __init__(
        self, libraries: Tuple[str, ...], is_tensor: Callable[[Any], bool], array: Callable[[Any], Any]
    ) -> None:
        self._libraries, self._is_tensor, self._array = libraries, is_tensor, array
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
        return [(name, _asarray(numbers if kind == "numbers" else numbers[0]), kind)]

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
