"""Arrays under names, which the Keras, TensorFlow and JAX watchers record. If numpy gives a view, there is no copy.

`ArrayRows` takes arrays that come in the same order in every step: hashed in one pass, recorded in one piece.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

from ..prints import ArrayPrint
from ..trace import Group, Rows
from . import addresses
from .identities import numbered
from .objects import Array, NamedValue

if TYPE_CHECKING:
    from ..fingerprint import Header, Shape
    from ..probe import Probe

    Interned = Tuple[Any, Shape, Optional[int], int, Header]  # dtype, shape, number of bytes, point, header


class Points:
    """Records numpy arrays of one process. Points are interned once and their headers kept."""

    def __init__(self, probe: "Probe") -> None:
        self.probe = probe
        self._known: Dict[Tuple[str, str], Interned] = {}  # by kind and name
        self._pid = probe.pid
        self._pointer = probe.hasher.pointer

    def array(self, kind: str, name: str, array: Array, step: Optional[int] = None) -> bytes:
        """Record one array under a name, at the current step or at `step`. Returns its fingerprint.

        An output that is a single number is kept as a number, too.
        """
        probe = self.probe
        if self._pid != probe.pid:  # a forked child numbers its points anew
            self._known, self._pid = {}, probe.pid
        found = self._known.get((kind, name))
        if found is None or found[0] is not array.dtype or found[1] != array.shape:
            found = self._intern(kind, name, array)
        _, _, length, point, header = found
        if length is None or not array.flags.c_contiguous:
            fingerprint = self._fingerprint(array, header)
        else:
            fingerprint = self._pointer(addresses.of([array])[0], length, header)
        if kind == "start":
            probe.add_start(point, fingerprint)
        else:
            occurrence = probe.add(point, fingerprint, step)
            if kind == "forward" and array.size == 1 and array.dtype.kind in "biuf":
                probe.scalar(point, float(array.reshape(())), occurrence, step)
        self.capture(kind, name, array)
        return fingerprint

    def point(self, kind: str, name: str, array: Array) -> int:
        """Return the id of an array's point."""
        return self.probe.point(kind, name, array.dtype.name, array.shape)

    def capture(self, kind: str, name: str, array: Array) -> None:
        """Hand over the bytes of an array, if the launcher wants them."""
        if self.probe.wants(kind):
            self.probe.captured(kind, name, array.dtype.name, array.shape, _bytes(array))

    def kept(self, array: Array) -> ArrayPrint:
        """Return the facts about an array that may be deleted later."""
        header = self.probe.hasher.header(array.dtype.name, array.shape)
        number = float(array) if array.shape == () and array.dtype.kind in "biuf" else None
        return ArrayPrint(array.dtype.name, array.shape, self._fingerprint(array, header), number)

    def _fingerprint(self, array: Array, header: "Header") -> bytes:
        if array.dtype.hasobject:
            return self.probe.hasher.data(_bytes(array) or b"\0", header)
        return addresses.fingerprint(self.probe.hasher, array, header)

    def _intern(self, kind: str, name: str, array: Array) -> "Interned":
        dtype = array.dtype
        point = self.point(kind, name, array)
        self._pid = self.probe.pid
        header = self.probe.hasher.header(dtype.name, array.shape)
        length = None if dtype.hasobject else array.nbytes
        found = self._known[(kind, name)] = (dtype, array.shape, length, point, header)
        return found


def _bytes(array: Array) -> bytes:
    """Return the array's bytes in logical order; strings (arrays of objects) each with their length before them."""
    if not array.dtype.hasobject:
        found: bytes = array.tobytes()
        return found
    parts = [item if isinstance(item, bytes) else str(item).encode("utf-8", "replace") for item in array.ravel()]
    return b"".join(b"%d:%s" % (len(part), part) for part in parts)


