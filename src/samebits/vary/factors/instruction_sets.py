"""Varies the instruction sets that libraries use.

Each library has its own variable, so the report shows which library's instructions matter.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from samebits.store import TrialTrace
from samebits.vary.factor import OWN, Change, Factor, Machine


class InstructionSet(Factor):
    """A library that chooses instructions when it is loaded, unless a variable says which.

    variable   the name of that variable
    libraries  the libraries that read it
    needs      value -> the flags of /proc/cpuinfo that it needs, the least demanding value first
    lower      the values to try: only the first one that the processor has and the library does not use anyway
    """

    variable = ""
    libraries: tuple[str, ...] = ()
    needs: dict[str, tuple[str, ...]] = {}
    lower: tuple[str, ...] = ()

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        best = self.best(machine)
        return [value for value in self.lower if value != best and not self.why_not(value, machine)][:1]

    def best(self, machine: Machine) -> str | None:
        """Return the value that the library uses by itself, or that the user sets."""
        usual = [value for value in self.needs if not self.why_not(value, machine)][-1]
        return os.environ.get(self.variable) or usual

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return "this processor has none of the instruction sets to which the library can be limited"

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        if value != OWN and value not in self.needs:
            return f"it takes own, {', '.join(self.needs)}"
        missing = [flag for flag in self.needs.get(value, ()) if flag not in machine.instructions]
        return f"this processor has no {' '.join(missing)}" if missing else ""

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(variables={self.variable: value})

    def why_no_effect(self) -> str:
        """See Factor."""
        return self.unread or f"{' or '.join(self.libraries)} was not loaded, or does not say what it uses"


class TorchInstructions(InstructionSet):
    """Instructions of PyTorch's own kernels: ATEN_CPU_CAPABILITY."""

    id = "isa-torch"
    variable = "ATEN_CPU_CAPABILITY"
    takes = "own, default, avx2, avx512"
    libraries = ("torch",)
    needs = {"default": (), "avx2": ("avx2", "fma"), "avx512": ("avx512f", "avx512bw")}
    lower = ("avx2", "default")


_SHOWS = {
    "torch": "import torch; torch.nn.functional.conv2d(torch.ones(16, 8, 16, 16), torch.ones(8, 8, 3, 3))",
    "tensorflow": "import tensorflow as tf; tf.nn.conv2d(tf.ones((1, 16, 16, 8)), tf.ones((3, 3, 8, 8)), 1, 'SAME')",
}


class OneDnn(InstructionSet):
    """Instructions of oneDNN, which PyTorch and TensorFlow each contain: ONEDNN_MAX_CPU_ISA."""

    id = "isa-onednn"
    variable = "ONEDNN_MAX_CPU_ISA"
    takes = "own, SSE41, AVX, AVX2, AVX512_CORE"
    libraries = ("torch", "tensorflow")
    unread = "neither PyTorch nor TensorFlow was loaded, or its oneDNN does not say what it uses"
    needs = {"SSE41": ("sse4_1",), "AVX": ("avx",), "AVX2": ("avx2",), "AVX512_CORE": ("avx512f", "avx512bw")}
    lower = ("AVX2", "SSE41")

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """Return what oneDNN says that it uses.

        It only prints that, so a separate process asks the same library.
        """
        packages = next((trial.file.packages for trial in trials if trial.file.packages), {})
        loaded = next((library for library in self.libraries if library in packages), None)
        if loaded is None:
            return None
        variables = {**self.change(value, machine).variables, "ONEDNN_VERBOSE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        lines = machine.asked(_SHOWS[loaded], variables).splitlines()
        return next((line.partition("isa:")[2] for line in lines if ",info,cpu,isa:" in line), None)


_DISPATCHED = """
import json
try:
    from numpy._core import _multiarray_umath as umath
except ImportError:
    from numpy.core import _multiarray_umath as umath
print(json.dumps([name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]]))
"""
_BEYOND_AVX2 = ("AVX512", "X86_V4")


class Numpy(InstructionSet):
    """Instructions of numpy's own loops: NPY_DISABLE_CPU_FEATURES."""

    id = "isa-numpy"
    variable = "NPY_DISABLE_CPU_FEATURES"
    takes = "own, avx2 (nothing beyond it), baseline (what numpy was built for)"
    libraries = ("numpy",)
    needs = {"avx2": ("avx2",), "baseline": ()}
    lower = ("avx2", "baseline")

    def best(self, machine: Machine) -> str | None:
        """Return None: by itself, numpy uses everything that is there, and no value here means that."""
        return None

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        missing = super().why_not(value, machine)
        if missing or value == OWN:
            return missing
        return "" if self._without(value, machine) else "numpy uses nothing beyond that here, or cannot be asked"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(variables={self.variable: " ".join(self._without(value, machine))})

    @staticmethod
    def _without(value: str, machine: Machine) -> list[str]:
        """Return the features of the trials' numpy that a value disables. numpy refuses the names of any others."""
        output = machine.asked(_DISPATCHED, {})
        used: list[str] = json.loads(output) if output.startswith("[") else []
        return [name for name in used if value == "baseline" or name.startswith(_BEYOND_AVX2)]


class OpenBlas(InstructionSet):
    """Instructions of OpenBLAS, which multiplies numpy's matrices: OPENBLAS_CORETYPE."""

    id = "isa-openblas"
    variable = "OPENBLAS_CORETYPE"
    takes = "own, Prescott, Nehalem, Sandybridge, Haswell, SkylakeX"
    libraries = ("numpy",)
    needs = {
        "Prescott": ("pni",),
        "Nehalem": ("sse4_2",),
        "Sandybridge": ("avx",),
        "Haswell": ("avx2", "fma"),
        "SkylakeX": ("avx512f", "avx512bw"),
    }
    lower = ("Haswell", "Sandybridge", "Nehalem", "Prescott")
