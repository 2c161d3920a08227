"""Thread counts: every pool that computes has one thread, or as many as are asked for."""

import functools
import os

from ..wire import HELD, UNDONE
from . import tensorflow_threads
from .control import SHELL, TOP, Control, edit, imported, whole_number
from .native_libraries import blas_counts, named_threads
from .replacement import replace

_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "PJRT_NPROC",  # the CPU client of jaxlib; older ones read NPROC
    "NPROC",
)


class Threads(Control):
    """Holds every pool of computing threads at one thread: PyTorch, TensorFlow, JAX, BLAS, OpenMP."""

    id = "threads"
    value = "1"
    values = "a number of threads from 1 to 999"
    edits = (
        edit(TOP, "import torch", "torch.set_num_threads(1)", library="torch"),
        edit(
            TOP,
            "tensorflow.config.threading.set_intra_op_parallelism_threads(1)",
            "tensorflow.config.threading.set_inter_op_parallelism_threads(1)",
            library="tensorflow",
        ),
        edit(SHELL, "export PJRT_NPROC=1 NPROC=1", library="jax"),
        edit(SHELL, "export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1"),
    )
    hints = {"forward": 4, "gradient": 4, "update": 5}
    is_of_operators = True
    factor = "threads"
    varies = "How many threads every pool that computes has: PyTorch, TensorFlow, JAX, BLAS, OpenMP."
    takes = "own, or numbers of threads"
    no_effect = "no library was loaded whose threads can be counted"

    @classmethod
    def accepts(cls, value):
        return 1 <= whole_number(value) <= 999

    @classmethod
    def environment(cls, seed):
        return {name: cls.value for name in _VARIABLES}

    def after_import(self):
        return {"torch": self._hold_torch, "tensorflow": functools.partial(tensorflow_threads.hold, int(self.value))}

    def _hold_torch(self, module):
        for name in ("set_num_threads", "set_num_interop_threads"):
            if hasattr(module, name):
                _hold_count(module, name, int(self.value))

    def read_back(self):
        found = counts() or [("OMP_NUM_THREADS", int(os.environ.get("OMP_NUM_THREADS", 0)))]
        more = ["%s: %s" % (name, count) for name, count in found if count != int(self.value)]
        if more:
            return UNDONE, "; ".join(more)
        return HELD, ", ".join(name for name, _ in found)

    @classmethod
    def varied(cls, machine):
        return [str(number) for number in (1, 2) if number != machine.cores]

    @staticmethod
    def in_force():
        return ", ".join("%s %s" % pair for pair in counts()) or None


def _hold_count(module, name, number):
    try:
        getattr(module, name)(number)
    except RuntimeError:  # the pool runs already: reading back says with how many threads
        pass
    replace(module, name, _accepts_any)


def _accepts_any(original):
    def set_(number):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            original(number)  # raises what the library raises

    return set_


def counts():
    """(what, number of threads) of all that can be asked in this process; empty where nothing that computes is."""
    found = []
    for module in imported("torch"):
        found.append(("torch.get_num_threads()", module.get_num_threads()))
        if hasattr(module, "get_num_interop_threads"):
            found.append(("torch.get_num_interop_threads()", module.get_num_interop_threads()))
    for module in imported("tensorflow"):
        found.extend(tensorflow_threads.counts(module))
    if imported("jaxlib"):
        found.extend(("JAX's pool", count) for count in named_threads("XLAEigen"))
    found.extend(blas_counts())
    return found
