"""Turns on PyTorch's deterministic algorithms."""

import sys
from typing import TYPE_CHECKING, Any, Dict

from ..replacement import calls_with, replace
from ..wire import HELD, UNDONE
from .control import SHELL, TOP, Control, Edit

if TYPE_CHECKING:
    from .control import ControlEffect, ImportHooks


class TorchDeterministic(Control):
    """Holds torch.use_deterministic_algorithms(True), but fills no memory: fill-uninitialized does that."""

    id = "torch-deterministic"
    libraries = ("torch",)
    edits = (
        Edit(TOP, "import torch", "torch.use_deterministic_algorithms(True)"),
        Edit(SHELL, "export CUBLAS_WORKSPACE_CONFIG=:4096:8  # on a GPU"),
    )
    hints = {"forward": 1, "gradient": 1, "update": 2}
    is_of_operators = True
    may_break = True  # PyTorch refuses operators that have no deterministic algorithm

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}

    def after_import(self) -> "ImportHooks":
        return {"torch": self._hold}

    def _hold(self, module: Any) -> None:
        if not hasattr(module, "use_deterministic_algorithms"):
            raise RuntimeError("PyTorch %s has no use_deterministic_algorithms" % module.__version__)
        module.use_deterministic_algorithms(True)
        _fill(module, False)

        replace(module, "use_deterministic_algorithms", calls_with(True))
        replace(module, "set_deterministic_debug_mode", calls_with("error"))

    def read_back(self) -> "ControlEffect":
        module = sys.modules["torch"]
        if not module.are_deterministic_algorithms_enabled():
            return UNDONE, "torch.are_deterministic_algorithms_enabled() is False"
        if module.is_deterministic_algorithms_warn_only_enabled():
            return UNDONE, "deterministic algorithms only warn"
        return HELD, ""


def _fill(module: Any, value: bool) -> None:
    """Set whether PyTorch fills new memory. Releases before 2.2 have no such flag, and never fill it."""
    flags = getattr(module.utils, "deterministic", None)
    if flags is not None and hasattr(flags, "fill_uninitialized_memory"):
        flags.fill_uninitialized_memory = value
