"""Finds tensors, arrays and numbers in attributes of modules and of their classes, and in `get_extra_state`.

It looks into dictionaries, lists and tuples, but not into other objects of the program. The numbers of a list are one
point, and a short list is also kept number by number. The comparison decides which of them belong to one run only.
"""

import collections
import contextlib
import io
import struct
import sys
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from ..objects import Array, Module, NamedValue
from ..short_values import Kept, kept_number, kept_numbers
from .tensors import dtype_name, shape_of
from .trees import WRAPPERS

if TYPE_CHECKING:
    from ...fingerprint import Shape
    from .trees import ModulePart
    from .watch import PyTorchWatch

Kinds = Tuple[type, ...]
Settings = Dict[str, Any]  # name -> number
NamedNumbers = Dict[str, List[Any]]

_MOST_LEAVES = 20000  # of one module
_MOST_BYTES = 1 << 30  # of one array
_DEEP = 5  # containers within each other
_NUMBERS = (bool, int, float, complex)
_TEXTS = (str, bytes, bytearray)
_EXTRA = "get_extra_state"
_SETTINGS = "(settings of layers)"
_INSTALLED = ("site-packages", "dist-packages")
_COMPILED = ("torch.fx.", "torch._dynamo.", "torch._inductor.", "torch._functorch.")


class ModuleValue(NamedTuple):
    """The facts about a value of a module. `kept`: its number, its few numbers, or its short text."""

    dtype: str
    shape: "Shape"
    print: bytes
    kept: Kept


class ModuleAttributes:
    """Gives the values that modules hold in addition to their parameters and buffers."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch = watch
        self._own_keys = frozenset(vars(watch.torch.nn.Module()))  # attributes that every module has
        self._installed: "weakref.WeakKeyDictionary[type, bool]" = (
            weakref.WeakKeyDictionary()
        )  # class -> whether an installed library made it

    def of_parts(
        self, label: str, parts: "List[ModulePart]", first: Optional[Settings] = None
    ) -> "Iterator[Tuple[str, ModuleValue]]":
        """Yield (name, ModuleValue) of everything in the plain attributes of modules: [(prefix, class, dictionary)].

        The settings of layers of installed libraries, of which there are many, are one point. Settings that
        have not changed since the first call of the model (`first`) are left out. Each float that has changed is a
        point of its own.
        """
        parts = [part for part in parts if not _is_machinery(part[1])]
        for prefix, kind, own in parts:
            is_installed = self._is_installed(kind)
            plain = [*self._plain(own), *self._of_class(kind, own)]
            plain = [pair for pair in plain if not (is_installed and _is_setting(pair[1]))]
            for found in self._values(label + prefix, plain, _NUMBERS):
                yield found
        settings = self.settings(parts)
        if first is not None:
            settings = {name: value for name, value in settings.items() if not _are_same(value, first.get(name))}
            for name in [name for name, value in settings.items() if type(value) is float]:
                yield label + name, self._of_numbers([settings.pop(name)], False)
        if settings:
            texts = sorted("%s=%s" % (name, _exact(value)) for name, value in settings.items())
            yield label + _SETTINGS, self._of_numbers(texts, True)

    def settings(self, parts: "List[ModulePart]") -> Settings:
        """Return the numeric settings of layers of installed libraries."""
        kept = [part for part in parts if self._is_installed(part[1]) and not _is_machinery(part[1])]
        pairs = [(prefix, self._plain(own)) for prefix, _, own in kept]
        return {prefix + key: value for prefix, plain in pairs for key, value in plain if _is_setting(value)}

    def _plain(self, own: Dict[str, Any]) -> List[Tuple[str, Any]]:
        """Return [(key, value)] of the attributes, without those that every module has."""
        return [(key, value) for key, value in list(own.items()) if key not in self._own_keys]

    def _of_class(self, kind: type, own: Dict[str, Any]) -> List[Tuple[str, Any]]:
        """Return [(key, value)] of the attributes that a module has from classes of the program."""
        found: Dict[str, Any] = {}
        for base in reversed(kind.__mro__[:-1]):
            if not self._is_installed(base):
                found.update(base.__dict__)
        return [pair for pair in self._plain(found) if not (pair[0] in own or pair[0].startswith("__"))]

    def _is_installed(self, kind: type) -> bool:
        """Return whether a class comes from an installed library, and not from the program."""
        known = self._installed.get(kind)
        if known is None:
            file = getattr(sys.modules.get(str(kind.__dict__.get("__module__"))), "__file__", None) or ""
            known = self._installed[kind] = any(folder in file for folder in _INSTALLED)
        return known

    def extra(self, label: str, prefix: str, module: Module) -> "Iterator[Tuple[str, ModuleValue]]":
        """Yield (name, ModuleValue) of what the module's own `get_extra_state` returns, which `state_dict` saves."""
        if _has_extra(type(module), self._watch.torch.nn.Module):
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    state = module.get_extra_state()
            except Exception as error:  # the program's own code, which may need something that is gone at the exit
                self._watch.say("extra state", "%s: %s" % (type(error).__name__, error))
                return
            for found in self._values(label + prefix, [("_extra_state", state)], _NUMBERS + _TEXTS + (type(None),)):
                yield found

    def _values(self, prefix: str, pairs: List[Tuple[Any, Any]], kinds: Kinds) -> "Iterator[Tuple[str, ModuleValue]]":
        """Open containers. Numbers of one name (and texts, if `kinds` has them) are joined."""
        leaves = _Leaves(self._watch, kinds)
        for key, value in pairs:
            if isinstance(key, str):
                leaves.open(prefix + key, prefix + key, value)
        for name, value in leaves.tensors:
            found = self._watch.prints.of(value)
            if found is not None:
                yield name, ModuleValue(dtype_name(value.dtype), shape_of(value), found, None)
        for name, array in leaves.arrays:
            yield name, self._of_array(array)
        for name, numbers in leaves.numbers.items():
            yield name, self._of_numbers(numbers, name in leaves.several)

    def _of_array(self, array: Array) -> "ModuleValue":
        hasher, shape = self._watch.probe.hasher, tuple(array.shape)
        return ModuleValue(
            str(array.dtype), shape, hasher.data(array.tobytes(), hasher.header(array.dtype, shape)), None
        )

    def _of_numbers(self, numbers: List[Any], are_several: bool) -> "ModuleValue":
        hasher = self._watch.probe.hasher
        text = "\n".join(map(_exact, numbers)).encode("utf-8", "surrogatepass")
        dtype, shape = ("numbers", (len(numbers),)) if are_several else (type(numbers[0]).__name__, ())
        kept = kept_numbers(numbers) if are_several else kept_number(numbers[0])
        return ModuleValue(dtype, shape, hasher.data(text, hasher.header(dtype, shape)), kept)


