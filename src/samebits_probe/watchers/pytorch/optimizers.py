"""Steps: gradients as the optimizer finds them, then hyperparameters, weights, its state and the buffers after the
step. From PyTorch 2.0 on, it uses the global optimizer hooks, which see copies of optimizers, subclasses and compiled
models. In earlier releases, it wraps the class of each optimizer that is made (`Optimizer.__init__`), so that
`optimizer.step` stays the bound method that learning rate schedulers check.
"""

import functools
import sys
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from ... import hooks
from ...wrappers import before
from ..objects import CallArguments, Function, Optimizer
from .layers import facts_of_optimizer
from .plans import OptimizerPlan
from .tensors import plain

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from .watch import PyTorchWatch


class Optimizers:
    """`before` and `after` are the hooks around every optimizer's step."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch = watch
        self._plans: Dict[int, OptimizerPlan] = {}  # by the id of the optimizer
        self._count = 0
        # the optimizers whose steps run now; after an exception, also those of interrupted steps
        self._running: List[int] = []
        self.first_seen: Callable[[], Any] = lambda: None  # called at the first step of an optimizer
        self.begun: Callable[[], Any] = lambda: None  # called before gradients are recorded
        self.finished: Callable[[], Any] = lambda: None  # called before a step is closed
        self.gone: List[Callable[[OptimizerPlan], Any]] = []  # called when an optimizer has died
        watch.renewals.append(self._forget)

    def _forget(self) -> None:
        self._plans, self._count = {}, 0
        del self._running[:]

    def is_running(self) -> bool:
        """Return whether a step of an optimizer runs."""
        return bool(self._running)

    def before(self, optimizer: Optimizer, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[CallArguments]:
        """Before a step. Returns (args, kwargs) with a watched closure, or None if there is nothing to change."""
        if self._watch.is_compiling():
            self._watch.stepped_in_graph = True  # the compiler keeps this assignment without making a further graph
            return None
        if self._watch.is_idle():
            self._watch.trains_elsewhere(optimizer)
            return None
        if self._running and not _is_nested(sys._getframe(1)):
            del self._running[:]
        return self._watch.probe.guard("before a step", self._before, optimizer, args, kwargs)

    def after(self, optimizer: Optimizer, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        """After a step."""
        if self._watch.is_compiling() or self._watch.is_idle():
            return
        if len(self._running) > 1 and not _is_nested(sys._getframe(1)):
            del self._running[1:]
        self._watch.probe.guard("after a step", self._after, optimizer)

    def _before(self, optimizer: Optimizer, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[CallArguments]:
        if not self._watch.optimizer_seen:
            self._watch.optimizer_seen = True
            self.first_seen()
            self._watch.probe.once("observed-by", how="optimizer")
        if not self._watch.probe.is_sampled:
            self._watch.probe.begin()
        self._running.append(id(optimizer))
        if getattr(optimizer, "grad_scale", None) is not None:
            why = "a fused optimizer unscales them itself: they are compared as GradScaler has scaled them"
            self._watch.probe.not_observed("unscaled gradients", why)
        changed = self._see_closure(optimizer, args, kwargs)
        if changed is None:
            self._gradients(optimizer)
        return changed

    def _see_closure(
        self, optimizer: Optimizer, args: Tuple[Any, ...], kwargs: Dict[str, Any]
    ) -> Optional[CallArguments]:
        """Record gradients that are computed within the step, when the closure returns."""
        if callable(kwargs.get("closure")):
            return args, dict(kwargs, closure=self._seen_closure(optimizer, kwargs["closure"]))
        if len(args) > 1 and callable(args[1]):  # args[0] is the optimizer
            return (args[0], self._seen_closure(optimizer, args[1])) + tuple(args[2:]), kwargs
        return None

    def _seen_closure(self, optimizer: Optimizer, closure: Function) -> Function:
        def seen_closure(*args: Any, **kwargs: Any) -> Any:
            result = closure(*args, **kwargs)
            self._watch.probe.guard("gradients of a closure", self._gradients, optimizer)
            return result

        return functools.update_wrapper(seen_closure, closure, updated=())

    def _gradients(self, optimizer: Optimizer) -> None:
        self.begun()
        plan = self.plan_of(optimizer)
        plan.record_gradients()
        if self._watch.probe.selection is not None and self._watch.probe.wants("gradient"):
            for weight in plan.weights:
                if weight.parameter.grad is not None:
                    self._watch.capture("gradient", weight.name, weight.parameter.grad)

    def _after(self, optimizer: Optimizer) -> None:
        plan = self.plan_of(optimizer)
        del self._running[-1:]
        plan.settings.record(optimizer)
        for name, value in plan.record_updates(optimizer):
            self._state_value(name, value)
        if self._watch.probe.selection is not None and self._watch.probe.wants("update"):
            self._capture(optimizer, plan)
        if not self._running:  # the step of an optimizer within another one's belongs to that one
            self.close_step()

    def _capture(self, optimizer: Optimizer, plan: OptimizerPlan) -> None:
        watch = self._watch
        if watch.probe.values is not None:
            facts = facts_of_optimizer(optimizer, plan.weights)
            watch.probe.values.about("optimizer", plan.prefix, facts)
        for weight in plan.weights:
            watch.capture("update", weight.name, weight.parameter)
            for key, value in (optimizer.state.get(weight.parameter) or {}).items():
                if watch.torch.is_tensor(value):
                    watch.capture("update", "%s%s/%s" % (plan.prefix, weight.name, key), value)

    def close_step(self) -> None:
        """Record buffers and what is still open of this step. Then the next one begins."""
        record_buffers(self._watch)
        self.finished()
        self._watch.probe.end_step()

    def plan_of(self, optimizer: Optimizer) -> OptimizerPlan:
        """Return the plan of an optimizer's parameters. It is made again if they have changed."""
        plan = self._plans.get(id(optimizer))
        if plan is None or plan.reference() is not optimizer:
            self._watch.names.see_owners([p for group in optimizer.param_groups for p in group["params"]])
            plan = self._plans[id(optimizer)] = OptimizerPlan(optimizer, self._prefix(optimizer), self._watch)
            weakref.finalize(optimizer, self._died, id(optimizer), plan).atexit = False
        plan.refresh(optimizer, self._watch.names)
        return plan

    def plans(self) -> List[OptimizerPlan]:
        """Return the plans of the optimizers that are alive."""
        return list(self._plans.values())

    def _prefix(self, optimizer: Optimizer) -> str:
        self._count += 1
        return "" if self._count == 1 else "%s#%d/" % (type(optimizer).__name__, self._count)

    def _died(self, number: int, plan: OptimizerPlan) -> None:
        if self._plans.get(number) is plan:
            del self._plans[number]
        for function in self.gone:
            self._watch.probe.guard("the end of an optimizer", function, plan)

    def _state_value(self, name: str, value: Any) -> None:
        """Record numbers by their exact text, and lists of tensors (LBFGS) one by one."""
        if isinstance(value, (list, tuple)):
            for number, item in enumerate(value):
                self._state_value("%s.%d" % (name, number), item)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._state_value("%s.%s" % (name, key), item)
        elif self._watch.torch.is_tensor(value):
            self._watch.tensor("update", name, value)
        else:
            self._watch.probe.add(*self._watch.setting(name, plain(value), keeps=type(value) is float))


