"""Arrays that are reachable from the program's globals at its end: a model in plain NumPy, a fitted estimator.

It reads only what lies in memory: dictionaries of modules and objects, elements of plain containers. It runs no
property, no `__getattr__` and no iterator of the program, and keeps nothing.
"""

import collections
import os
import sys
import types
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple

from ..own_points import ArrayPrint
from ..system import System
from .references import MOST_ITEMS, REFERRING, attributes, has_attributes, references
from .short_values import keep, kept_numbers

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Callable

    from ..fingerprint import Shape
    from ..own_points import Reader
    from ..probe import Probe
    from ..wire import ArrayFacts
    from .objects import Array, Library

    FoundArray = Tuple[str, ArrayPrint]  # with its path

SEEN = [
    (
        "globals",
        "arrays of NumPy and tensors that are reachable at the end from the globals of the program and of modules "
        "beside it: in dictionaries, lists, tuples, sets, deques, data classes, the program's own classes and their "
        "objects, closures and defaults of its functions, its generators, objects of scikit-learn, SciPy and flax.nnx; "
        "what a jax.Ref holds; arrays of `array` and `ctypes`; lists of numbers in an object "
        "that has `predict`, `forward` or `fit`",
        "locals of a function that has returned, pandas, strings, single numbers, other lists of numbers; arrays of "
        "`ctypes` at an address or behind a pointer; children of multiprocessing",
        "more than 4,000 arrays or 1 GiB: `globals` in `not_observed`; a difference that no rule understands is "
        "inconclusive",
    ),
]

_MOST_ARRAYS, _MOST_BYTES, _DEEPEST = 4000, 1 << 30, 6
_MOST_LISTS = 1000  # lists of numbers
_NUMBERS = "biufc"  # kinds of NumPy's dtypes whose values are numbers
_DICTS = (dict, collections.OrderedDict, collections.defaultdict)
_ATOMS = frozenset(map(id, (int, float, bool, str, bytes, complex, type(None), type(sys), type(len))))
_PLAIN = ("builtins", "abc", "typing", "collections", "types", "dataclasses")
_OPEN = (
    "sklearn",
    "scipy.sparse",
    "types",
    "flax.nnx",
    "multiprocessing.sharedctypes",
)  # the objects of these libraries hold their arrays in plain attributes
_MOST_NUMBERS = 100000  # of a list
_TYPE_CODES = frozenset("bBhHiIlLqQfd")  # of numbers in `array`, and in the buffers of `ctypes`
_OTHER_ORDER = ">" if sys.byteorder == "little" else "<"  # before the code of a buffer whose bytes are in this order
_MODEL_METHODS = frozenset(("predict", "forward", "fit"))


