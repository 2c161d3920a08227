"""Reads the states of the random generators in use, without changing them."""

import ctypes
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Collection, Dict, List, Optional

_WORDS = struct.Struct("<625I").pack  # the Mersenne Twister's 624 words and its position
_TWISTER_BYTES, _KEYS_BYTES = 625 * 4, 624 * 4
_POSITION, _GAUSSIAN = struct.Struct("=i").unpack_from, struct.Struct("=i4xd").unpack
_WORD = ctypes.sizeof(ctypes.c_size_t)


def python_state() -> "Optional[bytes]":
    """Return the state of the hidden generator of `random`; None if the module has not been imported."""
    generator = getattr(sys.modules.get("random"), "_inst", None)
    if generator is None:
        return None
    words = _python_memory.words(generator)
    if words is None or (words, generator.gauss_next) != _python_last[0]:
        version, numbers, gauss = generator.getstate()
        state: bytes = _WORDS(*numbers) + repr((version, gauss)).encode()
        _python_last[:] = (words, gauss), state
    last: bytes = _python_last[1]
    return last


def numpy_state() -> "Optional[bytes]":
    """Return the state of numpy's global generator; None if `numpy.random` has not been imported."""
    module = sys.modules.get("numpy.random")
    if module is None or not hasattr(module, "get_state"):
        return None
    owner = getattr(module.mtrand, "_rand", None)
    generator = getattr(owner, "_bit_generator", None)
    if generator is not None and type(generator).__name__ != "MT19937":  # the program has replaced it
        return repr(module.get_state(legacy=False)).encode()
    words = _numpy_memory.words(generator)
    kept = _numpy_gaussian.words(owner) if getattr(module.get_state, "__self__", None) is owner else None
    if words is not None and kept is not None:
        has_gauss, gauss = _GAUSSIAN(kept)
        position: int = _POSITION(words, _KEYS_BYTES)[0]
        return words[:_KEYS_BYTES] + repr(("MT19937", position, has_gauss, gauss)).encode()
    if words is None or words != _numpy_last[0]:
        name, keys, position, has_gauss, gauss = module.get_state()
        state: bytes = keys.tobytes() + repr((name, position, has_gauss, gauss)).encode()
        # using up a kept Gaussian does not change the words, but a new one changes them
        _numpy_last[:] = (None, None) if has_gauss else (words, state)
        return state
    last: bytes = _numpy_last[1]
    return last


# Getting a state of 625 numbers takes 10 to 70 us; reading or comparing their memory takes less than 1 us. So the last
# state is returned again if the content of this memory is the same. NumPy's state is made from the memory itself.
_python_last: "List[Any]" = [None, None]  # (words, kept Gaussian), state
_numpy_last: "List[Any]" = [None, None]  # words, state


class _Memory:
    """Reads the words of a generator in place, all in one call."""

    def __init__(self, find: "Callable[[Any], Optional[int]]", size: int) -> None:
        self._find = find  # returns the address of a generator's words; None if they are not at the expected place
        self._size = size  # of the words, in bytes
        self._generator: "Any" = None
        self._words: "Any" = None

    def words(self, generator: "Any") -> "Optional[bytes]":
        """Return the words; None if they cannot be read. Their address stays the same while the generator lives."""
        if generator is not self._generator:
            address = self._find(generator)
            self._words = None if address is None else (ctypes.c_char * self._size).from_address(address)
            self._generator = generator
        words: "Optional[bytes]" = None if self._words is None else self._words.raw
        return words


def _python_address(generator: "Any") -> "Optional[int]":
    """Return the address of Python's Mersenne Twister (position, then words); None if its layout is unknown."""
    address = id(generator) + object.__basicsize__
    numbers = generator.getstate()[1]
    has_room = type(generator).__mro__[-2].__basicsize__ >= object.__basicsize__ + _TWISTER_BYTES
    expected = _WORDS(numbers[-1], *numbers[:-1])
    return address if has_room and ctypes.string_at(address, _TWISTER_BYTES) == expected else None


def _numpy_address(generator: "Any") -> "Optional[int]":
    """Return the address of numpy's global Mersenne Twister, from its C interface; None for a different generator."""
    if type(generator).__name__ != "MT19937":
        return None
    address: int = generator.ctypes.state_address
    return address


def _gaussian_address(owner: "Any") -> "Optional[int]":
    """Return the address of the Gaussian that a `RandomState` keeps (whether there is one, and its value).

    It stands after a pointer to the C interface of the generator. This interface lies five words before that pointer:
    https://github.com/numpy/numpy/blob/main/numpy/random/mtrand.pyx. None if no word of the object is such a pointer.
    """
    state = _numpy_address(getattr(owner, "_bit_generator", None))
    begin, size = id(owner), type(owner).__basicsize__
    words = (ctypes.c_size_t * (size // _WORD)).from_address(begin)
    for index in range(len(words) - 2 if state is not None and _WORD == 8 else 0):
        at = words[index] - begin
        if at == (index - 5) * _WORD and at > 0 and words[index - 5] == state:
            address = begin + (index + 1) * _WORD
            return address if _GAUSSIAN(ctypes.string_at(address, 16)) == owner.get_state()[3:] else None
    return None


_python_memory, _numpy_memory = _Memory(_python_address, _TWISTER_BYTES), _Memory(_numpy_address, _TWISTER_BYTES)
_numpy_gaussian = _Memory(_gaussian_address, 16)


# name -> function that returns bytes or None. Watchers add theirs ("torch", "torch-cuda", "tensorflow").
SAMPLERS: "Dict[str, Callable[[], Optional[bytes]]]" = {"python": python_state, "numpy": numpy_state}


def states() -> "Dict[str, bytes]":
    """Return the states of all generators in use, by name."""
    sampled = {name: sample() for name, sample in list(SAMPLERS.items())}
    return {name: state for name, state in sampled.items() if state is not None}


GIVEN: "Dict[str, bytes]" = {}  # name -> the state after the import of its library


def keep_given(names: "Collection[str]") -> None:
    """Keep the present states of these generators as the states that their libraries gave them."""
    GIVEN.update({name: state for name, state in states().items() if name in names})


def keep_unused() -> "Callable[[], None]":
    """Return a function that keeps the states of generators that are unused now, as they are when it is called.

    Call that function after code that does not belong to the program. Then the draws of this code do not count.
    """
    used = GIVEN.keys() - untouched()
    return lambda: keep_given([name for name in GIVEN if name not in used])


def untouched() -> "List[str]":
    """Return the generators from which the program has not drawn so far, and which it has not seeded."""
    return [name for name in GIVEN if SAMPLERS[name]() == GIVEN[name]]
