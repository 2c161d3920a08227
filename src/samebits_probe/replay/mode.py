"""The dispatch mode: it sees every operator of its thread while it is entered, those of a backward on the CPU too."""

from typing import TYPE_CHECKING, Any, List, Optional

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

from ..system import System

if TYPE_CHECKING:
    from .copies import Arguments, Keywords
    from .reruns import Replayer
_Operator = torch._ops.OpOverload


class Mode(TorchDispatchMode):  # type: ignore[misc]  # mypy reads nothing of torch
    """Lies below all modes of the program: what they make of an operator is what is replayed."""

    supports_higher_order_operators = True  # they are passed on, and their operators are seen

    def __init__(self, replayer: "Replayer") -> None:
        super().__init__()
        self._run, self._pid = replayer.run, System.getpid()
        self.is_entered = False

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """A compiled region stays compiled: of it only calls of operators outside generated kernels are seen."""
        return True

    def __torch_dispatch__(
        self, func: Any, types: Any, args: "Arguments" = (), kwargs: "Optional[Keywords]" = None
    ) -> Any:
        if not isinstance(func, _Operator) or System.getpid() != self._pid:
            return func(*args, **(kwargs or {}))
        return self._run(func, args, kwargs or {})

    def enter(self) -> None:
        """Go below the modes that are entered now: theirs must be the ones that their own ends find."""
        modes = _all_off()
        self.__enter__()
        self.is_entered = True
        _all_on(modes)

    def leave(self) -> None:
        """Leave, wherever in the stack it has come to lie."""
        if not self.is_entered:
            return
        self.is_entered = False
        modes = _all_off()
        if self in modes:
            _push_mode(self)
            self.__exit__(None, None, None)
        _all_on([mode for mode in modes if mode is not self])


def _all_off() -> List[Any]:
    """Take all modes off the stack of this thread, the topmost first."""
    modes: List[Any] = []
    while torch._C._len_torch_dispatch_stack():
        modes.append(_pop_mode())
    return modes


def _all_on(modes: List[Any]) -> None:
    for mode in reversed(modes):
        _push_mode(mode)