class GlobalArrays:
    """Records points of kind "end" named "globals PATH". Watchers add readers of their arrays to `probe.readers`."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe

    def record(self) -> None:
        """Record all arrays, except those whose bits the end has already (the weights of a watched model)."""
        if not _is_program():
            return
        known = self._probe.recorder.held_prints()
        about: Dict[str, ArrayFacts] = {}
        modules = own_modules()
        walk = _Walk(self._read, self.numbers, [vars(module).get("__name__") for _, module in modules])
        for prefix, module in modules:
            walk.module(prefix, module)
        for path, found in walk.in_order():
            if found.fingerprint not in known:
                point = self._probe.point("end", "globals " + path, found.dtype, found.shape)
                self._probe.add(point, found.fingerprint)
                keep(self._probe, "globals " + path, point, found.kept)
                about[path] = found.facts
        if about:
            self._probe.event("globals", arrays=about)
        if walk.is_cut:
            why = "only the first %d arrays and %d MiB that the program's globals reach are compared"
            self._probe.not_observed("globals", why % (_MOST_ARRAYS, _MOST_BYTES >> 20))

    def _read(self, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint and facts of an array; None for anything else."""
        numpy = sys.modules.get("numpy")
        if numpy is not None and type(value) in (numpy.ndarray, getattr(numpy, "matrix", None)):
            is_number = value.dtype.kind in _NUMBERS and value.ndim
            return self.of_numpy(numpy, value) if is_number else None
        for reader in self._probe.readers:
            found = reader(value)
            if found is not None:
                return found
        return self._of_standard_library(value)

    def _of_standard_library(self, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint and facts of an array of `array` or `ctypes`; None for anything else."""
        if not _is_buffer(type(value)) or not _has_its_memory(value):
            return None
        with memoryview(value) as view:  # while it exists, no thread can append to the array
            shape, code = view.shape or (), view.format or "?"
            data = view.tobytes() if code[-1] in _TYPE_CODES else None  # None: structures, pointers, texts
        if data is None:
            return None
        is_scanned = len(shape) == 1 and shape[0] <= _MOST_NUMBERS and not code.startswith(_OTHER_ORDER)
        code_here: Any = code[-1]
        numbers = memoryview(data).cast(code_here).tolist() if is_scanned else []
        return self._print(code_here, shape, data, numbers)

    def _print(self, dtype: str, shape: "Shape", data: bytes, numbers: List[Any]) -> ArrayPrint:
        hasher = self._probe.hasher
        return ArrayPrint(dtype, shape, hasher.data(data, hasher.header(dtype, shape)), {}, kept_numbers(numbers))

    def numbers(self, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint of a list or tuple of numbers; None for anything else."""
        if type(value) not in (list, tuple) or not 0 < len(value) <= _MOST_NUMBERS:
            return None
        if any(type(number) not in (int, float) for number in value):
            return None
        return self._print("list", (len(value),), repr(list(value)).encode(), list(value))

    def of_numpy(self, numpy: "Library", array: "Array") -> ArrayPrint:
        """Return the fingerprint and facts of an array of NumPy."""
        flat = array if array.flags.c_contiguous else array.copy("C")
        header = self._probe.hasher.header(array.dtype.name, array.shape)
        found = self._probe.hasher.pointer(flat.__array_interface__["data"][0], flat.nbytes, header)
        is_short = array.ndim == 1 and array.dtype.kind in "iuf" and array.size <= _MOST_NUMBERS
        return ArrayPrint(array.dtype.name, array.shape, found, {}, kept_numbers(flat.tolist()) if is_short else None)


class _Walk:
    """Follows what globals hold. `own`: names of the program's modules; `found`: the arrays that they hold."""

    def __init__(self, read: "Reader", numbers: "Callable[[Any], Optional[ArrayPrint]]", own: Iterable[Any]) -> None:
        self._read, self._numbers, self._own = read, numbers, frozenset(own)
        self.found: List[FoundArray] = []
        self.is_cut = False
        self._seen: Dict[int, Any] = {}  # id -> the object, which is alive as long as the walk
        self._bytes = self._lists = 0

    def module(self, prefix: str, module: "ModuleType") -> None:
        """Follow all globals of a module. In a notebook, leave out those in which IPython keeps its cells."""
        fields = vars(module)
        is_notebook = "get_ipython" in fields
        for key, value in list(fields.items()):
            hidden = key.startswith("__") or (is_notebook and (key.startswith("_") or key in ("In", "Out")))
            if not hidden:
                self._value(prefix + key, value, _DEEPEST, False)

    def in_order(self) -> "List[FoundArray]":
        """Return the arrays that were found. Arrays of one path (the items of a set) are sorted by content."""
        by_path: Dict[str, List[ArrayPrint]] = {}
        for path, found in self.found:
            by_path.setdefault(path, []).append(found)
        return [
            (path, found) for path, same in by_path.items() for found in sorted(same, key=lambda one: one.fingerprint)
        ]

    def _value(self, path: str, value: Any, depth: int, is_model: bool) -> None:
        if id(type(value)) in _ATOMS or id(value) in self._seen or self._is_too_much(value):
            return
        self._seen[id(value)] = value
        found = None if type(value) is type else self._read(value) or (self._of_list(value) if is_model else None)
        if found is not None:
            self.found.append((path, _of_model(found) if is_model else found))
        elif depth:
            self._inside(path, value, depth - 1, is_model)

    def _of_list(self, value: Any) -> "Optional[ArrayPrint]":
        """Return the fingerprint of a list of numbers. A program that keeps its data in lists has very many of them."""
        found = self._numbers(value) if self._lists < _MOST_LISTS else None
        self._lists += found is not None
        return found

    def _is_too_much(self, value: Any) -> bool:
        if _is_buffer(type(value)):
            with memoryview(value) as view:
                self._bytes += view.nbytes
        elif _module_of(type(value)).split(".")[0] in ("numpy", "torch"):
            size = getattr(value, "nbytes", 0)
            self._bytes += size if isinstance(size, int) else 0
        self.is_cut = self.is_cut or self._bytes > _MOST_BYTES or len(self.found) >= _MOST_ARRAYS
        return self.is_cut

    def _inside(self, path: str, value: Any, depth: int, is_model: bool) -> None:
        kind = type(value)
        if kind in _DICTS:
            for key in list(dict.keys(value))[:MOST_ITEMS]:
                if type(key) not in (str, int):  # a lookup would run code of the program
                    continue
                self._value("%s.%s" % (path, key), dict.get(value, key), depth, is_model)
        elif kind is list or tuple in type.mro(kind):
            items = list.__getitem__ if kind is list else tuple.__getitem__
            for number, item in enumerate(items(value, slice(MOST_ITEMS))):
                self._value("%s.%d" % (path, number), item, depth, is_model)
        elif (_module_of(kind), kind.__name__) == ("sklearn.tree._tree", "Tree"):
            self._fields(path, value.__getstate__())
        elif kind in REFERRING:
            self._named(path, references(value, self._own), depth, is_model or _predicts(value))
        elif self._is_open(kind):
            self._named(path, attributes(value), depth, is_model or _is_model(kind))

    def _named(self, path: str, items: "List[Tuple[str, Any]]", depth: int, is_model: bool) -> None:
        """Follow the references that an object has by names."""
        for key, item in items[:MOST_ITEMS]:
            self._value("%s.%s" % (path, key), item, depth, is_model)

    def _fields(self, path: str, state: Dict[str, Any]) -> None:
        """Return the fields of the pickled state of a tree of scikit-learn, which is written in C."""
        for key in ("nodes", "values"):
            array: Any = state.get(key)
            for field in getattr(getattr(array, "dtype", None), "names", None) or (None,):
                found = self._read(array if field is None else array[field])
                if found is not None:
                    self.found.append(("%s.%s" % (path, field or key), _of_model(found)))

    def _is_open(self, kind: type) -> bool:
        """Return whether to look into an object's attributes.

        The answer is yes for the program's classes, data classes and known libraries.
        """
        if type in type.mro(kind) or not has_attributes(kind):
            return False
        if _module_of(kind).startswith(_OPEN) or "__dataclass_fields__" in type.__getattribute__(kind, "__dict__"):
            return True
        modules = [_module_of(base) for base in type.mro(kind)]
        return all(name.startswith(_PLAIN + _OPEN) or name in self._own for name in modules)


def _of_model(found: ArrayPrint) -> ArrayPrint:
    """Return the fingerprint and facts of an array, with a mark that it belongs to a model."""
    facts = found.facts.copy()
    facts["model"] = True
    return ArrayPrint(found.dtype, found.shape, found.fingerprint, facts, found.kept)


def _is_buffer(kind: type) -> bool:
    """Return whether objects of this class are arrays of `array` or `ctypes` that run no code of the program."""
    if kind is getattr(sys.modules.get("array"), "array", None):
        return True
    base = getattr(sys.modules.get("_ctypes"), "Array", None)
    return base in type.mro(kind)[1:2] and "__buffer__" not in type.__getattribute__(kind, "__dict__")


def _has_its_memory(value: Any) -> bool:
    """Return whether an array, or an object that it holds, owns the memory of the array.

    If not, the memory is at an address or behind a pointer, and may be gone. To read it could end the program.
    """
    own = sys.modules.get("_ctypes")
    if own is None or own.Array not in type.mro(type(value)):
        return True
    fields = type.__getattribute__(type.mro(own.Array)[1], "__dict__")
    while value is not None and own._Pointer not in type.mro(type(value)):
        kept = fields["_objects"].__get__(value)
        is_of_buffer = type(kept) is dict and any(type(one) is memoryview for one in kept.values())
        if fields["_b_needsfree_"].__get__(value) or is_of_buffer:
            return True
        value = fields["_b_base_"].__get__(value)
    return False


def _module_of(kind: type) -> str:
    name = type.__getattribute__(kind, "__module__")
    return name if isinstance(name, str) else ""


def _is_model(kind: type) -> bool:
    """Return whether a class is a model: an estimator, or a class of the program that predicts."""
    if _module_of(kind).startswith("sklearn"):
        return True
    return any(not _MODEL_METHODS.isdisjoint(type.__getattribute__(base, "__dict__")) for base in type.mro(kind))


def _predicts(value: Any) -> bool:
    """Return whether a value is a model class, or a function that predicts, whose closure may hold a model."""
    if type(value) is type:
        return _is_model(value)
    return type(value) is types.FunctionType and value.__name__ in ("predict", "forward")


def _is_program() -> bool:
    """Return whether this process is a separate program.

    A child of multiprocessing holds copies of its parent's arrays.
    """
    parent = getattr(sys.modules.get("multiprocessing.process"), "_parent_process", None)
    # a spawned child runs its parent's main module as "__mp_main__"
    main = getattr(sys.modules.get("__main__"), "__name__", "")
    return parent is None and main == "__main__"


def own_modules() -> "List[Tuple[str, ModuleType]]":
    """Return [(beginning of names, module)]: the program itself, then the modules that lie beside it."""
    main = sys.modules.get("__main__")
    if main is None:
        return []
    path = vars(main).get("__file__")
    folder = os.path.dirname(System.join(System.getcwd(), path)) if isinstance(path, str) else System.getcwd()
    found = [("", main)]
    for name, module in list(sys.modules.items()):
        fields = vars(module) if type(module) is type(sys) else {}
        if module is not main and isinstance(fields.get("__file__"), str) and _is_below(fields["__file__"], folder):
            found.append((name + ".", module))
    return found


def _is_below(file: str, folder: str) -> bool:
    is_inside = file.startswith(folder + os.sep) and not file.startswith(
        (sys.prefix + os.sep, sys.base_prefix + os.sep)
    )
    return is_inside and "-packages" + os.sep not in file and "samebits_probe" not in file
