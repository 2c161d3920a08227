"""Fixes the code branch that MKL takes (conditional numerical reproducibility).

On processors of other makers than Intel, MKL takes the branch AUTO for every value but COMPATIBLE. So the other values
do not hold there.
https://intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2025-1/get-started-with-conditional-num-reproducibility.html
"""

import ctypes
import os

from ..wire import HELD, UNDONE, UNREADABLE
from .control import OWN, SHELL, Control, Edit, loaded_libraries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

    from .control import ControlEffect, VariedMachine

_VARIABLE = "MKL_CBWR"
# PyTorch has its own copy of MKL in libtorch_cpu.so (libtorch.so before 1.5)
_FILES_OF_MKL = ("libtorch_cpu", "libtorch.so", "libmkl_core", "libmkl_rt")
_BRANCH = 1  # asks only for the branch (MKL_CBWR_BRANCH of mkl_types.h)
_NAMES = {1: "off", 2: "AUTO", 3: "COMPATIBLE", 4: "SSE2", 6: "SSSE3", 7: "SSE4_1", 8: "SSE4_2", 9: "AVX",
          10: "AVX2", 11: "AVX512_MIC", 12: "AVX512"}  # fmt: skip
# value -> the flags of /proc/cpuinfo that it needs; the value with the fewest needs comes first
_NEEDS: "Dict[str, Tuple[str, ...]]" = {
    "COMPATIBLE": (),
    "SSE4_2": ("sse4_2",),
    "AVX": ("avx",),
    "AVX2": ("avx2",),
    "AVX512": ("avx512f",),
}


class MklCbwr(Control):
    """Sets MKL_CBWR=COMPATIBLE: MKL gives the same bits on every processor and at every address if threads are held."""

    id = "mkl-cbwr"
    value = "COMPATIBLE"
    values = ", ".join(_NEEDS)
    is_strict = False  # it is slow: MKL multiplies without the wide instructions of the processor
    edits = (Edit(SHELL, "export MKL_CBWR=COMPATIBLE"),)
    hints = {"forward": 5, "gradient": 5, "update": 6}
    is_of_operators = True
    may_break = True  # a program that multiplies large matrices may take too long
    factor = "isa-mkl"
    varies = "The instructions that MKL uses (PyTorch has its own copy of MKL): MKL_CBWR."
    takes = "own, " + values
    no_effect = "torch or mkl was not loaded, or does not say what it uses"

    @classmethod
    def accepts(cls, value: str) -> bool:
        return value in _NEEDS

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {_VARIABLE: cls.value}

    def read_back(self) -> "ControlEffect":
        branch = self.in_force()
        if branch is None:
            return UNREADABLE, "no library that is loaded says which branch of MKL it takes"
        return (HELD, "") if branch == self.value else (UNDONE, "MKL takes the branch %s" % branch)

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        there = [value for value in _NEEDS if not cls.lacks(value, machine)]
        best = os.environ.get(_VARIABLE) or there[-1]
        different: "List[str]" = [value for value in ("AVX2", "COMPATIBLE") if value in there and value != best]
        return different[:1]

    @classmethod
    def lacks(cls, value: str, machine: "VariedMachine") -> str:
        missing = [flag for flag in _NEEDS.get(value, ()) if flag not in machine.instructions]
        return "this processor has no %s" % " ".join(missing) if missing and value != OWN else ""

    @staticmethod
    def in_force() -> "Optional[str]":
        for path in loaded_libraries():
            if os.path.basename(path).startswith(_FILES_OF_MKL):
                library = ctypes.CDLL(path)
                if hasattr(library, "mkl_serv_cbwr_get"):
                    branch = library.mkl_serv_cbwr_get(_BRANCH)
                    return _NAMES.get(branch, "number %d" % branch)
        return None
