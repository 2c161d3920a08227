"""Operators of one step, in the order in which they are dispatched: forward, backward and optimizer."""

import os
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode

from ...inspection import argument
from ..objects import Arguments
from .replay.copies import tensors_in
from .replay.operators import Places

if TYPE_CHECKING:
    from ...inspection import Inspection
    from ...wire import DetailFields
    from .names import ModuleNames
    from .optimizers import Optimizers
    from .watch import PyTorchWatch

Before = Tuple["_Operator", Dict[str, Any], "DetailFields"]  # its arguments by name, its inputs

_UNSET = ("empty", "new_empty", "resize", "_efficientzerotensor")
_DRAWS = ("bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_", "uniform_")
_OVERWRITES = _DRAWS + (
    "copy_",
    "fill_",
    "zero_",
    "_foreach_copy_",
    "_foreach_zero_",
)  # read nothing of what they write


class _Operator(NamedTuple):
    """What is known about an operator.

    `writes`: the arguments that it writes; `overwrites`: those that it writes without reading.
    """

    name: str
    arguments: List[str]  # in the order of positions
    writes: List[str]
    overwrites: List[str]
    defaults: Dict[str, Optional[str]]  # as text, of arguments that are not tensors
    flags: "DetailFields"


class Operators:
    """The mode is entered by `begin` and left by `end`."""

    def __init__(
        self, watch: "PyTorchWatch", details: "Inspection", names: "ModuleNames", optimizers: "Optimizers"
    ) -> None:
        self._mode = _Mode(watch, details, names, optimizers)

    def begin(self) -> None:
        """Begin to record the step."""
        self._mode.places.forget()
        self._mode.__enter__()
        self._mode.is_entered = True

    def end(self) -> None:
        """End the recording of the step."""
        if self._mode.is_entered:
            self._mode.is_entered = False
            if _get_current_dispatch_mode() is self._mode:
                self._mode.__exit__(None, None, None)


class _Mode(TorchDispatchMode):  # type: ignore[misc]  # its type is only known where PyTorch is installed
    def __init__(
        self, watch: "PyTorchWatch", details: "Inspection", names: "ModuleNames", optimizers: "Optimizers"
    ) -> None:
        super().__init__()
        self._watch, self._details, self._optimizers = watch, details, optimizers
        torch = watch.torch
        self._named = (torch.dtype, torch.layout, torch.memory_format)
        self._known: Dict[Any, _Operator] = {}
        self.is_entered = False
        self.places = Places(torch, names.of_id)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Arguments = (), kwargs: Optional[Dict[str, Any]] = None
    ) -> Any:
        kwargs = kwargs or {}
        if not self._details.is_on() or func.namespace == "profiler" or self._watch.is_idle():
            return func(*args, **kwargs)
        guard = self._watch.probe.guard
        before = guard("details of an operator", self._before, func, args, kwargs)
        result = func(*args, **kwargs)
        if before is not None:
            guard("details of an operator", self._add, before, result)
        return result

    def _before(self, func: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> "Before":
        """Return (what is known of the operator, its arguments by name, its inputs): before it writes any of them."""
        self.places.note()
        known = self._known.get(func) or self._learn(func)
        named = dict(zip(known.arguments, args))
        named.update(kwargs)
        read = tensors_in([value for name, value in named.items() if name not in known.overwrites])
        prints = [self._watch.prints.of(tensor) for tensor in read]
        given = dict(known.defaults)
        for name, value in named.items():
            given[name] = argument(value, self._named)
        fields: DetailFields = {
            "inputs": [print_.hex() for print_ in prints if print_ is not None],
            "given": {name: text for name, text in given.items() if text is not None},
        }
        return known, named, fields

    def _add(self, before: "Before", result: Any) -> None:
        known, named, fields = before
        outputs = tensors_in([result])
        returned = {id(tensor) for tensor in outputs}
        written = tensors_in([named[name] for name in known.writes if name in named])
        outputs += [tensor for tensor in written if id(tensor) not in returned]
        self.places.in_optimizer = self._optimizers.is_running()
        place = self.places.here()
        kept = [self._watch.described(self._details, tensor) for tensor in outputs]
        fields.update(known.flags)
        fields["module"] = place.module
        fields["code"] = "%s:%d" % (os.path.basename(place.file), place.line) if place.line else ""
        phase = "update" if place.phase == "optimizer" else place.phase
        self._details.add(phase, "operator", known.name, kept, **fields)

    def _learn(self, func: Any) -> "_Operator":
        schema, tags = func._schema, [str(tag) for tag in getattr(func, "tags", ())]
        plain = schema.name.partition("::")[2]
        writes = [one.name for one in schema.arguments if one.alias_info is not None and one.alias_info.is_write]
        overwrites = [one.name for one in schema.arguments if getattr(one, "is_out", False)]
        defaults = {
            one.name: argument(one.default_value, self._named) for one in schema.arguments if one.has_default_value()
        }
        flags: DetailFields = {
            "random": any("nondeterministic_seeded" in tag for tag in tags),
            "unset": plain.startswith(_UNSET),
            "view": not writes and any(one.alias_info is not None for one in schema.returns),
        }
        known = _Operator(
            schema.name,
            [one.name for one in schema.arguments],
            writes,
            overwrites + (writes[:1] if plain in _OVERWRITES else []),
            defaults,
            flags,
        )
        self._known[func] = known
        return known
