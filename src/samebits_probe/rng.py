"""States of the random number generators that are in use, read and never touched."""

import ctypes
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

    from .fingerprint import Hasher, Header

_WORDS = struct.Struct("<625I").pack  # the Mersenne Twister's 624 words and its position
_TWISTER_BYTES = 625 * 4


def python_state() -> "Optional[bytes]":
    """State of the `random` module's hidden generator, or None if the program has not imported it."""
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
    """State of numpy's global generator, or None if `numpy.random` has not been imported."""
    module = sys.modules.get("numpy.random")
    if module is None or not hasattr(module, "get_state"):
        return None
    generator = _numpy_generator(module)
    if generator is not None and type(generator).__name__ != "MT19937":  # the program has put it there
        return repr(module.get_state(legacy=False)).encode()
    words = _numpy_memory.words(generator)
    if words is None or words != _numpy_last[0]:
        name, keys, position, has_gauss, gauss = module.get_state()
        state: bytes = keys.tobytes() + repr((name, position, has_gauss, gauss)).encode()
        # a kept Gaussian can be used up without a trace in the words, but none appears without one
        _numpy_last[:] = (None, None) if has_gauss else (words, state)
        return state
    last: bytes = _numpy_last[1]
    return last


# To ask for a state of 625 numbers takes 10 to 30 us, to compare the memory that holds them less than one. So the last
# state is given again if that memory (all of it, not its address) is the same.
_python_last: "List[Any]" = [None, None]  # (words, kept Gaussian), state
_numpy_last: "List[Any]" = [None, None]  # words, state


class _Memory:
    """The memory of a generator's words, read where it lies: all of it in one call."""

    def __init__(self, find: "Callable[[Any], Optional[int]]") -> None:
        self._find = find  # address of a generator's words, or None: they are not where they are expected
        self._generator: "Any" = None
        self._words: "Any" = None

    def words(self, generator: "Any") -> "Optional[bytes]":
        """The words, or None if they cannot be read. They stay where they are as long as the generator lives."""
        if generator is not self._generator:
            address = self._find(generator)
            self._words = None if address is None else (ctypes.c_char * _TWISTER_BYTES).from_address(address)
            self._generator = generator
        words: "Optional[bytes]" = None if self._words is None else self._words.raw
        return words


def _python_address(generator: "Any") -> "Optional[int]":
    """Where Python's Mersenne Twister lies (position, then words), if its layout is the known one."""
    address = id(generator) + object.__basicsize__
    numbers = generator.getstate()[1]
    has_room = type(generator).__mro__[-2].__basicsize__ >= object.__basicsize__ + _TWISTER_BYTES
    expected = _WORDS(numbers[-1], *numbers[:-1])
    return address if has_room and ctypes.string_at(address, _TWISTER_BYTES) == expected else None


def _numpy_generator(module: "Any") -> "Any":
    return getattr(getattr(module.mtrand, "_rand", None), "_bit_generator", None)


def _numpy_address(generator: "Any") -> "Optional[int]":
    """Where numpy's global Mersenne Twister lies (its C interface says it); None for a different generator."""
    if type(generator).__name__ != "MT19937":
        return None
    address: int = generator.ctypes.state_address
    return address


_python_memory, _numpy_memory = _Memory(_python_address), _Memory(_numpy_address)


# name -> function that returns bytes or None. Watchers add theirs ("torch", "torch-cuda", "tensorflow").
SAMPLERS: "Dict[str, Callable[[], Optional[bytes]]]" = {"python": python_state, "numpy": numpy_state}


_given: "Dict[str, bytes]" = {}  # name -> the state that its library gave it when it was imported


def keep_given(names: "Iterable[str]") -> None:
    """Take the present states of these generators as those that their libraries gave them."""
    for name in names:
        state = SAMPLERS[name]()
        if state is not None:
            _given[name] = state


def given(name: str) -> "Optional[bytes]":
    """The state that its library gave a generator; None if that is not known."""
    return _given.get(name)


def untouched() -> "List[str]":
    """Generators from which the program has not drawn so far, and which it has not seeded."""
    return [name for name in _given if SAMPLERS[name]() == _given[name]]


class States:
    """Fingerprints of random states. One is kept as long as the state has the same bytes."""

    def __init__(self, hasher: "Hasher") -> None:
        self._hasher = hasher
        self._headers: Dict[int, Header] = {}  # length of a state -> header
        self._known: Dict[str, Tuple[bytes, bytes]] = {}  # name -> (bytes, fingerprint)

    def fingerprint(self, name: str, state: bytes) -> bytes:
        """16 bytes over the state's bytes."""
        known = self._known.get(name)
        if known is None or known[0] != state:
            header = self._headers.get(len(state))
            if header is None:
                header = self._headers[len(state)] = self._hasher.header("rng", (len(state),))
            known = self._known[name] = (state, self._hasher.data(state, header))
        return known[1]
