"""The dispatch mode: while it is entered, it sees each operator of its thread, and those of a backward on the CPU."""

from typing import TYPE_CHECKING, Any, Callable, List, Optional

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

from ....system import System

if TYPE_CHECKING:
    from .copies import Arguments, Keywords
_Operator = torch._ops.OpOverload


class Mode(TorchDispatchMode):  # type: ignore[misc]  # mypy does not read torch
    """A mode below all modes of the program: it sees the operators that these modes call in the end."""

    supports_higher_order_operators = True  # they are passed on, so that the mode sees the operators inside

    def __init__(self, run: Callable[[Any, "Arguments", "Keywords"], Any]) -> None:
        """`run(func, args, kwargs)` is called in the place of each operator, and returns its result."""
        super().__init__()
        self._run, self._pid = run, System.getpid()
        self.is_entered = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: "Arguments" = (), kwargs: "Optional[Keywords]" = None
    ) -> Any:
        if not isinstance(func, _Operator) or System.getpid() != self._pid:
            return func(*args, **(kwargs or {}))
        return self._run(func, args, kwargs or {})

    def enter(self) -> None:
        """Enter below the present modes, because each of them must be on top when it exits."""
        modes = _all_off()
        self.__enter__()
        self.is_entered = True
        _all_on(modes)

    def leave(self) -> None:
        """Leave the stack, at whatever place the mode is in it."""
        if not self.is_entered:
            return
        self.is_entered = False
        modes = _all_off()
        if self in modes:
            _push_mode(self)
            self.__exit__(None, None, None)
        _all_on([mode for mode in modes if mode is not self])


class ReplayMode(Mode):
    """Keeps compiled regions compiled. It sees only their operators outside of generated kernels."""

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """See PyTorch's own class."""
        return True


def _all_off() -> List[Any]:
    """Take all modes off the stack of this thread, the topmost first."""
    modes: List[Any] = []
    while torch._C._len_torch_dispatch_stack():
        modes.append(_pop_mode())
    return modes


def _all_on(modes: List[Any]) -> None:
    for mode in reversed(modes):
        _push_mode(mode)
