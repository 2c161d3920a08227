"""Asks the compiled libraries of this process how many threads they use, and whether the driver of a GPU is there."""

import ctypes
import os
from typing import TYPE_CHECKING, Iterator, List, Tuple

if TYPE_CHECKING:
    ThreadCount = Tuple[str, int]  # (the name of a pool, its number of threads)

_ASK = (
    "openblas_get_num_threads",
    "openblas_get_num_threads64_",
    "scipy_openblas_get_num_threads",
    "scipy_openblas_get_num_threads64_",
    "MKL_Get_Max_Threads",
    "bli_thread_get_num_threads",
)
_BLAS = ("openblas", "mkl_rt", "libblis")  # parts of the names of their files


def blas_counts() -> "List[ThreadCount]":
    """Return the number of threads of each loaded BLAS; empty if that cannot be seen."""
    found: List[ThreadCount] = []
    for path in loaded_libraries():
        name = os.path.basename(path)
        if any(part in name for part in _BLAS):
            found.extend((name, count) for count in _count(path))
    return found


def loaded_libraries() -> "List[str]":
    """Return the paths of the shared libraries of this process; empty if they cannot be seen."""
    try:
        with open("/proc/self/maps") as file:
            lines = [line.rstrip("\n").split(None, 5) for line in file]
    except OSError:
        return []
    return sorted({words[5] for words in lines if len(words) == 6 and ".so" in words[5]})


def _count(path: str) -> "Iterator[int]":
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return
    for name in _ASK:
        if hasattr(library, name):
            function = getattr(library, name)
            function.restype, function.argtypes = ctypes.c_int, []
            count = function()
            # a BLIS to which nobody gave a number says -1, and computes in one thread:
            # https://github.com/joblib/threadpoolctl/blob/master/threadpoolctl.py
            yield 1 if count == -1 else count
            return


def named_threads(part: str) -> "List[int]":
    """Return [the number of threads of this process whose name contains `part`]; empty if there are none."""
    count = 0
    try:
        for number in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/comm" % number) as file:
                count += part in file.read()
    except OSError:  # a thread has ended meanwhile
        return []
    return [count] if count else []


# -- the GPU, without starting CUDA -----------------------------------------------------------------------------------


def gpu_is_visible() -> bool:
    """Return whether the driver is there, and CUDA_VISIBLE_DEVICES does not hide every device."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return os.path.exists("/dev/nvidiactl") and (shown is None or shown.strip() not in ("", "-1", "NoDevFiles"))


def first_gpu() -> str:
    """Return the value of CUDA_VISIBLE_DEVICES for one device: the first visible one."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    return shown or "0"
