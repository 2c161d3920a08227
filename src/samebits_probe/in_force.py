"""What of the machine is in force in this process: read once, after the last step, so that two trials can be compared.

Asking changes nothing: no library is imported, initialised or set. What cannot be asked is left out.
"""

import ctypes
import os
import sys
import time

from .controls.control import imported
from .controls.dataloader import DataloaderWorkers
from .controls.listing import ListingOrder
from .controls.native_threads import loaded_libraries
from .controls.threads import counts
from .system import System

_MKL_BRANCHES = {1: "off", 2: "AUTO", 3: "COMPATIBLE", 4: "SSE2", 6: "SSSE3", 7: "SSE4_1", 8: "SSE4_2", 9: "AVX",
                 10: "AVX2", 11: "AVX512_MIC", 12: "AVX512"}  # fmt: skip
_MKL_BRANCH = 1  # asks for the branch alone (mkl_types.h)
_CORENAMES = ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename64_",
              "openblas_get_corename")  # fmt: skip
_LAYOUTS = {0x0040000: "fixed", 0x0240000: "compat"}


def read():
    """Name of a factor of the machine -> what it is here, in words; without those that cannot be told here."""
    found = {}
    for name, ask in _READERS.items():
        try:
            said = ask()
        except Exception:  # a release without that function: it cannot be told
            said = None
        if said is not None:
            found[name] = said
    return found


def _threads():
    return ", ".join("%s %s" % pair for pair in counts()) or None


def _torch_isa():
    return next((module.backends.cpu.get_cpu_capability() for module in imported("torch")), None)


def _mkl():
    """The branch of code that MKL takes, where it can be asked (PyTorch's own copy says it)."""
    for path in _loaded("libtorch_cpu", "libmkl_core", "libmkl_rt"):
        library = ctypes.CDLL(path)
        if hasattr(library, "mkl_serv_cbwr_get"):
            branch = library.mkl_serv_cbwr_get(_MKL_BRANCH)
            return _MKL_BRANCHES.get(branch, "branch %d" % branch)
    return None


def _numpy_isa():
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        module = sys.modules.get(name)
        if module is not None:
            dispatched = [feature for feature in module.__cpu_dispatch__ if module.__cpu_features__[feature]]
            return " ".join(dispatched) or "baseline"
    return None


def _openblas():
    for path in _loaded("openblas"):
        library = ctypes.CDLL(path)
        name = next((name for name in _CORENAMES if hasattr(library, name)), None)
        if name:
            getattr(library, name).restype = ctypes.c_char_p
            return getattr(library, name)().decode()
    return None


def _loaded(*parts):
    return [path for path in loaded_libraries() if any(part in os.path.basename(path) for part in parts)]


def _hash_seed():
    return "hash('samebits') is %d" % hash("samebits")


def _layout():
    return _LAYOUTS.get(int(System.read("/proc/self/personality"), 16) & 0x0240000, "random")


def _home():
    return "HOME=%s USER=%s LOGNAME=%s" % tuple(os.environ.get(name) for name in ("HOME", "USER", "LOGNAME"))


def _locale():
    import locale  # Python's start has loaded it, or it is small

    name, _, codeset = (os.environ.get("LC_ALL") or os.environ.get("LANG") or "C").partition(".")
    shown = {"POSIX": "C"}.get(name, name) + "." * bool(codeset) + codeset.lower().replace("-", "")
    return "%s, %s" % (shown, locale.getpreferredencoding(False))


def _time_zone():
    return "%s, %d s west of Greenwich" % ("/".join(time.tzname), time.timezone)


def _listing():
    make = getattr(os.listdir, "_samebits_make", None)
    if make is None or not ListingOrder.listings:
        return None
    return "reversed" if make.__self__.reverse else "sorted"


def _workers():
    return ", ".join(map(str, sorted(DataloaderWorkers.seen))) or None


def _device():
    """Whether PyTorch has used CUDA, and how many devices it may see."""
    for module in imported("torch"):
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        return "CUDA %s, devices visible: %s" % (
            "in use" if module.cuda.is_initialized() else "not used",
            "all" if visible is None else visible or "none",
        )
    return None


def _interpreter():
    return "%s, Python %s" % (sys.executable, sys.version.split()[0])


_READERS = {
    "threads": _threads,
    "isa-torch": _torch_isa,
    "isa-mkl": _mkl,
    "isa-numpy": _numpy_isa,
    "isa-openblas": _openblas,
    "hash-seed": _hash_seed,
    "address-layout": _layout,
    "working-folder": os.getcwd,
    "home": _home,
    "locale": _locale,
    "time-zone": _time_zone,
    "file-order": _listing,
    "dataloader-workers": _workers,
    "interpreter": _interpreter,
    "device": _device,
}
