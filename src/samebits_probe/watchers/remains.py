"""What objects of a library hold at the end: those that have died as well as those that are alive.

Which objects the collector has taken by then is an accident. So what an object holds is read when it dies, and counts
like the rest. Objects are told apart by name alone. Those of one name are sorted by content, because a program may make
them in any order.
"""

import atexit
import functools
import sys
import weakref

_LOST = "an object died at a moment when what it held could not be read"


class Remains:
    """Knows objects from their first moment on. `points`: has `kept(name, array)` and `add_kept(kind, kept)`."""

    def __init__(self, probe, points):
        self._probe, self._points = probe, points
        self._alive = {}  # id -> (number, weak reference, what reads the object, what must live until then)
        self._dead = []  # (number, [what is kept])
        self._count, self._is_lost = 0, False
        self._last = None  # what was found at the latest end
        self._pid = None
        self.follow()

    def follow(self):
        """Have the end of this process recorded: a forked child has an end of its own."""
        if self._pid != self._probe.pid:
            self._pid = self._probe.pid
            self._probe.at_end(self._record)

    def add(self, owner, read, needed=None):
        """Follow an object. `read(owner)`: [what `kept` takes]; `needed`: what it reads from, if it is of a cycle."""
        self._count += 1
        self._alive[id(owner)] = self._count, weakref.ref(owner), read, needed

    def drop(self, owner):
        """Let go of an object, which is none of a model's, or which a different one stands for."""
        self._alive.pop(id(owner), None)

    def died(self, owner):
        """An object is about to die: what it holds is read now. Never fails."""
        if sys is None or sys.is_finalizing():
            return
        known = self._alive.pop(id(owner), None)
        if known is not None:
            try:
                self._dead.append((known[0], [self._points.kept(*one) for one in known[2](owner)]))
            except Exception:  # it dies in the middle of anything, and perhaps after its library has ended
                self._is_lost = True

    def exits_first(self):
        """Read before exit functions that are registered already: a library may take its values away in one."""
        atexit.unregister(self._exit)
        atexit.register(self._exit)

    def _exit(self):
        self._probe.guard("what is left at the exit", self._collect)

    def _record(self):
        if not self._probe.has_observed():
            return
        try:
            self._collect()
        except Exception:  # the library has ended already: `_exit` came before that
            if self._last is None:
                raise
        if self._is_lost:
            self._probe.not_observed("end", _LOST)
        for item in self._last:
            self._points.add_kept("end", item)

    def _collect(self):
        """Read all that is alive, beside what is kept of the dead."""
        found = list(self._dead)
        for number, reference, read, _ in list(self._alive.values()):
            owner = reference()
            if owner is not None:
                found.append((number, [self._taken(*one) for one in read(owner)]))
        by_name = {}
        for _, kept in sorted(found, key=lambda pair: pair[0]):
            for item in kept:
                by_name.setdefault(item[0], []).append(item)
        self._last = [item for same in by_name.values() for item in sorted(same, key=repr)]

    def _taken(self, name, array, kind=None):
        self._points.capture("end", name, array)
        return self._points.kept(name, array, kind)


_known = {}


def remains_of(probe):
    """The `Remains` of a process, which the watchers share."""
    if id(probe) not in _known:
        from .keras3.points import Points

        _known[id(probe)] = Remains(probe, Points(probe))
    return _known[id(probe)]


def leave_out(owner, method, *drops):
    """Call each of `drops` with what a method of the class `owner` returns."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def called(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        for drop in drops:
            drop(result)
        return result

    setattr(owner, method, called)


def tell_new(owner, tell):
    """Call `tell(object)` when an object of the class `owner` is made: copied and unpickled ones too."""
    original = owner.__new__

    @functools.wraps(original)
    def __new__(cls, *args, **kwargs):
        found = original(cls) if original is object.__new__ else original(cls, *args, **kwargs)
        tell(found)
        return found

    owner.__new__ = staticmethod(__new__)


def tell_after(owner, method, tell):
    """Call `tell(object)` after a method of the class `owner`."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def called(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        tell(self)
        return result

    setattr(owner, method, called)


def tell_death(owner, tell):
    """Call `tell(object)` when an object of the class `owner` dies: whole still, also where it is part of a cycle."""
    original = getattr(owner, "__del__", None)

    def __del__(self):
        tell(self)
        if original is not None:
            original(self)

    owner.__del__ = __del__
