"""Reads the settings of the machine that are in force in this process, after the last step, to compare trials.

Reading changes nothing: it does not import, initialise or set a library. A setting that cannot be read is left out.
"""

import ctypes
import functools
import os
import sys
import time

from . import controls
from .controls import threads
from .controls.control import imported, loaded_libraries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, Iterable, Iterator, Optional, Tuple, TypeVar

    Answer = TypeVar("Answer")
    Reader = Callable[[], Optional[str]]


def read(factors: "Iterable[str]") -> "Dict[str, str]":
    """Return {name of a factor of the machine: its setting here, in words}; without factors that cannot be read here.

    `factors`: ids of the controls that are factors. No other file of controls is imported.
    """
    found = {name: _answer(ask) for name, ask in _readers(factors)}
    return {name: said for name, said in found.items() if said is not None}


def _readers(factors: "Iterable[str]") -> "Iterator[Tuple[str, Reader]]":
    """Yield (name, function) for each factor. Those that are controls come first."""
    for identity in factors:
        control = _answer(functools.partial(controls.find, identity))  # None if the program replaced `open`
        if control is not None:
            yield control.factor, control.in_force
    yield from _READERS.items()


def _answer(ask: "Callable[[], Answer]") -> "Optional[Answer]":
    try:
        return ask()
    except Exception:  # for example a release without that function
        return None


def _torch_isa() -> "Optional[str]":
    return next((module.backends.cpu.get_cpu_capability() for module in imported("torch")), None)


def _numpy_isa() -> "Optional[str]":
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        module = sys.modules.get(name)
        if module is not None:
            dispatched = [feature for feature in module.__cpu_dispatch__ if module.__cpu_features__[feature]]
            return " ".join(dispatched) or "baseline"
    return None


def _openblas() -> "Optional[str]":
    for path in [path for path in loaded_libraries() if "openblas" in os.path.basename(path)]:
        library = ctypes.CDLL(path)
        name = next((name for name in threads.of_openblas("openblas_get_corename") if hasattr(library, name)), None)
        if name:
            getattr(library, name).restype = ctypes.c_char_p
            said: bytes = getattr(library, name)()
            return said.decode()
    return None


def _home() -> str:
    return "HOME=%s USER=%s LOGNAME=%s" % tuple(os.environ.get(name) for name in ("HOME", "USER", "LOGNAME"))


def _locale() -> str:
    import locale  # either Python has loaded it at its start, or its import is quick

    name, _, codeset = (os.environ.get("LC_ALL") or os.environ.get("LANG") or "C").partition(".")
    shown = {"POSIX": "C"}.get(name, name) + "." * bool(codeset) + codeset.lower().replace("-", "")
    return "%s, %s" % (shown, locale.getpreferredencoding(False))


def _time_zone() -> str:
    return "%s, %d s west of Greenwich" % ("/".join(time.tzname), time.timezone)


def _interpreter() -> str:
    return "%s, Python %s" % (sys.executable, sys.version.split()[0])


_READERS: "Dict[str, Reader]" = {
    "isa-torch": _torch_isa,
    "isa-numpy": _numpy_isa,
    "isa-openblas": _openblas,
    "working-folder": os.getcwd,
    "home": _home,
    "locale": _locale,
    "time-zone": _time_zone,
    "interpreter": _interpreter,
}
