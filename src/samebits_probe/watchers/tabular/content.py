"""The content and the inputs of models of scikit-learn and of boosting libraries: arrays, numbers, objects."""

import sys
import types
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from ...system import System

if TYPE_CHECKING:
    from types import FrameType

    from ...fingerprint import Hasher, Shape
    from ..objects import Array, Library

    Path = Tuple[Any, ...]  # keys, from the outermost container inwards
    Part = Tuple[Path, bytes]  # with its fingerprint
    Opened = Tuple[Any, Any]  # key, inner value

_DEEPEST = 12
_SKIPPED = ("logging", "threading", "joblib", "_thread", "weakref", "functools", "re", "io", "_io", "ctypes", "random")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_HEADER = "content"
_TIMES = frozenset(("time", "times", "elapsed", "timestamp"))
_AFTER_TIME = frozenset(("taken", "spent", "used", "per", "s", "ms", "us", "ns", "sec", "secs", "seconds", "minutes"))
_MOST_TIMES = 100000  # of an array or a list
_BEGAN = System.now()
_UNITS = (1.0, 1e3, 1e6, 1e9)  # of a second
_LATEST = 1e20  # larger than any of them


class ContentPrint(NamedTuple):
    """What a point needs of a whole value."""

    dtype: str
    shape: "Shape"
    fingerprint: bytes


class Content:
    """Turns values into fingerprints of 16 bytes. `unread`: the types that could not be read."""

    def __init__(self, hasher: "Hasher") -> None:
        self._hasher = hasher
        self.unread: Set[str] = set()

    def of(self, value: Any) -> "Optional[ContentPrint]":
        """Return the fingerprint and facts of a whole value; None if nothing of it can be read."""
        array = self._plain_array(value)
        if array is not None:
            return ContentPrint(array.dtype.name, array.shape, self._array(array))
        parts = list(self._parts(value, (), set()))
        return self._joined(parts) if parts else None

    def of_plain(self, value: "Union[bytes, float]") -> ContentPrint:
        """Return the fingerprint and facts of bytes or a number, which can always be read."""
        return self._joined([((), self._text(value))])

    def _joined(self, parts: "List[Part]") -> ContentPrint:
        text = b"".join(repr(path).encode("utf-8", "surrogatepass") + b"\0" + found for path, found in parts)
        header = self._hasher.header(_HEADER, (len(parts),))
        return ContentPrint(_HEADER, (len(parts),), self._hasher.data(text, header))

    @staticmethod
    def _plain_array(value: Any) -> "Optional[Array]":
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)):
            return None
        array = numpy.asarray(value)
        return array if not array.dtype.hasobject and array.dtype.names is None else None

    def _array(self, array: "Array") -> bytes:
        array = array if array.flags.c_contiguous else array.copy("C")
        header = self._hasher.header(array.dtype.name, array.shape)
        if array.dtype.kind in "mM" or not array.nbytes:
            return self._hasher.data(array.tobytes(), header)
        return self._hasher.pointer(array.__array_interface__["data"][0], array.nbytes, header)

    def _parts(self, value: Any, path: "Path", around: "Set[int]") -> "Iterator[Part]":
        """Yield (path, fingerprint) of everything that a value holds, with objects opened."""
        array = self._plain_array(value)
        if array is not None:
            yield path, self._array(array)
        elif isinstance(value, _PLAIN):
            yield path, self._text(value)
        elif id(value) not in around and len(path) < _DEEPEST and not _is_skipped(value):
            for key, inner in self._opened(value):
                for found in self._parts(inner, path + (key,), around | {id(value)}):
                    yield found

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
        return [("type", type(value).__name__), ("state", state)]


def is_joblib_worker() -> bool:
    """Return whether this is a process of joblib, which fits parts of its parent's fit in any order."""
    current = getattr(sys.modules.get("multiprocessing.process"), "current_process", None)
    return current is not None and current().name != "MainProcess" and is_called_by_joblib()


def is_called_by_joblib() -> bool:
    """Return whether this thread runs a task of joblib."""
    frame: "Optional[FrameType]" = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == "joblib":
            return True
        frame = frame.f_back
    return False


def is_time(name: object, value: Any) -> bool:
    """Return whether a value is a duration or a moment, which differs from run to run: by its name, and by its kind.

    A part of a model may be named after the time that it works on: `time_embedding`, `timestamp_encoder_`.
    """
    words = str(name).strip("_").split("_")
    last = max((place for place, word in enumerate(words) if word in _TIMES), default=-1)
    return last >= 0 and _AFTER_TIME.issuperset(words[last + 1 : last + 2]) and _can_be_time(value)


def is_time_of(name: object, around: "Dict[Any, Any]", value: Any) -> bool:
    """Return whether an item of a dictionary is a duration or a moment. The only key may be the name of a feature."""
    return (len(around) > 1 or "_" in str(name).strip("_")) and is_time(name, value)


def _can_be_time(value: Any, depth: int = 3) -> bool:
    """Return whether all that a value holds can be durations or moments. It runs no code of the program."""
    kind = type(value)
    if kind is int or kind is float:
        return not value < 0
    if kind is str:
        return any(one in "0123456789" for one in value)
    if kind is list or kind is tuple or kind is dict:
        inner = list(value.values() if kind is dict else value)
        return depth > 0 and len(inner) <= _MOST_TIMES and all(_can_be_time(one, depth - 1) for one in inner)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and (kind is numpy.ndarray or numpy.generic in type.mro(kind)):
        return _can_be_times(numpy, value)
    module = type.__getattribute__(kind, "__module__")
    return module in ("datetime", "time") or (isinstance(module, str) and module.startswith("pandas._libs.tslibs."))


def _can_be_times(numpy: "Library", array: "Array") -> bool:
    if array.ndim > 1 or array.size > _MOST_TIMES or array.dtype.kind not in "mMiuf":
        return False
    with numpy.errstate(all="ignore"):
        return array.dtype.kind in "mM" or not bool((array < 0).any())


def is_moment(value: Any) -> bool:
    """Return whether a value is a moment since the probe began: a date, or seconds (or ms, us, ns) since 1970."""
    now, dates = System.now(), sys.modules.get("datetime")
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
        return {name: inner for name, inner in vars(value).items() if not (is_time(name, inner) or is_moment(inner))}
    try:
        return value.__reduce_ex__(2)[1:3]
    except Exception:  # an extension type that cannot be pickled
        return None


def _sorted_items(value: "Dict[Any, Any]") -> "List[Opened]":
    if len(value) > 16 and all(isinstance(one, _PLAIN) for pair in value.items() for one in pair):
        return [("items", repr(sorted(value.items(), key=repr)))]
    found = ((key, inner) for key, inner in value.items() if not (is_time_of(key, value, inner) or is_moment(inner)))
    return sorted(((str(key), inner) for key, inner in found), key=lambda pair: pair[0])


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
    return is_function or module.partition(".")[0] in _SKIPPED or module.startswith("numpy.random")
