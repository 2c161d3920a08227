"""Operators of one step, in the order in which they are dispatched: forward, backward and optimizer."""

import os
import sys

from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode

from ..lines import innermost, running
from .pytorch_details import described

_PROBE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_UNSET = ("empty", "new_empty", "resize", "_efficientzerotensor")


class Operators:
    """The mode is entered by `begin` and left by `end`."""

    def __init__(self, watch, details, modules):
        self._mode = _Mode(watch, details, modules)
        self._torch = os.path.dirname(watch.torch.__file__) + os.sep

    def begin(self):
        """The step begins."""
        self._mode.skip = (self._torch, _PROBE)
        self._mode.__enter__()
        self._mode.is_entered = True

    def end(self):
        """The step is over."""
        if self._mode.is_entered:
            self._mode.is_entered = False
            if _get_current_dispatch_mode() is self._mode:
                self._mode.__exit__(None, None, None)


class _Mode(TorchDispatchMode):
    def __init__(self, watch, details, modules):
        super().__init__()
        self._watch, self._details, self._modules = watch, details, modules
        self._known = {}  # operator -> (schema name, positions and names of what it writes, is random, is unset)
        self.skip, self.is_entered = (), False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not self._details.is_on() or func.namespace == "profiler" or self._watch.is_idle():
            return func(*args, **kwargs)
        guard = self._watch.probe.guard
        before = guard("details of an operator", self._inputs, args, kwargs)
        result = func(*args, **kwargs)
        guard("details of an operator", self._add, func, (args, kwargs), before, result)
        return result

    def _inputs(self, args, kwargs):
        of = self._watch.prints.of
        found = [of(tensor) for tensor in self._tensors([args, kwargs])]
        return [print_.hex() for print_ in found if print_ is not None]

    def _add(self, func, given, before, result):
        name, writes, is_random, is_unset = self._known.get(func) or self._learn(func)
        written = [given[0][at] for at in writes if isinstance(at, int) and at < len(given[0])]
        written += [given[1][key] for key in writes if key in given[1]]
        outputs = self._tensors([result])
        returned = {id(tensor) for tensor in outputs}
        outputs += [tensor for tensor in self._tensors(written) if id(tensor) not in returned]
        phase, path = self._modules.place()
        kept = [described(self._watch, self._details, tensor) for tensor in outputs]
        fields = {"module": path, "random": is_random, "unset": is_unset, "code": self._code(), "inputs": before}
        self._details.add(phase, "operator", name, kept, **fields)

    def _learn(self, func):
        schema = func._schema
        writes = []
        for at, argument in enumerate(schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                writes += [at, argument.name]
        tags = [str(tag) for tag in getattr(func, "tags", ())]
        is_random = any("nondeterministic_seeded" in tag for tag in tags)
        plain = schema.name.partition("::")[2]
        known = schema.name, writes, is_random, plain.startswith(_UNSET)
        self._known[func] = known
        return known

    def _tensors(self, values):
        found = []
        for value in values:
            if isinstance(value, self._watch.torch.Tensor):
                found.append(value)
            elif isinstance(value, (list, tuple)):
                found += self._tensors(value)
            elif isinstance(value, dict):
                found += self._tensors(list(value.values()))
        return found

    def _code(self):
        """The innermost line of the program that led here: not of PyTorch, not of this probe."""
        return innermost(running(sys._getframe(2)), self.skip)
