"""States of the random number generators that are in use, read and never touched."""

import ctypes
import struct
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

if TYPE_CHECKING:
    from .fingerprint import Hasher, Header

_WORDS = struct.Struct("<625I").pack  # the Mersenne Twister's 624 words and its position
_TWISTER_BYTES = 625 * 4


def python_state() -> Optional[bytes]:
    """State of the `random` module's hidden generator, or None where the program has not imported it."""
    generator = getattr(sys.modules.get("random"), "_inst", None)
    if generator is None:
        return None
    words = _python_words(generator)
    if words is None or (words, generator.gauss_next) != _python_last[0]:
        version, numbers, gauss = generator.getstate()
        state: bytes = _WORDS(*numbers) + repr((version, gauss)).encode()
        _python_last[:] = (words, gauss), state
    last: bytes = _python_last[1]
    return last


def numpy_state() -> Optional[bytes]:
    """State of numpy's global generator, or None where `numpy.random` has not been imported."""
    module = sys.modules.get("numpy.random")
    if module is None or not hasattr(module, "get_state"):
        return None
    words = _numpy_words(module)
    if words is None or words != _numpy_last[0]:
        name, keys, position, has_gauss, gauss = module.get_state()
        state: bytes = keys.tobytes() + repr((name, position, has_gauss, gauss)).encode()
        # a kept Gaussian can be used up without a trace in the words, but none appears without one
        _numpy_last[:] = (None, None) if has_gauss else (words, state)
        return state
    last: bytes = _numpy_last[1]
    return last


# To ask for a state of 625 numbers takes 10 to 30 us, to compare the memory that holds them less than one. So the last
# state is given again where that memory (all of it, not its address) is the same.
_python_last: List[Any] = [None, None]  # (words, kept Gaussian), state
_numpy_last: List[Any] = [None, None]  # words, state
_layout: List[Optional[int]] = []  # [offset of Python's words in their object], or [None]: not where they are expected


def _python_words(generator: Any) -> Optional[bytes]:
    """The memory of Python's Mersenne Twister (position, then words), or None where its layout is not the known one."""
    if not _layout:
        offset = object.__basicsize__
        numbers = generator.getstate()[1]
        expected = _WORDS(numbers[-1], *numbers[:-1])
        has_room = type(generator).__mro__[-2].__basicsize__ >= offset + _TWISTER_BYTES
        found = has_room and ctypes.string_at(id(generator) + offset, _TWISTER_BYTES) == expected
        _layout.append(offset if found else None)
    return None if _layout[0] is None else ctypes.string_at(id(generator) + _layout[0], _TWISTER_BYTES)


def _numpy_words(module: Any) -> Optional[bytes]:
    """The memory of numpy's global Mersenne Twister (its C interface says where), or None for another generator."""
    generator: Any = getattr(getattr(module.mtrand, "_rand", None), "_bit_generator", None)
    if type(generator).__name__ != "MT19937":
        return None
    return ctypes.string_at(generator.ctypes.state_address, _TWISTER_BYTES)


# name -> function that returns bytes or None. Watchers add theirs ("torch", "torch-cuda", "tensorflow").
SAMPLERS: Dict[str, Callable[[], Optional[bytes]]] = {"python": python_state, "numpy": numpy_state}


_given: Dict[str, bytes] = {}  # name -> the state that its library gave it when it was imported


def keep_given(names: Iterable[str]) -> None:
    """Take the present states of these generators as those that their libraries gave them."""
    for name in names:
        state = SAMPLERS[name]()
        if state is not None:
            _given[name] = state


def untouched() -> List[str]:
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
