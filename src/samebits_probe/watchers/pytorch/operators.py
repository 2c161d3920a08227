"""Operators of one step, in the order in which they are dispatched: forward, backward and optimizer."""

import os
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ...probe.inspection import argument
from ..objects import Arguments
from .replay.copies import tensors_in
from .replay.mode import Mode
from .replay.operators import Places

if TYPE_CHECKING:
    from ...probe.inspection import Inspection
    from ...wire import DetailFields
    from .names import ModuleNames
    from .optimizers import Optimizers
    from .watch import PyTorchWatch

Before = Tuple["_Operator", Dict[str, Any], "DetailFields"]  # its arguments by name, its inputs

_UNSET = ("empty", "new_empty", "resize", "_efficientzerotensor")
_OVERWRITES = ("copy_", "fill_", "zero_", "_foreach_copy_", "_foreach_zero_")  # read nothing of what they write


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
    """Records the operators of a step, from `begin` to `end`."""

    def __init__(
        self, watch: "PyTorchWatch", details: "Inspection", names: "ModuleNames", optimizers: "Optimizers"
    ) -> None:
        self._watch, self._details = watch, details
        torch = watch.torch
        self._named = (torch.dtype, torch.layout, torch.memory_format)
        self._known: Dict[Any, _Operator] = {}
        self._mode = Mode(self._run)
        self._places = Places(torch, names.of_id, optimizers.is_running)

    def begin(self) -> None:
        """Begin to record the step."""
        self._places.forget()
        self._mode.enter()

    def end(self) -> None:
        """End the recording of the step."""
        self._mode.leave()

    def _run(self, func: Any, args: Arguments, kwargs: Dict[str, Any]) -> Any:
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
        self._places.note()
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
        place = self._places.here()
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
        is_random = any("nondeterministic_seeded" in tag for tag in tags)
        # an operator that only draws writes one argument; `rrelu_with_noise_`, which also reads, writes two
        draws = is_random and len(writes) == 1
        flags: DetailFields = {
            "random": is_random,
            "unset": plain.startswith(_UNSET),
            "view": not writes and any(one.alias_info is not None for one in schema.returns),
        }
        known = _Operator(
            schema.name,
            [one.name for one in schema.arguments],
            writes,
            overwrites + (writes[:1] if draws or plain in _OVERWRITES else []),
            defaults,
            flags,
        )
        self._known[func] = known
        return known
