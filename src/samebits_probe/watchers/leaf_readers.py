"""The readers of arrays, tensors and numbers that all walks use.

They run no code of the program: an array of a class of the program is read as an array of NumPy.
"""

import struct
import sys
from typing import TYPE_CHECKING, Any, List, Optional

from ..prints import ArrayPrint, kept_number, kept_numbers
from . import addresses

if TYPE_CHECKING:
    from ..fingerprint import Shape
    from ..prints import Reader
    from ..probe import Probe
    from .objects import Array, Library

MOST_NUMBERS = 100000  # of a list or a short array
_NUMBERS = "biufc"  # kinds of NumPy's dtypes whose values are numbers


class LeafReaders:
    """Reads arrays of NumPy, and those of the libraries that are watched.

    Watchers add readers to `probe.readers`. `more`: a reader that only this walk has.
    """

    def __init__(self, probe: "Probe", more: "Optional[Reader]" = None) -> None:
        self._probe, self._more = probe, [] if more is None else [more]

    def of(self, value: Any, takes_single: bool = False) -> Optional[ArrayPrint]:
        """Return the fingerprint and facts of an array; None for anything else.

        `takes_single`: read single values and arrays of text, too.
        """
        numpy = sys.modules.get("numpy")
        if numpy is not None and numpy.ndarray in type.mro(type(value)):
            return self.of_numpy(numpy, value, takes_single)
        for reader in [*self._more, *self._probe.readers]:
            found: Optional[ArrayPrint] = reader(value, takes_single)
            if found is not None:
                return found
        return None

    def of_numpy(self, numpy: "Library", value: "Array", takes_single: bool = True) -> Optional[ArrayPrint]:
        """Return the fingerprint and facts of an array of NumPy; None for objects, and for what lies in a file."""
        array = numpy.ndarray.view(value, numpy.ndarray)
        is_number = array.dtype.kind in _NUMBERS
        if array.dtype.hasobject or is_in_file(type(value)) or not (takes_single or (is_number and array.ndim)):
            return None
        hasher, name = self._probe.hasher, array.dtype.name if is_number else str(array.dtype)
        found = addresses.fingerprint(hasher, array, hasher.header(name, array.shape))
        is_short = array.ndim == 1 and array.dtype.kind in "iuf" and array.size <= MOST_NUMBERS
        return ArrayPrint(name, array.shape, found, kept_numbers(array.tolist()) if is_short else None)

    def of_list(self, value: Any) -> Optional[ArrayPrint]:
        """Return the fingerprint of a list or tuple of numbers; None for anything else."""
        if type(value) not in (list, tuple) or not 0 < len(value) <= MOST_NUMBERS:
            return None
        if any(type(number) not in (int, float) for number in value):
            return None
        return self._print("list", (len(value),), repr(list(value)).encode(), kept_numbers(list(value)))

    def of_numbers(self, numbers: List[Any], are_several: bool) -> ArrayPrint:
        """Return the fingerprint of the exact numbers or texts of an attribute. `are_several`: they stood in lists."""
        dtype, shape = ("numbers", (len(numbers),)) if are_several else (type(numbers[0]).__name__, ())
        kept = kept_numbers(numbers) if are_several else kept_number(numbers[0])
        return self._print(dtype, shape, "\n".join(map(exact, numbers)).encode("utf-8", "surrogatepass"), kept)

    def _print(self, dtype: str, shape: "Shape", data: bytes, kept: Any) -> ArrayPrint:
        hasher = self._probe.hasher
        return ArrayPrint(dtype, shape, hasher.data(data, hasher.header(dtype, shape)), kept)


def exact(value: Any) -> str:
    """Return a number's or text's own bits, as text."""
    if isinstance(value, float):
        return struct.pack("<d", value).hex()
    if isinstance(value, complex):
        return struct.pack("<dd", value.real, value.imag).hex()
    return repr(value)


def is_in_file(kind: type) -> bool:
    """Return whether objects of this class are arrays of NumPy that lie in a file."""
    return getattr(sys.modules.get("numpy"), "memmap", None) in type.mro(kind)
