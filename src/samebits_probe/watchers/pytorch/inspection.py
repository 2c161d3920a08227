"""What one step executes: modules in their order, gradients of their outputs, and operators.

In every version it wraps `Module.__call__`, for outermost and inner calls. Gradients come through
`Tensor.register_hook`, because full-backward hooks would insert their own functions into the graph. Operators through a
dispatch mode that is entered at the first sign of the step and left at its end (`operators`, PyTorch 1.13 and later).
"""

import functools
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from ..objects import Module, Tensor
from .names import ModuleNames
from .tensors import dtype_name, shape_of

if TYPE_CHECKING:
    from ...inspection import Inspection, Output
    from .forwards import Forwards
    from .optimizers import Optimizers
    from .watch import PyTorchWatch


class Modules:
    """Records calls of modules and the gradients of what they return."""

    def __init__(
        self, watch: "PyTorchWatch", details: "Inspection", forwards: "Forwards", optimizers: "Optimizers"
    ) -> None:
        self._watch, self._details, self._forwards, self._optimizers = watch, details, forwards, optimizers
        self._names = ModuleNames(watch)
        self._running: List[str] = []
        self._backward = ""  # the module whose output's gradient came last: the backward that follows is its own
        self._sources: List[Any] = []  # graph nodes whose gradients are hooked already

    def place(self) -> Tuple[str, str]:
        """Return (phase, qualified name of the module that runs, or whose backward runs)."""
        if self._watch.in_backward:
            return "backward", self._backward
        if self._optimizers.is_running():
            return "update", ""
        return "forward", self._running[-1] if self._running else ""

    def forget(self) -> None:
        """Forget the state of an earlier step."""
        self._backward = ""
        del self._sources[:]

    def is_on(self) -> bool:
        """Return whether to record calls.

        Only the one step in the one thread is recorded, and nothing while code is traced.
        """
        watch = self._watch
        return self._details.is_on() and not watch.is_compiling() and not watch.is_idle()

    def enter(self, module: Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        """Note that a module is called.

        The module around it made the inputs, unless a different module returned them.
        """
        outer = self._running[-1] if self._running else ""
        self._running.append(self._names.of(module))
        for _, tensor in self._forwards.tensors("", [list(args), kwargs]):
            if self._is_new_source(tensor):
                tensor.register_hook(lambda gradient: self._goes_back_into(outer))

    def _is_new_source(self, tensor: Tensor) -> bool:
        if not tensor.requires_grad or tensor.grad_fn is None or tensor.grad_fn in self._sources:
            return False
        self._sources.append(tensor.grad_fn)
        return True

    def _goes_back_into(self, name: str) -> None:
        """Note that the backward of a module begins. This is a hook of a tensor, so it must return None."""
        self._backward = name

    def leave(self) -> None:
        """It has returned, well or not."""
        del self._running[-1:]

    def returned(self, module: Module, result: Any) -> None:
        """Record what a module returned, and ask for the gradients of it."""
        watch, name, kind = self._watch, self._running[-1], type(module).__name__
        phase = "backward" if watch.in_backward else "forward"  # a checkpoint computes it again
        tensors = [tensor for _, tensor in self._forwards.tensors("", result)]
        self._details.add(phase, "module", name, [self._output(tensor) for tensor in tensors], type=kind)
        for number, tensor in enumerate(tensors):
            if tensor.requires_grad and tensor.grad_fn is not None:
                self._sources.append(tensor.grad_fn)
                tensor.register_hook(functools.partial(self._gradient, name, kind, number))

    def _gradient(self, name: str, kind: str, number: int, gradient: Tensor) -> None:
        """Record a gradient. This is a hook of a tensor, so it changes nothing and raises nothing."""
        if self.is_on():
            self._watch.probe.guard("details of a gradient", self._add_gradient, name, kind, number, gradient)

    def _add_gradient(self, name: str, kind: str, number: int, gradient: Tensor) -> None:
        self._backward = name
        fields = {"type": kind, "output": number}
        self._details.add("backward", "gradient", name, [self._output(gradient)], **fields)

    def _output(self, tensor: Tensor) -> "Output":
        return described(self._watch, self._details, tensor)


def described(watch: "PyTorchWatch", details: "Inspection", tensor: Tensor) -> "Output":
    """Return what an inspection keeps of a tensor: dtype, shape, fingerprint and, while there is room, its values."""
    found = watch.prints.of(tensor)
    content = (lambda: watch.prints.content(tensor)[2]) if found is not None else None
    return details.output(dtype_name(tensor.dtype), shape_of(tensor), found, content)


def watch_details(watch: "PyTorchWatch", forwards: "Forwards", optimizers: "Optimizers") -> None:
    """Inspect the step that the launcher names; do nothing if it names none."""
    details = watch.probe.details
    if details is None:
        return
    modules = Modules(watch, details, forwards, optimizers)
    details.began.append(modules.forget)
    details.ended.append(modules.forget)
    _wrap_calls(watch, modules)
    if details.level == "operator":
        if "torch.utils._python_dispatch" in sys.modules or hasattr(watch.torch.utils, "_python_dispatch"):
            from .operators import Operators

            operators = Operators(watch, details, modules)
            details.began.append(operators.begin)
            details.ended.append(operators.end)
        else:
            watch.say("operators", "this version of PyTorch has no dispatch mode")


def _wrap_calls(watch: "PyTorchWatch", modules: Modules) -> None:
    kind = watch.torch.nn.Module
    original, guard = kind.__call__, watch.probe.guard

    @functools.wraps(original)
    def __call__(self: Module, *args: Any, **kwargs: Any) -> Any:
        if not modules.is_on():
            return original(self, *args, **kwargs)
        guard("details of a module", modules.enter, self, args, kwargs)
        try:
            result = original(self, *args, **kwargs)
            guard("details of a module", modules.returned, self, result)
        finally:
            modules.leave()
        return result

    kind.__call__ = __call__
