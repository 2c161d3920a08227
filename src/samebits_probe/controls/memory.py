"""Fixes the content of new memory, and the addresses of memory."""

import ctypes

from ..system import System
from ..wire import HELD, UNDONE, UNREADABLE
from .control import CODE, SHELL, Control, Edit, held
from .variables import at_start_of_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Type

    from .control import ControlEffect, VariedMachine

_PERTURB = 85  # 0x55: freed memory gets this byte, new memory its complement
_FILLED = 0xAA
# flags of personality(2): fixed addresses, and the layout of old kernels, in which memory grows upwards
_NO_RANDOMIZE, _COMPAT_LAYOUT = 0x0040000, 0x0200000


class FillUninitialized(Control):
    """Fills memory when it is allocated (CPU, GNU C library), so that uninitialised memory has a fixed content."""

    id = "fill-uninitialized"
    edits = (
        Edit(CODE, "torch.zeros(...)  # or numpy.zeros, if the memory of empty() is read before it is set"),
        Edit(SHELL, "export MALLOC_PERTURB_=85 GLIBC_TUNABLES=glibc.malloc.tcache_count=0", instead=True),
    )
    calls = ("empty", "empty_like", "new_empty")
    hints = {"forward": 3, "gradient": 3, "update": 4}
    is_of_operators = True
    is_experiment = True
    # the cache of a thread returns memory that is not filled
    joined = {"GLIBC_TUNABLES": ("glibc.malloc.tcache_count=0",)}
    holds_variables = False  # the C library reads them before Python begins

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {"MALLOC_PERTURB_": str(_PERTURB)}

    def read_back(self) -> "ControlEffect":
        if all(_new_memory(size) == bytes([_FILLED]) * size for size in (24, 1000, 300000)):
            return HELD, ""
        if at_start_of_process("MALLOC_PERTURB_") != str(_PERTURB):
            return UNDONE, "this process was started without MALLOC_PERTURB_"
        return UNDONE, "this C library does not fill the memory that it allocates"


def _new_memory(size: int) -> bytes:
    """Return the content of memory as malloc returns it."""
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    address = library.malloc(size)
    try:
        return ctypes.string_at(address, size)
    finally:
        library.free(address)


class Aslr(Control):
    """Gives each process the same address layout, so that sets of objects, ordered by address, have one order."""

    id = "aslr"
    implies = ("hash-seed",)
    value = "fixed"
    values = "fixed, or compat (also fixed, in the layout of old kernels)"
    personality = _NO_RANDOMIZE
    edits = (
        Edit(
            CODE,
            "# id() and hash() of objects are addresses. The order of a set of objects depends on them.",
            "# Instead, order objects by a field of theirs, and compute with it",
        ),
        Edit(SHELL, "export PYTHONHASHSEED=0; setarch -R {command}", instead=True),
    )
    calls = ("id", "hash", "set", "frozenset")
    hints = {"batch": 12}
    is_experiment = True
    factor = "address-layout"
    varies = "The layout of memory, and so the order of sets of objects, which depends on their addresses."
    takes = "fixed, compat (also fixed, in the layout of old kernels), own (random if the system says so)"
    moves_memory = False  # as a side effect: moving memory is its purpose

    @classmethod
    def accepts(cls, value: str) -> bool:
        return value in ("fixed", "compat")

    @classmethod
    def at(cls, value: str) -> "Type[Control]":
        held_so = super().at(value)
        held_so.personality = _NO_RANDOMIZE | (_COMPAT_LAYOUT if value == "compat" else 0)
        return held_so

    def read_back(self) -> "ControlEffect":
        try:
            found = _layout()
        except OSError:
            return UNREADABLE, "/proc/self/personality cannot be read here"
        if not found & _NO_RANDOMIZE:
            return UNDONE, "the system gave this process a random address layout"
        return held(found == self.personality, "the process has the other fixed address layout")

    @classmethod
    def base(cls) -> str:
        return "fixed"

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        return ["compat"]

    @staticmethod
    def in_force() -> "Optional[str]":
        return {_NO_RANDOMIZE: "fixed", _NO_RANDOMIZE | _COMPAT_LAYOUT: "compat"}.get(_layout(), "random")


def _layout() -> int:
    """Return the flags of this process for personality(2) that concern the layout."""
    return int(System.read("/proc/self/personality"), 16) & (_NO_RANDOMIZE | _COMPAT_LAYOUT)
