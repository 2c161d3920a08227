"""What one step executes: modules in their order, gradients of their outputs, and operators.

In every version it wraps `Module.__call__`, for outermost and inner calls. Gradients come through
`Tensor.register_hook`, because full-backward hooks would insert their own functions into the graph. Operators through a
dispatch mode that is entered at the first sign of the step and left at its end (`operators`, PyTorch 2.0 and later).
"""

import functools
from typing import TYPE_CHECKING, Any

from ..objects import Module, Tensor
from .names import ModuleNames, watch_calls

if TYPE_CHECKING:
    from ...probe.inspection import Inspection
    from .forwards import Forwards
    from .optimizers import Optimizers
    from .watch import PyTorchWatch


class Modules:
    """Records calls of modules and the gradients of what they return."""

    def __init__(self, watch: "PyTorchWatch", details: "Inspection", forwards: "Forwards") -> None:
        self._watch, self._details, self._forwards = watch, details, forwards
        self.names = ModuleNames(watch)

    def is_on(self) -> bool:
        """Return whether to record calls.

        Only the one step in the one thread is recorded, and nothing while code is traced.
        """
        watch = self._watch
        return self._details.is_on() and not watch.is_compiling() and not watch.is_idle()

    def returned(self, module: Module, result: Any) -> None:
        """Record what a module returned, and ask for the gradients of it."""
        watch, name, kind = self._watch, self.names.of(module), type(module).__name__
        phase = "backward" if watch.in_backward else "forward"  # a checkpoint computes it again
        tensors = [tensor for _, tensor in self._forwards.tensors("", result)]
        outputs = [watch.described(self._details, tensor) for tensor in tensors]
        self._details.add(phase, "module", name, outputs, type=kind)
        for number, tensor in enumerate(tensors):
            if tensor.requires_grad and tensor.grad_fn is not None:
                tensor.register_hook(functools.partial(self._gradient, name, kind, number))

    def _gradient(self, name: str, kind: str, number: int, gradient: Tensor) -> None:
        """Record a gradient. This is a hook of a tensor, so it changes nothing and raises nothing."""
        if self.is_on():
            self._watch.probe.guard("details of a gradient", self._add_gradient, name, kind, number, gradient)

    def _add_gradient(self, name: str, kind: str, number: int, gradient: Tensor) -> None:
        fields = {"type": kind, "output": number}
        self._details.add("backward", "gradient", name, [self._watch.described(self._details, gradient)], **fields)


def watch_details(watch: "PyTorchWatch", forwards: "Forwards", optimizers: "Optimizers") -> None:
    """Inspect the step that the launcher names; do nothing if it names none."""
    details = watch.probe.details
    if details is None:
        return
    modules = Modules(watch, details, forwards)
    watch_calls(watch, modules.names, modules.is_on, modules.returned)
    if details.level == "operator":
        if hasattr(watch.torch._C, "_current_graph_task_id"):
            from .operators import Operators

            operators = Operators(watch, details, modules.names, optimizers)
            details.began.append(operators.begin)
            details.ended.append(operators.end)
        else:
            watch.probe.not_observed("operators", "they need PyTorch 2.0 or later")
