"""What functions, methods, classes and objects of the program refer to, read without running any of its code.

All items of a set have one name, because its order differs from run to run.
"""

import functools
import types
from typing import TYPE_CHECKING, Any, Iterator, List, Tuple

from .walk import MOST_ITEMS

if TYPE_CHECKING:
    from typing import Callable, Dict, FrozenSet

    Reference = Tuple[str, Any]  # with its name

__all__ = ["REFERRING", "attributes", "has_attributes", "references"]


def references(value: Any, own: "FrozenSet[Any]") -> "List[Reference]":
    """Return what an object of one of the types `REFERRING` refers to. `own`: names of the program's modules."""
    return _READERS[type(value)](value, own)


def _of_function(function: Any, own: "FrozenSet[Any]") -> "List[Reference]":
    """Return the variables of its closure, its defaults and its attributes."""
    if not _is_own(function, own):
        return []
    found = [("defaults", function.__defaults__), ("defaults", function.__kwdefaults__)]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # the variable has no value
            pass
    return found + [(str(key), item) for key, item in list(function.__dict__.items())]


def _is_own(function: Any, own: "FrozenSet[Any]") -> bool:
    """Return whether a function is the program's, or a library's wrapper around one.

    `functools.wraps` copies the module.
    """
    module = function.__module__
    return (isinstance(module, str) and module in own) or function.__globals__.get("__name__") in own


def _of_class(value: Any, own: "FrozenSet[Any]") -> "List[Reference]":
    """Return the attributes of a class of the program."""
    if type.__getattribute__(value, "__module__") not in own:
        return []
    fields = type.__getattribute__(value, "__dict__")
    return [(key, item) for key, item in list(fields.items()) if not key.startswith("__")]


def _of_set(value: Any) -> "List[Reference]":
    return [("item", item) for item in value] if len(value) <= MOST_ITEMS else []  # their order is chance


_READERS: "Dict[type, Callable[[Any, FrozenSet[Any]], List[Reference]]]" = {
    types.FunctionType: _of_function,
    type: _of_class,
    types.MethodType: lambda value, own: [("self", value.__self__), ("func", value.__func__)],
    functools.partial: lambda value, own: [("func", value.func), ("args", value.args), ("keywords", value.keywords)],
    set: lambda value, own: _of_set(value),
    frozenset: lambda value, own: _of_set(value),
    staticmethod: lambda value, own: [("func", value.__func__)],
    classmethod: lambda value, own: [("func", value.__func__)],
}
REFERRING = frozenset(_READERS)


def has_attributes(kind: type) -> bool:
    """Return whether the objects of a class have attributes of their own.

    These lie in a dictionary, or in slots that Python code declares.
    """
    return bool(kind.__dictoffset__) or any(True for _ in _slots(kind))


def attributes(value: Any) -> "List[Reference]":
    """Return the attributes that an object has of its own."""
    kind = type(value)
    found = list(object.__getattribute__(value, "__dict__").items()) if kind.__dictoffset__ else []
    for name, slot in _slots(kind):
        try:
            found.append((name, slot.__get__(value, kind)))
        except AttributeError:  # the slot is empty
            pass
    return found


def _slots(kind: type) -> "Iterator[Reference]":
    for base in type.mro(kind):
        fields = type.__getattribute__(base, "__dict__")
        declared = list(fields.items()) if "__slots__" in fields else []
        for name, slot in declared:
            if type(slot) is types.MemberDescriptorType:
                yield name, slot
