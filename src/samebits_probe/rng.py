"""States of the random number generators that are in use, read and never touched."""

import struct
import sys

_WORDS = struct.Struct("<625I").pack  # the Mersenne Twister's 624 words and its position


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
    name, keys, position, has_gauss, gauss = module.get_state()
    return keys.tobytes() + repr((name, position, has_gauss, gauss)).encode()


# name -> function that returns bytes or None. Watchers add theirs ("torch", "torch-cuda", "tensorflow").
SAMPLERS = {"python": python_state, "numpy": numpy_state}
