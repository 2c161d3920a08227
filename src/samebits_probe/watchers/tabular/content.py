"""The content and the inputs of models of scikit-learn and of boosting libraries: arrays, numbers, objects."""

import inspect
import math
import sys
import traceback
import types
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from ... import handouts
from ...prints import ArrayPrint
from ...system import System
from .. import addresses
from ..plain_attributes import is_of_library

if TYPE_CHECKING:
    from ...fingerprint import Hasher
    from ..objects import Array

    Path = Tuple[Any, ...]  # keys, from the outermost container inwards
    Part = Tuple[Path, bytes]  # with its fingerprint
    Opened = Tuple[Any, Any]  # key, inner value

_DEEPEST = 12
_SKIPPED = ("logging", "threading", "joblib", "_thread", "weakref", "functools", "re", "io", "_io", "ctypes", "random")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_HEADER = "content"
_GIVEN, _STATE = "given", "state"  # the keys of an estimator's parameters, and of the other content of an object
_MOST_OF_LEAF = 1000  # numbers of a leaf
_MOST_LEAVES = 1000  # of a value
_BEGAN = System.now()
_UNITS = (1.0, 1e3, 1e6, 1e9)  # of a second
_LATEST = 1e20  # larger than any of them


class FloatLeaf(NamedTuple):
    """A float, or a short array or list of floats, in an object: it may be a time. `path`: of keys, joined."""

    path: str
    content: ArrayPrint
    value: Any


