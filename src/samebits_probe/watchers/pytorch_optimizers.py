"""Steps: gradients as the optimizer finds them, then hyperparameters, weights, its state and the buffers after it.

From PyTorch 2.0 on through the global optimizer hooks, which see copies of optimizers, subclasses and compiled models;
below, through the class of each optimizer that is made (`Optimizer.__init__`), so that `optimizer.step` stays the bound
method that learning rate schedulers look at.
"""

import functools
import struct
import sys
import weakref

HYPERPARAMETERS = "param_groups.%d"


class Optimizers:
    """`before` and `after` are the hooks around every optimizer's step."""

    def __init__(self, watch):
        self._watch = watch
        self._plans = {}  # id(optimizer) -> Plan
        self._count = 0
        self._running = []  # the optimizers whose steps run now; after an exception one of a step that ran
        self.first_seen = lambda: None  # called at the first step that an optimizer takes
        self.finished = []  # functions(optimizer's Plan) to call before the step is closed
        self.gone = []  # functions(Plan) to call when an optimizer has died
        watch.renewals.append(self._forget)

    def _forget(self):
        self._plans, self._count = {}, 0
        del self._running[:]

    def before(self, optimizer, args, kwargs):
        """Before a step. Gives (args, kwargs) with a closure that is seen, or None where there is nothing to change."""
        if self._watch.is_compiling():
            self._watch.stepped_in_graph = True  # the compiler keeps this effect, and it costs no graph
            return None
        if self._watch.is_idle():
            self._watch.trains_elsewhere()
            return None
        if self._running and not _is_nested(sys._getframe(1)):
            del self._running[:]
        return self._watch.probe.guard("before a step", self._before, optimizer, args, kwargs)

    def after(self, optimizer, args, kwargs):
        """After a step."""
        if self._watch.is_compiling() or self._watch.is_idle():
            return
        if len(self._running) > 1 and not _is_nested(sys._getframe(1)):
            del self._running[1:]
        self._watch.probe.guard("after a step", self._after, optimizer)

    def _before(self, optimizer, args, kwargs):
        if not self._watch.optimizer_seen:
            self._watch.optimizer_seen = True
            self.first_seen()
            self._watch.probe.event("observed-by", how="optimizer")
        self._watch.probe.begin()
        self._running.append(id(optimizer))
        if getattr(optimizer, "grad_scale", None) is not None:
            why = "a fused optimizer unscales them itself: they are compared as GradScaler has scaled them"
            self._watch.say("unscaled gradients", why)
        return self._see_closure(optimizer, args, kwargs) or self._gradients(optimizer)

    def _see_closure(self, optimizer, args, kwargs):
        """Gradients that are computed within the step are seen when the closure returns."""
        if callable(kwargs.get("closure")):
            return args, dict(kwargs, closure=self._seen_closure(optimizer, kwargs["closure"]))
        if len(args) > 1 and callable(args[1]):  # args[0] is the optimizer
            return (args[0], self._seen_closure(optimizer, args[1])) + tuple(args[2:]), kwargs
        return None

    def _seen_closure(self, optimizer, closure):
        def seen_closure(*args, **kwargs):
            result = closure(*args, **kwargs)
            self._watch.probe.guard("gradients of a closure", self._gradients, optimizer)
            return result

        return functools.update_wrapper(seen_closure, closure, updated=())

    def _gradients(self, optimizer):
        watch, add, plan = self._watch, self._watch.probe.add, self.plan_of(optimizer)
        of = watch.prints.of
        for weight in plan.weights:
            gradient = weight.parameter.grad
            if gradient is not None:
                found = of(gradient)
                if found is not None:
                    add(weight.gradient_point(watch, gradient), found)
        if watch.probe.wants("gradient"):
            for weight in plan.weights:
                if weight.parameter.grad is not None:
                    watch.capture("gradient", weight.name, weight.parameter.grad)

    def _after(self, optimizer):
        plan = self.plan_of(optimizer)
        del self._running[-1:]
        self._hyperparameters(optimizer, plan)
        self._weights(plan)
        self._state(optimizer, plan)
        if not self._running:  # the step of an optimizer within another one's belongs to that one
            self.close_step(plan)

    def close_step(self, plan):
        """Buffers and what is still open of this step; then the next one begins."""
        record_buffers(self._watch)
        for function in self.finished:
            function(plan)
        self._watch.probe.end_step()

    def plan_of(self, optimizer):
        """What is known of an optimizer's parameters, made anew where they have changed."""
        plan = self._plans.get(id(optimizer))
        if plan is None or plan.reference() is not optimizer:
            plan = self._plans[id(optimizer)] = Plan(optimizer, self._prefix(optimizer))
            weakref.finalize(optimizer, self._died, id(optimizer), plan).atexit = False
        plan.refresh(optimizer, self._watch.names)
        return plan

    def plans(self):
        """The plans of the optimizers that are alive."""
        return list(self._plans.values())

    def _prefix(self, optimizer):
        self._count += 1
        return "" if self._count == 1 else "%s#%d/" % (type(optimizer).__name__, self._count)

    def _died(self, number, plan):
        if self._plans.get(number) is plan:
            del self._plans[number]
        for function in self.gone:
            self._watch.probe.guard("the end of an optimizer", function, plan)

    def _hyperparameters(self, optimizer, plan):
        for number, group in enumerate(optimizer.param_groups):
            name = plan.prefix + HYPERPARAMETERS % number
            plain = []
            for key, value in group.items():
                if key == "lr":
                    self._learning_rate(name + "/lr", value)
                elif key != "params":
                    plain.append((key, _plain(value)))
            self._watch.text("update", name, "hyperparameters", repr(plain))

    def _learning_rate(self, name, value):
        if isinstance(value, self._watch.torch.Tensor):
            self._watch.tensor("update", name, value)
            return
        point = self._watch.scalar_bytes("update", name, "float64", struct.pack("<d", float(value)))
        self._watch.probe.scalar(point, value)

    def _weights(self, plan):
        watch, add = self._watch, self._watch.probe.add
        of = watch.prints.of
        for weight in plan.weights:
            found = of(weight.parameter)
            if found is not None:
                add(weight.update_point(watch), found)
        if watch.probe.wants("update"):
            for weight in plan.weights:
                watch.capture("update", weight.name, weight.parameter)

    def _state(self, optimizer, plan):
        watch, add, state = self._watch, self._watch.probe.add, optimizer.state
        of, is_tensor, wants = watch.prints.of, watch.torch.is_tensor, watch.probe.wants("update")
        for weight in plan.weights:
            values = state.get(weight.parameter)
            if not values:
                continue
            for key, value in values.items():
                if not is_tensor(value):
                    self._state_value(plan, "%s%s/%s" % (plan.prefix, weight.name, key), value)
                    continue
                found = of(value)
                if found is not None:
                    add(weight.state_point(watch, plan.prefix, key, value), found)
                if wants:
                    watch.capture("update", "%s%s/%s" % (plan.prefix, weight.name, key), value)

    def _state_value(self, plan, name, value):
        """Numbers by their exact text; lists of tensors (LBFGS) one by one."""
        if isinstance(value, (list, tuple)):
            for number, item in enumerate(value):
                self._state_value(plan, "%s.%d" % (name, number), item)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._state_value(plan, "%s.%s" % (name, key), item)
        elif self._watch.torch.is_tensor(value):
            self._watch.tensor("update", name, value)
        else:
            self._watch.text("update", name, type(value).__name__, repr(_plain(value)))


