"""States of the random number generators that are in use, read and never touched."""

import ctypes
import struct
import sys

_WORDS = struct.Struct("<625I").pack  # the Mersenne Twister's 624 words and its position
_TWISTER_BYTES = 625 * 4


def python_state():
    """State of the `random` module's hidden generator, or None where the program has not imported it."""
    module = sys.modules.get("random")
    if module is None or not hasattr(module, "_inst"):
        return None
    version, words, gauss = module._inst.getstate()
    return _WORDS(*words) + repr((version, gauss)).encode()


def numpy_state():
    """State of numpy's global generator, or None where `numpy.random` has not been imported."""
    module = sys.modules.get("numpy.random")
    if module is None or not hasattr(module, "get_state"):
        return None
    words = _numpy_words(module)
    if words is None or words != _numpy_last[0]:
        name, keys, position, has_gauss, gauss = module.get_state()
        state = keys.tobytes() + repr((name, position, has_gauss, gauss)).encode()
        # a kept Gaussian can be used up without a trace in the words, but none appears without one
        _numpy_last[:] = (None, None) if has_gauss else (words, state)
        return state
    return _numpy_last[1]


_numpy_last = [None, None]  # the words of the last state that kept no Gaussian, and that state


def _numpy_words(module):
    """The memory of the global Mersenne Twister: to ask for its state takes 30 us, to compare this takes one."""
    generator = getattr(getattr(module.mtrand, "_rand", None), "_bit_generator", None)
    if type(generator).__name__ != "MT19937":
        return None
    return ctypes.string_at(generator.ctypes.state_address, _TWISTER_BYTES)


# name -> function that returns bytes or None. Watchers add theirs ("torch", "torch-cuda", "tensorflow").
SAMPLERS = {"python": python_state, "numpy": numpy_state}
