"""Fixes thread counts: each pool of computing threads has one thread, or the requested number."""

import ctypes
import functools
import os
import sys

from ..replacement import replace
from ..wire import HELD, UNDONE
from .control import SHELL, TOP, Control, Edit, imported, loaded_libraries, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks, VariedMachine

    ThreadCount = Tuple[str, int]  # (the name of a pool, its number of threads)

_OF_EVERY_PROGRAM = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_OF_TENSORFLOW = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # with what _COUNTS begin
_OF_JAX = ("PJRT_NPROC", "NPROC")  # for the CPU client of jaxlib; older ones read NPROC
_COUNTS = ("intra_op_parallelism_threads", "inter_op_parallelism_threads")  # of TensorFlow
_BLAS = ("openblas", "mkl_rt", "libblis")  # parts of the names of their files


def of_openblas(name: str) -> "Tuple[str, ...]":
    """Return the names that builds of OpenBLAS give to a function."""
    return tuple(prefix + name + suffix for prefix in ("scipy_", "") for suffix in ("64_", ""))


_NUMBER_OF_BLAS = (*of_openblas("openblas_get_num_threads"), "MKL_Get_Max_Threads", "bli_thread_get_num_threads")


def _export(names: "Sequence[str]") -> str:
    return "export " + " ".join(name + "=1" for name in names)


class Threads(Control):
    """Holds every pool of computing threads at one thread: PyTorch, TensorFlow, JAX, BLAS, OpenMP."""

    id = "threads"
    value = "1"
    values = "a number of threads from 1 to 999"
    edits = (
        Edit(TOP, "import torch", "torch.set_num_threads(1)", library="torch"),
        Edit(
            TOP,
            "tensorflow.config.threading.set_intra_op_parallelism_threads(1)",
            "tensorflow.config.threading.set_inter_op_parallelism_threads(1)",
            library="tensorflow",
        ),
        Edit(SHELL, _export(_OF_JAX), library="jax"),
        Edit(SHELL, _export(_OF_EVERY_PROGRAM)),
    )
    hints = {"forward": 4, "gradient": 4, "update": 5}
    is_of_operators = True
    factor = "threads"
    varies = "The number of threads of every pool that computes: PyTorch, TensorFlow, JAX, BLAS, OpenMP."
    takes = "own, or numbers of threads"
    no_effect = "no library was loaded whose threads can be counted"

    @classmethod
    def accepts(cls, value: str) -> bool:
        return 1 <= whole_number(value) <= 999

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {name: cls.value for name in _OF_EVERY_PROGRAM + _OF_TENSORFLOW + _OF_JAX}

    def after_import(self) -> "ImportHooks":
        return {"torch": self._hold_torch, "tensorflow": functools.partial(_hold_tensorflow, int(self.value))}

    def _hold_torch(self, module: "Any") -> None:
        for name in ("set_num_threads", "set_num_interop_threads"):
            if hasattr(module, name):
                _hold_count(module, name, int(self.value))

    def read_back(self) -> "ControlEffect":
        found = counts() or [("OMP_NUM_THREADS", int(os.environ.get("OMP_NUM_THREADS", 0)))]
        more = ["%s: %s" % (name, count) for name, count in found if count != int(self.value)]
        if more:
            return UNDONE, "; ".join(more)
        return HELD, ", ".join(name for name, _ in found)

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        return [str(number) for number in (1, 2) if number != machine.cores]

    @staticmethod
    def in_force() -> "Optional[str]":
        return ", ".join("%s %s" % pair for pair in counts()) or None


def _hold_count(module: "Any", name: str, number: int) -> None:
    try:
        getattr(module, name)(number)
    except RuntimeError:  # the pool already runs; `read_back` reports its number of threads
        pass
    replace(module, name, _accepts_any)


def _accepts_any(original: "AnyFunction") -> "AnyFunction":
    def set_(number: "Any") -> None:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            original(number)  # raises the library's own error

    return set_


def counts() -> "List[ThreadCount]":
    """Return the thread counts of all libraries of this process that can be asked; empty if there are none."""
    found: "List[ThreadCount]" = []
    for module in imported("torch"):
        found.append(("torch.get_num_threads()", module.get_num_threads()))
        if hasattr(module, "get_num_interop_threads"):
            found.append(("torch.get_num_interop_threads()", module.get_num_interop_threads()))
    if imported("tensorflow"):
        found.extend(_tensorflow_counts())
    if imported("jaxlib"):
        found.extend(("JAX's pool", count) for count in named_threads("XLAEigen"))
    found.extend(blas_counts())
    return found


# -- TensorFlow 2 (the eager context) and 1 (sessions) ------------------------------------------------------------


def _hold_tensorflow(number: int, module: "Any") -> None:
    """Hold TensorFlow's two pools at so many threads: in the eager context, and in each session made from now on."""
    context = _eager_context()
    if context is not None:
        for name in _COUNTS:
            _set_once(context, name, number)
            _hold_property(type(context), name)
    _hold_sessions(sys.modules["tensorflow.python.client.session"].BaseSession, number)


def _tensorflow_counts() -> "List[ThreadCount]":
    """Return the thread counts of TensorFlow, as the eager context and the sessions made so far are configured."""
    context = _eager_context()
    found = [("TensorFlow's " + name, getattr(context, name)) for name in _COUNTS] if context is not None else []
    return found + sorted(_Sessions.seen)


class _Sessions:
    seen: "Set[ThreadCount]" = set()


def _eager_context() -> "Any":
    """Return the eager context; None before TensorFlow 2. Asking for the context does not start it."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context() if module is not None else None
    return context if hasattr(type(context), _COUNTS[0]) else None


def _set_once(context: "Any", name: str, number: int) -> None:
    try:
        setattr(context, name, number)
    except RuntimeError:  # it already runs; `read_back` reports its number of threads
        pass


def _hold_property(cls: type, name: str) -> None:
    original = cls.__dict__[name]
    setattr(cls, name, property(original.fget, lambda self, number: None, doc=original.__doc__))


def _hold_sessions(cls: "Any", number: int) -> None:
    original = cls.__init__

    @functools.wraps(original)
    def __init__(self: "Any", target: "Any" = "", graph: "Any" = None, config: "Any" = None) -> None:
        config = _with_threads(config, number)
        original(self, target, graph, config)
        for name in _COUNTS:
            _Sessions.seen.add(("a session's " + name, getattr(self._config, name)))

    cls.__init__ = __init__


def _with_threads(config: "Any", number: int) -> "Any":
    """Return a copy of a ConfigProto (or a new one) with so many threads in each pool."""
    proto = sys.modules["tensorflow.core.protobuf.config_pb2"].ConfigProto()
    if config is not None:
        proto.CopyFrom(config)
    for name in _COUNTS:
        setattr(proto, name, number)
    del proto.session_inter_op_thread_pool[:]
    return proto


# -- how many threads the compiled libraries of this process use ---------------------------------------------------


def blas_counts() -> "List[ThreadCount]":
    """Return the number of threads of each loaded BLAS; empty if that cannot be seen."""
    found: "List[ThreadCount]" = []
    for path in loaded_libraries():
        name = os.path.basename(path)
        if any(part in name for part in _BLAS):
            found.extend((name, count) for count in _count(path))
    return found


def _count(path: str) -> "Iterator[int]":
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return
    for name in _NUMBER_OF_BLAS:
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
