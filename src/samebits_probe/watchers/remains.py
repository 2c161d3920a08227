"""What objects of a library hold at the end, both dead and living ones.

Chance decides which objects the garbage collector has taken by then. So the content of an object is read when it dies,
and counts like the rest. Objects are told apart by name alone. Those of one name are sorted by content, because a
program may make them in any order.
"""

import atexit
import functools
import sys
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

from ..prints import ArrayPrint
from ..wrappers import after
from .objects import NamedValue
from .points import Points

if TYPE_CHECKING:
    from ..probe import Probe

NamedPrint = Tuple[str, ArrayPrint]
Reader = Callable[[Any], Iterable[NamedValue]]  # gives the content of an object: arrays, and what was read already
Alive = Tuple[int, Callable[[], Any], Reader, Any]  # number, weak reference, reader, what must live until then

_LOST = "an object was destroyed at a moment when its content could not be read"


class Remains:
    """Follows objects from their first moment on."""

    def __init__(self, probe: "Probe") -> None:
        self._probe, self._points = probe, Points(probe)
        self._alive: Dict[int, Alive] = {}  # by id
        self._dead: List[Tuple[int, List[NamedPrint]]] = []  # with their numbers
        self._count, self._is_lost = 0, False
        self._last: Optional[List[NamedPrint]] = None  # what was found at the latest end
        self._pid: Optional[int] = None
        self.follow()

    def follow(self) -> None:
        """Have the end of this process recorded: a forked child has an end of its own."""
        if self._pid != self._probe.pid:
            self._pid = self._probe.pid
            self._probe.at_end(self._record)

    def add(self, owner: Any, read: Reader, needed: Any = None) -> None:
        """Follow an object.

        `read(owner)`: [(name, array or ArrayPrint)]. `needed`: objects that it reads from, in case it is part of a
        cycle.
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
                self._dead.append((known[0], [(name, self._print(value)) for name, value in known[2](owner)]))
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
        for name, found in self._last or ():
            found.record(self._probe, name)

    def _collect(self) -> None:
        """Read everything alive, in addition to what is kept of dead objects."""
        found = list(self._dead)
        for number, reference, read, _ in list(self._alive.values()):
            owner = reference()
            if owner is not None:
                found.append((number, [(name, self._taken(name, value)) for name, value in read(owner)]))
        by_name: Dict[str, List[NamedPrint]] = {}
        for _, kept in sorted(found, key=lambda pair: pair[0]):
            for item in kept:
                by_name.setdefault(item[0], []).append(item)
        self._last = [item for same in by_name.values() for item in sorted(same, key=repr)]

    def _taken(self, name: str, value: Any) -> ArrayPrint:
        if not isinstance(value, ArrayPrint):
            self._points.capture("end", name, value)
        return self._print(value)

    def _print(self, value: Any) -> ArrayPrint:
        return value if isinstance(value, ArrayPrint) else self._points.kept(value)


@functools.lru_cache(maxsize=None)  # once for each probe
def remains_of(probe: "Probe") -> Remains:
    """Return the `Remains` of a process, which the watchers share."""
    return Remains(probe)


def leave_out(owner: Any, method: str, *drops: Callable[[Any], Any]) -> None:
    """Call each of `drops` with the result of a method of the class `owner`."""
    for drop in drops:
        after(owner, method, lambda result, *_, _drop=drop, **__: _drop(result))


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
    after(owner, method, lambda _, self, *__, **___: tell(self))


def tell_death(owner: Any, tell: Callable[[Any], Any]) -> None:
    """Call `tell(object)` when an object of the class `owner` dies: still whole, even if it is part of a cycle."""
    original = getattr(owner, "__del__", None)

    def __del__(self: Any) -> None:
        tell(self)
        if original is not None:
            original(self)

    owner.__del__ = __del__
