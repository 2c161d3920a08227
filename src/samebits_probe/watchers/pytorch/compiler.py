"""`torch.compile` and the watcher: what the compiler must not see of the watcher, and what the watcher cannot see then.

Functions that the compiler traces as a part of the program (the wrapper of module calls, the optimizer hooks) return at
once while it traces. Others run between two compiled pieces, while the compiler's frame hook is still on. Their frames
are skipped, and the hook is put aside while they work, so that nothing of the watcher is ever compiled.
"""

from typing import Any, Optional

from ..objects import Function, Library

AT_STEPS = "steps inside torch.compile"
WHY_STEPS = "they are counted by the weights that they change: their gradients and optimizer state are not seen"


class CompilerHook:
    """The compiler's frame hook of this PyTorch; does nothing if there is none."""

    def __init__(self, torch: Library) -> None:
        frames: Library = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
        self._set: Optional[Function] = getattr(frames, "set_eval_frame", None)
        self._frames = frames
        self.is_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", None) or _never

    def pause(self) -> Any:
        """Put the compiler's hook aside. Returns what `resume` takes."""
        return self._set(None) if self._set is not None else None

    def resume(self, hook: Any) -> None:
        """Put it back."""
        if self._set is not None:
            self._set(hook)

    def skipped(self, function: Function) -> Function:
        """Mark a function whose frame must not be compiled if it runs between two compiled pieces."""
        code, frames = function.__code__, self._frames
        if hasattr(frames, "set_code_exec_strategy"):
            skip, default = frames._FrameAction.SKIP, frames._FrameAction.DEFAULT
            frames.set_code_exec_strategy(code, frames._FrameExecStrategy(skip, default))
        elif hasattr(frames, "skip_code"):
            frames.skip_code(code)
        return function


def _never() -> bool:
    return False
