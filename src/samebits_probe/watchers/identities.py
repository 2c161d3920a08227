"""Keeps values for objects of the program, by their identity, without keeping these objects alive."""

import weakref
from typing import Any, Dict, List, Optional, Tuple

from .objects import Reference

_FEW = 1000


class Identities:
    """A table of objects and their values.

    Python may give the identity of a dead object to a new one, so each entry has a weak reference. It has no callback,
    because a callback loses an exception that a signal handler raises. The table removes the entries of dead objects
    when it has doubled.
    """

    def __init__(self) -> None:
        self._entries: Dict[int, Tuple[Reference, Any]] = {}
        self._most = _FEW

    def get(self, owner: Any) -> Any:
        """Return the value of an object; None if it has none."""
        entry = self._entries.get(id(owner))
        return entry[1] if entry is not None and entry[0]() is owner else None

    def of_number(self, number: int) -> Any:
        """Return the value of the object that has or had this identity; None if there is none."""
        entry = self._entries.get(number)
        return entry[1] if entry is not None else None

    def put(self, owner: Any, value: Any) -> None:
        """Set the value of an object. Raises TypeError for an object that has no weak references."""
        self._entries[id(owner)] = weakref.ref(owner), value
        if len(self._entries) > self._most:
            alive = [(number, entry) for number, entry in list(self._entries.items()) if entry[0]() is not None]
            self._entries, self._most = dict(alive), max(_FEW, 2 * len(alive))

    def living(self) -> List[Tuple[Any, Any]]:
        """Return (object, value) for each object that is alive."""
        found = [(reference(), value) for reference, value in list(self._entries.values())]
        return [pair for pair in found if pair[0] is not None]


class ObjectLabels(Identities):
    """Labels of objects, each made from a name."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Dict[str, int] = {}

    def of(self, owner: Any, name: str) -> str:
        """Return the label of an object. If it has none yet, it gets one with this name."""
        label: Optional[str] = self.get(owner)
        if label is None:
            label = numbered(name, self._counts)
            self.put(owner, label)
        return label


def numbered(name: str, counts: Dict[str, int]) -> str:
    """Return the name, with "#2" if it occurs again. `counts`: how often each name has occurred, which is updated."""
    count = counts[name] = counts.get(name, 0) + 1
    return name if count == 1 else "%s#%d" % (name, count)