class Content:
    """Turns values into fingerprints of 16 bytes. `unread`: the types that could not be read."""

    def __init__(self, hasher: "Hasher") -> None:
        self._hasher = hasher
        self.unread: Set[str] = set()
        self._leaves: Optional[List[FloatLeaf]] = None  # the leaves of the value that is read, if the caller wants them

    def with_leaves(self, value: Any) -> "Tuple[Optional[ArrayPrint], List[FloatLeaf]]":
        """Return the content of a value without its leaves, and the leaves. A leaf itself has no leaves."""
        leaves: List[FloatLeaf] = []
        self._leaves = leaves
        try:
            return self.of(value), leaves
        finally:
            self._leaves = None

    def of(self, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint and facts of a whole value; None if nothing of it can be read."""
        array = self._plain_array(value)
        if array is not None:
            return ArrayPrint(array.dtype.name, array.shape, self._array(array))
        parts = list(self._parts(value, (), set()))
        return self._joined(parts) if parts else None

    def of_plain(self, value: "Union[bytes, float]") -> ArrayPrint:
        """Return the fingerprint and facts of bytes or a number, which can always be read."""
        return self._joined([((), self._text(value))])

    def _joined(self, parts: "List[Part]") -> ArrayPrint:
        text = b"".join(repr(path).encode("utf-8", "surrogatepass") + b"\0" + found for path, found in parts)
        header = self._hasher.header(_HEADER, (len(parts),))
        return ArrayPrint(_HEADER, (len(parts),), self._hasher.data(text, header))

    @staticmethod
    def _plain_array(value: Any) -> "Optional[Array]":
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)):
            return None
        array = numpy.asarray(value)
        return array if not array.dtype.hasobject and array.dtype.names is None else None

    def _array(self, array: "Array") -> bytes:
        return addresses.fingerprint(self._hasher, array, self._hasher.header(array.dtype.name, array.shape))

    def _parts(self, value: Any, path: "Path", around: "Set[int]") -> "Iterator[Part]":
        """Yield (path, fingerprint) of everything that a value holds, with objects opened."""
        array = self._plain_array(value)
        if self._leaves is not None and len(self._leaves) < _MOST_LEAVES and _is_leaf(path, value, array):
            self._leaves.append(FloatLeaf(_named(path), self._of_leaf(value, array), value))
        elif array is not None:
            yield path, self._array(array)
        elif isinstance(value, _PLAIN):
            yield path, self._text(value)
        elif id(value) not in around and len(path) < _DEEPEST and not _is_skipped(value):
            for key, inner in self._opened(value):
                for found in self._parts(inner, path + (key,), around | {id(value)}):
                    yield found

    def _of_leaf(self, value: Any, array: "Optional[Array]") -> ArrayPrint:
        if array is not None and array.ndim:
            return ArrayPrint(array.dtype.name, array.shape, self._array(array))
        return self._joined([((), self._text(value) if array is None else self._array(array))])

    def _text(self, value: Any) -> bytes:
        text = repr(value).encode("utf-8", "surrogatepass")
        return self._hasher.data(text, self._hasher.header(type(value).__name__, (len(text),)))

    def _opened(self, value: Any) -> "Iterable[Opened]":
        """Return [(key, inner value)] of a container or an object."""
        if isinstance(value, dict):
            return _sorted_items(value)
        if isinstance(value, (list, tuple)):
            return _as_text(value) or list(enumerate(value))
        if isinstance(value, (set, frozenset)):
            return [("set", repr(sorted(value, key=repr)))] if all(isinstance(one, _PLAIN) for one in value) else []
        for opened in (_open_array, _open_table, _open_sparse):
            found = opened(value)
            if found is not None:
                return found
        return self._open_object(value)

    def _open_object(self, value: Any) -> "List[Opened]":
        state = own_state(value)
        if state is None:
            self.unread.add("%s.%s" % (type(value).__module__, type(value).__name__))
            return []
        names: Iterable[str] = getattr(type(value), "_get_param_names", tuple)() if isinstance(state, dict) else ()
        given = {name: state.pop(name) for name in names if name in state}
        # content that only the pickled state shows (the arrays of a tree) holds no time that the program measured
        return [("type", type(value).__name__), (_GIVEN, given), (_STATE if isinstance(state, dict) else _GIVEN, state)]


def is_joblib_worker() -> bool:
    """Return whether this is a process of joblib, which fits parts of its parent's fit in any order."""
    current = getattr(sys.modules.get("multiprocessing.process"), "current_process", None)
    return current is not None and current().name != "MainProcess" and is_called_by_joblib()


def is_called_by_joblib() -> bool:
    """Return whether this thread runs a task of joblib."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_stack(sys._getframe(1)))
    return any(name.partition(".")[0] == "joblib" for name in names)


def _is_leaf(path: "Path", value: Any, array: "Optional[Array]") -> bool:
    """Return whether to take a value out of the content, because it may be a time.

    The parameters that the program gave to an estimator are not times.
    """
    if not path or _GIVEN in path:
        return False
    if array is not None:
        is_short = array.ndim <= 1 and array.size <= _MOST_OF_LEAF
        return bool(array.dtype.kind == "f") and is_short
    if type(value) is list:
        return 0 < len(value) <= _MOST_OF_LEAF and all(type(one) is float for one in value)
    return type(value) is float or _is_duration(value)


def _is_duration(value: Any) -> bool:
    return type(value) is getattr(sys.modules.get("datetime"), "timedelta", None)


def kept_sum(value: Any) -> Optional[float]:
    """Return a float, or the sum of a short array or list of floats; None for anything else, or below zero."""
    numpy = sys.modules.get("numpy")
    value = value.total_seconds() if _is_duration(value) else value
    if type(value) is float:
        return value if 0 <= value < math.inf else None
    is_array = numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))
    if is_array and value.dtype.kind == "f" and value.ndim <= 1 and 0 < value.size <= _MOST_OF_LEAF:
        numbers = value.reshape(-1).tolist()
    elif type(value) in (list, tuple) and 0 < len(value) <= _MOST_OF_LEAF and type(value[0]) is float:
        numbers = value
    else:
        return None
    return math.fsum(numbers) if all(type(one) in (int, float) and 0 <= one < math.inf for one in numbers) else None


def _named(path: "Path") -> str:
    """Return a path as text, without the key `_STATE`, which the state of an object has."""
    return ".".join(str(key) for key in path if key is not _STATE)


def is_moment(value: Any) -> bool:
    """Return whether a value is a moment since the probe began: a date, or seconds (or ms, us, ns) since 1970."""
    now, dates = System.now() + 1e-5, sys.modules.get("datetime")  # it counts in steps of 10 us
    if type(value) is int or type(value) is float:
        return _BEGAN - 1 <= value < _LATEST and any(_BEGAN - 1 <= value / unit <= now for unit in _UNITS)
    if dates is None or type(value) is not dates.datetime:
        return False
    try:
        return any(_BEGAN - 1 <= one.timestamp() <= now for one in (value, value.replace(tzinfo=dates.timezone.utc)))
    except (ArithmeticError, ValueError, OSError):  # a date far from today
        return False


def own_state(value: Any) -> Any:
    """Return the content of an object: its attributes, or its pickled state; None if neither can be read."""
    if isinstance(getattr(value, "__dict__", None), dict):
        return _lasting(vars(value), value)
    try:
        return value.__reduce_ex__(2)[1:3]
    except Exception:  # an extension type that cannot be pickled
        return None


def _lasting(items: "Dict[Any, Any]", owner: Any) -> "Dict[Any, Any]":
    """Return the items without moments and ids of this run, and without addresses of what the same object holds.

    MLflow keeps the id of its run: https://github.com/mlflow/mlflow/blob/master/mlflow/sklearn/__init__.py
    scikit-learn keeps `id(self.stop_words)`:
    https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/feature_extraction/text.py
    """
    kept = {name: inner for name, inner in items.items() if not (is_moment(inner) or handouts.is_id(inner))}
    held = {id(owner), *map(id, items.values())}
    return {name: inner for name, inner in kept.items() if not (type(inner) is int and inner in held)}


def _sorted_items(value: "Dict[Any, Any]") -> "List[Opened]":
    if len(value) > 16 and all(isinstance(one, _PLAIN) for pair in value.items() for one in pair):
        return [("items", repr(sorted(value.items(), key=repr)))]
    return sorted(((str(key), inner) for key, inner in _lasting(value, value).items()), key=lambda pair: pair[0])


def _as_text(value: "Sequence[Any]") -> "Optional[List[Opened]]":
    is_long = len(value) > 16 and all(isinstance(one, _PLAIN) for one in value)
    return [("items", repr(value))] if is_long else None


def _open_array(value: Any) -> "Optional[List[Opened]]":
    """Return an array of objects, or with named fields: the bytes between fields mean nothing."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)):
        return None
    value = numpy.asarray(value)
    if value.dtype.names:
        return [(name, numpy.ascontiguousarray(value[name])) for name in value.dtype.names]
    return [("shape", value.shape), ("items", value.ravel().tolist())]


def _open_table(value: Any) -> "Optional[List[Opened]]":
    """Return a table or a column of pandas."""
    if type(value).__module__.partition(".")[0] != "pandas":
        return None
    if hasattr(value, "columns"):
        return [(str(name), value[name].to_numpy()) for name in value.columns]
    return [("values", value.to_numpy())] if hasattr(value, "to_numpy") else None


def _open_sparse(value: Any) -> "Optional[List[Opened]]":
    """Return a sparse matrix of scipy."""
    if type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocsr"):
        rows = value.tocsr()
        return [("shape", rows.shape), ("data", rows.data), ("indices", rows.indices), ("indptr", rows.indptr)]
    return None


def _is_skipped(value: Any) -> bool:
    """Return whether a value is skipped: functions, classes, random generators, and what belongs only to this run."""
    if isinstance(value, (type, types.ModuleType)) or (callable(value) and not hasattr(value, "__dict__")):
        return True
    module = type(value).__module__
    is_function = isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType))
    is_function = is_function or (callable(value) and _stands_for_function(value))
    return is_function or module.partition(".")[0] in _SKIPPED or module.startswith("numpy.random")


def _stands_for_function(value: Any) -> bool:
    """Return whether a library's object stands for a function. Numba's keeps how long it compiled the function.

    https://github.com/numba/numba/blob/main/numba/core/dispatcher.py
    """
    wrapped = inspect.getattr_static(value, "__wrapped__", None)
    return isinstance(wrapped, types.FunctionType) and is_of_library(type(value))
