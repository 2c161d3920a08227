"""Holds the two flags of cuDNN in PyTorch."""

import sys
from typing import TYPE_CHECKING, Any, Optional

from ..replacement import calls_with, replace
from ..wire import HELD, IDLE, UNDONE
from . import control
from .control import TOP, Control, Edit

if TYPE_CHECKING:
    from .control import ControlEffect, ImportHooks


class _Flag(Control):
    """A flag of torch.backends.cudnn. The program's own settings of the flag have no effect."""

    libraries = ("torch",)
    flag, setter = "", ""
    setting: "Optional[bool]" = None
    is_of_operators = True

    def after_import(self) -> "ImportHooks":
        return {"torch": self._hold}

    def _hold(self, module: Any) -> None:
        setattr(module.backends.cudnn, self.flag, self.setting)
        # the setter that torch.backends.cudnn.flags(...) calls
        replace(module._C, self.setter, calls_with(self.setting))
        _hold_property(type(module.backends.cudnn), self.flag)

    def read_back(self) -> "ControlEffect":
        now = getattr(sys.modules["torch"].backends.cudnn, self.flag)
        if now is not self.setting:
            return UNDONE, "torch.backends.cudnn.%s is %s" % (self.flag, now)
        if not sys.modules["torch"].version.cuda:
            return IDLE, "this PyTorch is built without CUDA: nothing reads it"
        return (HELD, "") if control.gpu_is_visible() else (IDLE, "there is no GPU here: nothing reads it")


def _hold_property(cls: type, name: str) -> None:
    original = cls.__dict__[name]

    class FixedFlag:
        """Returns the flag as before. A new value is accepted, but not kept."""

        def __get__(self, instance: Any, owner: Any) -> Any:
            return original.__get__(instance, owner)

        def __set__(self, instance: Any, value: Any) -> None:
            return None

    setattr(cls, name, FixedFlag())


class CudnnBenchmarkOff(_Flag):
    """Holds torch.backends.cudnn.benchmark at False, so cuDNN does not choose algorithms by timing them."""

    id = "cudnn-benchmark-off"
    flag, setter, setting = "benchmark", "_set_cudnn_benchmark", False
    edits = (Edit(TOP, "import torch", "torch.backends.cudnn.benchmark = False"),)


class CudnnDeterministic(_Flag):
    """Holds torch.backends.cudnn.deterministic at True."""

    id = "cudnn-deterministic"
    flag, setter, setting = "deterministic", "_set_cudnn_deterministic", True
    edits = (Edit(TOP, "import torch", "torch.backends.cudnn.deterministic = True"),)
