"""Calls of outermost modules: `torch.nn.Module.__call__` is wrapped, once, for every version.

Not through the global module hooks: those run at every submodule, and make `torch.compile` print a warning about them.
What is called within an outermost call goes straight through. While something is compiled or traced the wrapper adds
nothing, so that there are as many graphs as without it.
"""

import functools


def watch_modules(watch, forwards, settle):
    """Wrap the call. `settle()` is told of each first sign of training before anything of it is recorded."""
    module = watch.torch.nn.Module
    original, is_compiling, probe = module.__call__, watch.is_compiling, watch.probe

    def before(self, args, kwargs):
        if watch.torch.is_grad_enabled():
            settle()
        return forwards.enter(self, args, kwargs)

    def after(entered, result):
        forwards.leave(entered[0], entered[1], result)

    def outermost(self, args, kwargs):
        watch.inside = True
        try:
            entered = probe.guard("before a module's call", before, self, args, kwargs)
            if forwards.current is not None and forwards.is_in_function_transform():
                forwards.current.trains()
            result = original(self, *args, **kwargs)
        finally:
            watch.inside, forwards.current = False, None
        if entered is not None:
            probe.guard("after a module's call", after, entered, result)
        return result

    @functools.wraps(original)
    def __call__(self, *args, **kwargs):
        if is_compiling() or watch.inside or watch.in_backward or watch.is_idle():
            return original(self, *args, **kwargs)
        if not probe.guard("before a module's call", forwards.count, self, args, kwargs):
            return original(self, *args, **kwargs)
        return outermost(self, args, kwargs)

    module.__call__ = __call__
