"""Operators of one step, in the order in which they are dispatched: forward, backward and optimizer."""

import collections
import os
import sys

from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode

from ...inspection import argument
from ...lines import OWN, innermost, running
from ...replay.places import Places
from .inspection import described

_UNSET = ("empty", "new_empty", "resize", "_efficientzerotensor")
_DRAWS = ("bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_", "uniform_")
_OVERWRITES = _DRAWS + (
    "copy_",
    "fill_",
    "zero_",
    "_foreach_copy_",
    "_foreach_zero_",
)  # read nothing of what they write

# `arguments`: names, in the order of positions; `writes`, `overwrites`: those that it writes, and without reading;
# `defaults`: {name: text} of those that are no tensors
_Known = collections.namedtuple("_Known", "name arguments writes overwrites defaults flags")


class Operators:
    """The mode is entered by `begin` and left by `end`."""

    def __init__(self, watch, details, modules):
        self._mode = _Mode(watch, details, modules)
        self._torch = os.path.dirname(watch.torch.__file__) + os.sep

    def begin(self):
        """The step begins."""
        self._mode.skip = (self._torch, OWN)
        self._mode.places.forget()
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
        torch = watch.torch
        self._named = (torch.dtype, torch.layout, torch.memory_format)
        self._known = {}
        self.skip, self.is_entered = (), False
        self.places = Places(torch, dict)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not self._details.is_on() or func.namespace == "profiler" or self._watch.is_idle():
            return func(*args, **kwargs)
        guard = self._watch.probe.guard
        before = guard("details of an operator", self._before, func, args, kwargs)
        result = func(*args, **kwargs)
        if before is not None:
            guard("details of an operator", self._add, before, result)
        return result

    def _before(self, func, args, kwargs):
        """(what is known of the operator, its arguments by name, what it is given): before it writes any of them."""
        self.places.note()
        known = self._known.get(func) or self._learn(func)
        named = dict(zip(known.arguments, args))
        named.update(kwargs)
        read = self._tensors([value for name, value in named.items() if name not in known.overwrites])
        prints = [self._watch.prints.of(tensor) for tensor in read]
        given = dict(known.defaults)
        for name, value in named.items():
            given[name] = argument(value, self._named)
        fields = {
            "inputs": [print_.hex() for print_ in prints if print_ is not None],
            "given": {name: text for name, text in given.items() if text is not None},
        }
        return known, named, fields

    def _add(self, before, result):
        known, named, fields = before
        outputs = self._tensors([result])
        returned = {id(tensor) for tensor in outputs}
        written = self._tensors([named[name] for name in known.writes if name in named])
        outputs += [tensor for tensor in written if id(tensor) not in returned]
        phase, path = self._modules.place()
        kept = [described(self._watch, self._details, tensor) for tensor in outputs]
        fields.update(known.flags, module=path, code=self._code())
        self._details.add(phase, "operator", known.name, kept, **fields)

    def _learn(self, func):
        schema, tags = func._schema, [str(tag) for tag in getattr(func, "tags", ())]
        plain = schema.name.partition("::")[2]
        writes = [one.name for one in schema.arguments if one.alias_info is not None and one.alias_info.is_write]
        overwrites = [one.name for one in schema.arguments if getattr(one, "is_out", False)]
        defaults = {
            one.name: argument(one.default_value, self._named) for one in schema.arguments if one.has_default_value()
        }
        flags = {
            "random": any("nondeterministic_seeded" in tag for tag in tags),
            "unset": plain.startswith(_UNSET),
            "view": not writes and any(one.alias_info is not None for one in schema.returns),
        }
        known = _Known(
            schema.name,
            [one.name for one in schema.arguments],
            writes,
            overwrites + (writes[:1] if plain in _OVERWRITES else []),
            defaults,
            flags,
        )
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
        """The innermost line of the program that led here, of a backward that of its forward; not PyTorch's or ours."""
        if self.places.phase() == "backward":
            place = self.places.here()
            if place.line:
                return "%s:%d" % (os.path.basename(place.file), place.line)
        return innermost(running(sys._getframe(2)), self.skip)
