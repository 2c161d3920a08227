"""Reads values that a program observes itself: numbers, strings, bytes, and arrays that numpy can read."""

import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Tuple

    from .fingerprint import Buffer, Dtype, Shape, Tensor
    from .wire import ArrayFacts

    Leaf = Tuple[str, Dtype, Shape, Buffer]  # the name, and a Tensor
    Converter = Callable[[Any], Optional[Tensor]]  # None if the value is not of its library
    Reader = Callable[[Any], Optional["ArrayPrint"]]


class ArrayPrint:
    """The facts about an array or tensor that a point needs, and facts about its values."""

    __slots__ = ("dtype", "facts", "fingerprint", "shape")

    def __init__(self, dtype: "Dtype", shape: "Shape", fingerprint: bytes, facts: "ArrayFacts") -> None:
        self.dtype, self.shape, self.fingerprint, self.facts = dtype, shape, fingerprint, facts


def plain(value: "Any") -> "Tensor":
    """Return (dtype, shape, bytes) of a value that no converter knows."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return type(value).__name__, (), repr(value).encode("utf-8", "surrogatepass")
    if isinstance(value, float):
        return "float", (), struct.pack("<d", value)
    if hasattr(value, "__array__") and "numpy" in sys.modules:
        array = sys.modules["numpy"].asarray(value)
        if array.dtype != object:
            return str(array.dtype), array.shape, array.tobytes()
    try:
        view = memoryview(value)
        return view.format or "B", view.shape or (), view.tobytes()
    except TypeError:
        raise TypeError(
            "samebits_probe.observe cannot fingerprint a %s: pass arrays, tensors, numbers, strings, bytes, or lists "
            "and dicts of them" % type(value).__name__
        )


def leaves(name: str, value: "Any", converters: "Sequence[Converter]") -> "List[Leaf]":
    """Return [(name, dtype, shape, bytes)] of a value, or of all values in a container. `converters`: of watchers."""
    for convert in converters:
        found = convert(value)
        if found is not None:
            return [(name, *found)]
    if isinstance(value, dict):
        parts = [("%s.%s" % (name, key), value[key]) for key in value]
    elif isinstance(value, (list, tuple)):
        parts = [("%s.%d" % (name, i), item) for i, item in enumerate(value)]
    else:
        return [(name, *plain(value))]
    return [leaf for part, item in parts for leaf in leaves(part, item, converters)]