def named_leaves(name: str, value: Any, is_leaf: Callable[[Any], bool]) -> List[NamedValue]:
    """Return (name, leaf) pairs of a nested structure of dicts, lists and tuples; None is left out.

    The keys of a dict are sorted, as every tree library does, so that the order in which they were added does not
    count.
    """
    if value is None:
        return []
    if not is_leaf(value) and isinstance(value, dict):
        parts = [(str(key), value[key]) for key in sorted(value, key=str)]
    elif not is_leaf(value) and isinstance(value, (list, tuple)):
        parts = [(str(index), item) for index, item in enumerate(value)]
    else:
        return [(name or "0", value)]
    joined = [("%s.%s" % (name, key) if name else key, item) for key, item in parts]
    return [leaf for key, item in joined for leaf in named_leaves(key, item, is_leaf)]


def named_batch(data: Any, is_leaf: Callable[[Any], bool]) -> List[NamedValue]:
    """Return (name, leaf) pairs of the input of a train step: "0", "1", "labels.0", "sample_weights.0".

    Keras' convention: one value, or (x,), (x, y), (x, y, sample_weight); anything else is named by its place.
    """
    if not isinstance(data, (tuple, list)) or is_leaf(data) or not 1 <= len(data) <= 3:
        return named_leaves("", data, is_leaf)
    named = named_leaves("", data[0], is_leaf)
    for part, value in zip(("labels", "sample_weights"), data[1:]):
        nested = isinstance(value, (dict, list, tuple)) and not is_leaf(value)
        named += named_leaves(part if nested else part + ".0", value, is_leaf)
    return named


def without_repeats(names: Iterable[str]) -> List[str]:
    """Return the names. If a name occurs again, it gets "#2", "#3" ..., so that each stands for one tensor."""
    seen: Dict[str, int] = {}
    return [numbered(name, seen) for name in names]


# -- arrays that come in the same order in every step -----------------------------------------------------------------


_ATTEMPTS = 8  # after so many plans that no longer fitted, the arrays are recorded one by one


class ArrayRows:
    """The arrays of one kind, with their names.

    The fast way relies on dtypes, shapes and contiguity. They are read again in every step. If any of them has changed,
    the arrays are recorded one by one.
    """

    def __init__(self, points: "Points", kind: str) -> None:
        self._points, self._kind = points, kind
        self._names: List[str] = []
        self._plan: Optional[_ArrayPlan] = None
        self._attempts = 0

    def record(self, names: List[str], arrays: List[Array]) -> None:
        """Record the arrays at the current step. `names` has one name for each."""
        probe, plan = self._points.probe, self._plan
        is_same = plan is not None and names == self._names and plan.pid == probe.pid and not probe.wants(self._kind)
        if is_same and plan is not None and plan.holds(arrays):
            probe.add_all(plan.group, [plan.rows(arrays)])
            return
        for name, array in zip(names, arrays):
            self._points.array(self._kind, name, array)
        self._plan = self._new_plan(names, arrays)

    def _new_plan(self, names: List[str], arrays: List[Array]) -> "Optional[_ArrayPlan]":
        self._names, self._attempts = list(names), self._attempts + 1
        is_plain = len(set(names)) == len(arrays) and not any(array.dtype.hasobject for array in arrays)
        if self._attempts > _ATTEMPTS or not is_plain:
            return None
        return _ArrayPlan(self._points, self._kind, self._names, arrays)


class _ArrayPlan:
    """The facts of some arrays when they were recorded one by one."""

    def __init__(self, points: "Points", kind: str, names: List[str], arrays: List[Array]) -> None:
        self.pid = points.probe.pid
        self.group = Group(kind, [points.point(kind, name, array) for name, array in zip(names, arrays)])
        self._dtypes, self._shapes = [array.dtype for array in arrays], [array.shape for array in arrays]
        headers = [points.probe.hasher.header(array.dtype.name, array.shape) for array in arrays]
        self._rows = points.probe.hasher.rows([array.nbytes for array in arrays], self.group.fronts, headers)

    def holds(self, arrays: List[Array]) -> bool:
        """Return whether only their values have changed, and whether these lie in memory in their logical order."""
        if [array.shape for array in arrays] != self._shapes:
            return False
        for array, dtype in zip(arrays, self._dtypes):
            if array.dtype is not dtype or not array.flags.c_contiguous:
                return False
        return True

    def rows(self, arrays: List[Array]) -> Rows:
        """Return the rows of the arrays."""
        return Rows(self._rows(addresses.of(arrays)), len(arrays))