def record_buffers(watch: "PyTorchWatch") -> None:
    """Record the buffers of all models that are alive."""
    names, recorded = watch.names, set()
    for model in list(names.models.values()):
        for name, tensor in model.buffers():
            if id(tensor) not in recorded:  # a model may be a part of one that was seen later
                recorded.add(id(tensor))
                watch.tensor("update", names.has(tensor) or model.label + name, tensor)


def _is_nested(caller: "FrameType") -> bool:
    """Return whether the step that called a hook runs within another step: its code is on the stack a second time."""
    return _is_below(caller.f_back, caller.f_code)


def _is_below(frame: "Optional[FrameType]", code: "CodeType") -> bool:
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False


def watch_steps(watch: "PyTorchWatch", optimizers: Optimizers) -> None:
    """Install the hooks for this version of PyTorch."""
    module = sys.modules.get("torch.optim.optimizer") or watch.torch.optim.optimizer
    if hasattr(module, "register_optimizer_step_pre_hook"):
        module.register_optimizer_step_pre_hook(optimizers.before)
        module.register_optimizer_step_post_hook(optimizers.after)
    else:
        _wrap_classes(module.Optimizer, optimizers)


def _wrap_classes(base: Any, optimizers: Optimizers) -> None:
    """Before PyTorch 2.0: wrap the `step` of each class once, when its first optimizer is made or copied."""
    from ..remains import tell_after

    for name in ("__init__", "__setstate__"):
        tell_after(base, name, lambda self: _wrap_step(type(self), optimizers))


def _wrap_step(kind: Any, optimizers: Optimizers) -> None:
    for owner in kind.__mro__:
        step = owner.__dict__.get("step")
        if step is not None:
            if not hasattr(step, "samebits_original"):
                owner.step = _seen_step(step, optimizers)
            return


def _seen_step(original: Function, optimizers: Optimizers) -> Function:
    @functools.wraps(original)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        changed = optimizers.before(self, (self,) + args, kwargs)
        args, kwargs = (changed[0][1:], changed[1]) if changed else (args, kwargs)
        result = original(self, *args, **kwargs)
        optimizers.after(self, args, kwargs)
        return result

    step.samebits_original = original  # type: ignore[attr-defined]  # functions take attributes
    return step


# `GradScaler`: a backward starts from a scaled loss.

_WHY = "GradScaler scales the loss before backward: the scaled value is compared"


def watch_scaling(watch: "PyTorchWatch") -> None:
    """Say, once, that an enabled scaler was used."""
    for name in ("torch.amp.grad_scaler", "torch.cuda.amp.grad_scaler"):
        hooks.after_import(name, lambda module: _wrap(module.GradScaler, watch))


def _wrap(kind: Any, watch: "PyTorchWatch") -> None:
    def tell(self: Any, *_: Any, **__: Any) -> None:
        if not watch.is_compiling() and getattr(self, "_enabled", True):
            watch.probe.not_observed("unscaled loss", _WHY)

    if "scale" in vars(kind):  # else it inherits the wrapped one
        before(kind, "scale", tell)