def _are_same(one: Any, two: Any) -> bool:
    return type(one) is type(two) and _exact(one) == _exact(two)


def _is_setting(value: Any) -> bool:
    """Return whether a value is a single number."""
    return type(value) in _NUMBERS


def _is_machinery(kind: type) -> bool:
    """Return whether a class wraps or compiles models.

    Its attributes count what it did, and do not belong to the model.
    """
    return kind.__name__ in WRAPPERS or str(kind.__dict__.get("__module__")).startswith(_COMPILED)


def _exact(value: Any) -> str:
    """Return a number's or text's own bits, as text."""
    if isinstance(value, float):
        return struct.pack("<d", value).hex()
    if isinstance(value, complex):
        return struct.pack("<dd", value.real, value.imag).hex()
    return repr(value)


def _has_extra(kind: type, base: type) -> bool:
    """Return whether a class has its own `get_extra_state`."""
    owner = next((one for one in kind.__mro__ if _EXTRA in one.__dict__), None)
    return owner is not None and owner is not base


class _Leaves:
    """What was found in containers: `tensors` and `arrays` [(name, value)], `numbers` {name: [value]}; `several`: the
    names whose numbers stood in a list.
    """

    def __init__(self, watch: "PyTorchWatch", kinds: Kinds) -> None:
        numpy = sys.modules.get("numpy")
        self._tensor, self._module = watch.torch.Tensor, watch.torch.nn.Module
        self._array = getattr(numpy, "ndarray", ())
        self._scalar = getattr(numpy, "generic", ())
        self._map = getattr(numpy, "memmap", ())
        self._watch, self._kinds, self._left = watch, kinds, _MOST_LEAVES
        self.tensors: List[NamedValue] = []
        self.arrays: List[NamedValue] = []
        self.numbers: NamedNumbers = collections.OrderedDict()
        self.several: Set[str] = set()

    def open(self, name: str, group: str, value: Any, depth: int = 0) -> None:
        """Take a value, or what is in it. `group`: its name without places in lists; its numbers share this name."""
        kind = type(value)
        if self._left <= 0:
            self._watch.say("attributes", "a module holds more than %d values" % _MOST_LEAVES)
        elif issubclass(kind, self._tensor):
            self._take(self.tensors, name, value)
        elif issubclass(kind, self._array):
            self._take_array(name, value)
        elif issubclass(kind, self._scalar):
            self._take_number(name, group, value.item())
        elif kind in self._kinds:
            self._take_number(name, group, value)
        elif depth < _DEEP:
            self._open_container(name, group, value, depth + 1)

    def _open_container(self, name: str, group: str, value: Any, depth: int) -> None:
        if issubclass(type(value), dict):
            for key, item in list(dict.items(value)):
                if type(key) in (str, int):
                    self.open("%s.%s" % (name, key), "%s.%s" % (group, key), item, depth)
        elif issubclass(type(value), (list, tuple, collections.deque)):
            for number, item in enumerate(list(value)):
                self.open("%s.%d" % (name, number), group, item, depth)

    def _take(self, where: List[Tuple[str, Any]], name: str, value: Any) -> None:
        self._left -= 1
        where.append((name, value))

    def _take_array(self, name: str, array: Array) -> None:
        if array.dtype.hasobject:
            return
        if array.nbytes > _MOST_BYTES or issubclass(type(array), self._map):
            self._watch.say("attributes", "an array in an attribute is larger than 1 GiB, or lies in a file")
            return
        self._take(self.arrays, name, array)

    def _take_number(self, name: str, group: str, number: Any) -> None:
        if type(number) in self._kinds:
            self._left -= 1
            self.numbers.setdefault(group, []).append(number)
            if name != group:
                self.several.add(group)
