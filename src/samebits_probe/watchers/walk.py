"""The walk over what values hold at the end: their containers, and what a subclass of `Walk` opens.

It reads only what lies in memory: dictionaries, and the elements of plain containers. It runs no property, no
`__getattr__` and no iterator of the program, and keeps nothing.
"""

import collections
import sys
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, NamedTuple, Optional, Set, Tuple

from .leaf_readers import LeafReaders, is_in_file

if TYPE_CHECKING:
    from ..prints import ArrayPrint

    FoundLeaf = Tuple[str, ArrayPrint]  # with its path

DEEPEST = 6  # containers and objects within each other
MOST_ITEMS = 4000  # of one container, whose items may be data; a model may hold as many as there are leaves
MOST_LEAVES, MOST_BYTES, MOST_VISITS = 20000, 1 << 30, 200000
CUT = "only the first %d values and %d MiB" % (MOST_LEAVES, MOST_BYTES >> 20)
NUMBERS = (bool, int, float, complex)
TEXTS = (str, bytes, bytearray)
ATOMS = frozenset(map(id, (*NUMBERS, str, bytes, type(None), type(sys), type(len))))


class ValuePlace(NamedTuple):
    """Where a value lies. `group`: its path without its places in lists. `is_model`: whether a model holds it."""

    path: str
    group: str
    is_model: bool = False

    def under(self, key: Any) -> "ValuePlace":
        """Return the place of what lies here under a key or a name."""
        return ValuePlace("%s.%s" % (self.path, key), "%s.%s" % (self.group, key), self.is_model)

    def at(self, number: int) -> "ValuePlace":
        """Return the place of an item of a list."""
        return ValuePlace("%s.%d" % (self.path, number), self.group, self.is_model)


class Walk:
    """Collects the arrays and tensors that values hold in `found`. `is_cut`: whether it has reached a limit."""

    passed_over: FrozenSet[int] = ATOMS  # ids of classes: their objects in a container cost as little time as possible

    def __init__(self, readers: LeafReaders) -> None:
        self.readers = readers
        self.found: List[FoundLeaf] = []
        self.is_cut = False
        self._bytes = self._visits = 0

    def value(self, place: ValuePlace, value: Any, depth: int = DEEPEST) -> None:
        """Collect a value, or what is in it."""
        if id(type(value)) in ATOMS or self._is_too_much(value):
            return
        found = self.leaf(place, value)
        if found is not None:
            self.found.append((place.path, found))
        elif depth:
            self.inside(place, value, depth - 1)

    def leaf(self, place: ValuePlace, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint and facts of an array or tensor; None for anything else."""
        return self.readers.of(value)

    def _is_too_much(self, value: Any) -> bool:
        self._visits += 1
        if module_of(type(value)).split(".")[0] in ("numpy", "torch"):
            self._bytes += _size_of(value)
        is_over = self._bytes > MOST_BYTES or len(self.found) >= MOST_LEAVES or self._visits > MOST_VISITS
        self.is_cut = self.is_cut or is_over
        return is_over

    def inside(self, place: ValuePlace, value: Any, depth: int) -> None:
        """Open a container. Keys that are neither texts nor whole numbers are left out, as a lookup would run code."""
        kind = type(value)
        if issubclass(kind, dict):
            for key, item in self.first(list(dict.items(value))):
                if type(key) in (str, int) and id(type(item)) not in self.passed_over:
                    self.value(place.under(key), item, depth)
            return
        base = next((one for one in (list, tuple, collections.deque) if issubclass(kind, one)), None)
        if base is not None:
            for number, item in enumerate(self.first(list(base.__iter__(value)))):
                if id(type(item)) not in self.passed_over:
                    self.value(place.at(number), item, depth)

    def first(self, items: List[Any]) -> List[Any]:
        """Return the items of a container that are looked at."""
        return items[:MOST_ITEMS]


class AttributeWalk(Walk):
    """Collects what lies in the attributes of a model or a layer: single values, arrays of text and numbers, too.

    The numbers of one name are joined: those of a list, and of the lists in it. `kinds`: what counts as a number.
    """

    passed_over: FrozenSet[int] = frozenset()

    def __init__(self, readers: LeafReaders, kinds: Tuple[type, ...] = NUMBERS) -> None:
        super().__init__(readers)
        self._kinds, self._scalar = kinds, getattr(sys.modules.get("numpy"), "generic", ())
        self._numbers: Dict[str, List[Any]] = collections.OrderedDict()
        self._several: Set[str] = set()  # the names whose numbers stood in a list
        self._count = 0

    def value(self, place: ValuePlace, value: Any, depth: int = DEEPEST) -> None:
        """Collect a value, or what is in it."""
        number = value.item() if issubclass(type(value), self._scalar) else value
        if type(number) not in self._kinds:
            super().value(place, value, depth)
        elif self._count >= MOST_LEAVES:
            self.is_cut = True
        else:
            self._count += 1
            self._numbers.setdefault(place.group, []).append(number)
            if place.path != place.group:
                self._several.add(place.group)

    def leaf(self, place: ValuePlace, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint and facts of an array or tensor; None for anything else."""
        self.is_cut = self.is_cut or is_in_file(type(value))
        return self.readers.of(value, True)

    def first(self, items: List[Any]) -> List[Any]:
        """Return the items of a container that are looked at: as many as there may be leaves."""
        self.is_cut = self.is_cut or len(items) > MOST_LEAVES
        return items[:MOST_LEAVES]

    def leaves(self) -> "List[FoundLeaf]":
        """Return all that was found, with its names."""
        joined = [(name, self.readers.of_numbers(n, name in self._several)) for name, n in self._numbers.items()]
        return self.found + joined


def _size_of(value: Any) -> int:
    """Return the number of bytes of an array or a tensor; 0 for anything else, and for sparse tensors."""
    try:
        return int(value.nbytes)
    except (AttributeError, RuntimeError, TypeError):
        return 0


def module_of(kind: type) -> str:
    """Return the name of the module of a class."""
    name = type.__getattribute__(kind, "__module__")
    return name if isinstance(name, str) else ""