class Plan:
    """One optimizer: the names of its parameters and the ids of their points.

    It holds the parameters, and is let go when the optimizer dies.
    """

    def __init__(self, optimizer, prefix):
        self.reference = weakref.ref(optimizer)
        self.prefix = prefix
        self.weights = []

    def refresh(self, optimizer, names):
        """See to it that `weights` are the parameters that the optimizer has now."""
        number, weights = 0, self.weights
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if number >= len(weights) or weights[number].parameter is not parameter:
                    weights[number:] = [Weight(parameter, names.of(parameter))]
                number += 1
        del weights[number:]


class Weight:
    """A parameter of an optimizer, with the ids of its points once they are known."""

    __slots__ = ("_gradient", "_states", "_update", "name", "parameter")

    def __init__(self, parameter, name):
        self.parameter, self.name = parameter, name
        self._gradient = self._update = None
        self._states = {}

    def is_loose(self):
        """Whether it belongs to no model that has been seen."""
        return self.name.startswith("param.")

    def gradient_point(self, watch, gradient):
        """The id of its gradient's point."""
        if self._gradient is None:
            self._gradient = watch.point("gradient", self.name, gradient)
        return self._gradient

    def update_point(self, watch):
        """The id of its point of kind "update"."""
        if self._update is None:
            self._update = watch.point("update", self.name, self.parameter)
        return self._update

    def state_point(self, watch, prefix, key, value):
        """The id of the point of a tensor in the optimizer's state."""
        point = self._states.get(key)
        if point is None:
            point = self._states[key] = watch.point("update", "%s%s/%s" % (prefix, self.name, key), value)
        return point


def record_buffers(watch):
    """Record the buffers of all models that are alive."""
    names = watch.names
    for model in list(names.models.values()):
        for name, tensor in model.buffers():
            watch.tensor("update", names.has(tensor) or model.label + name, tensor)


def _plain(value):
    """A value whose `repr` is the same in every process: what is no number or text is its type's name."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return type(value).__name__


def _is_nested(caller):
    """Whether the step that called a hook runs within another one: its code is on the stack a second time."""
    return _is_below(caller.f_back, caller.f_code)


def _is_below(frame, code):
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False


def watch_steps(watch, optimizers):
    """Install the hooks for this version of PyTorch."""
    module = sys.modules.get("torch.optim.optimizer") or watch.torch.optim.optimizer
    if hasattr(module, "register_optimizer_step_pre_hook"):
        module.register_optimizer_step_pre_hook(optimizers.before)
        module.register_optimizer_step_post_hook(optimizers.after)
    else:
        _wrap_classes(module.Optimizer, optimizers)


def _wrap_classes(base, optimizers):
    """Below 2.0: each class' own `step` is wrapped once, when the first optimizer of it is made or copied."""
    for name in ("__init__", "__setstate__"):
        _call_after(base, name, lambda self: _wrap_step(type(self), optimizers))


def _call_after(base, name, function):
    original = getattr(base, name)

    @functools.wraps(original)
    def wrapper(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        function(self)
        return result

    setattr(base, name, wrapper)


def _wrap_step(kind, optimizers):
    for owner in kind.__mro__:
        step = owner.__dict__.get("step")
        if step is not None:
            if not hasattr(step, "samebits_original"):
                owner.step = _seen_step(step, optimizers)
            return


def _seen_step(original, optimizers):
    @functools.wraps(original)
    def step(self, *args, **kwargs):
        changed = optimizers.before(self, (self,) + args, kwargs)
        args, kwargs = (changed[0][1:], changed[1]) if changed else (args, kwargs)
        result = original(self, *args, **kwargs)
        optimizers.after(self, args, kwargs)
        return result

    step.samebits_original = original
    return step
