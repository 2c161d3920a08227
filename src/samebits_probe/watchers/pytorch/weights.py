"""The norm of all weights, for a report's curve; and averaged models that are never called."""

import functools

from ... import imports
from .. import norms


class Norms:
    """Keeps the global norm of an optimizer's weights, at the steps that have one."""

    def __init__(self, watch):
        self._watch = watch

    def record(self, plan):
        """Called at the end of a step."""
        if norms.is_due(self._watch.probe.step, len(plan.weights)):
            self._watch.probe.guard("norm of the weights", self._record, plan)

    def _record(self, plan):
        probe, torch = self._watch.probe, self._watch.torch
        with self._watch.prints.quiet():
            parts = [weight.parameter.detach() for weight in plan.weights]
            squares = [float(part.norm()) ** 2 for part in parts if _has_norm(torch, part)]
        norms.record(probe, squares, plan.prefix)


def _has_norm(torch, tensor):
    is_plain = tensor.dtype in (torch.float32, torch.float64) and tensor.layout is torch.strided
    return is_plain and tensor.device.type == "cpu" and type(tensor) in (torch.Tensor, torch.nn.Parameter)


def watch_averages(watch):
    """An averaged model (`torch.optim.swa_utils.AveragedModel`) counts as seen when it is updated."""
    imports.after("torch.optim.swa_utils", lambda module: _wrap_averages(watch, module.AveragedModel))


def _wrap_averages(watch, kind):
    original = kind.update_parameters

    @functools.wraps(original)
    def update_parameters(self, model):
        if not watch.is_compiling() and not watch.is_idle():
            watch.probe.guard("an averaged model", watch.names.see, self)
        return original(self, model)

    kind.update_parameters = update_parameters
