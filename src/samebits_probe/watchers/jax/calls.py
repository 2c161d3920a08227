"""A compiled function of the program and its calls. The calls show which of its outputs come back as inputs."""

import contextlib
import itertools
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Set, Tuple

from ..objects import JaxProgram, Reference
from . import trees
from .arrays import Print

if TYPE_CHECKING:
    from types import CodeType

Prints = List[Optional[Print]]  # of leaves; None for a deleted one
Source = Tuple["CompiledCall", int]  # the call that returned a leaf, its index there

APPLY = "apply_updates"  # optax's, outside of compiled functions
_INEXACT = ("float", "bfloat", "complex")
_LOOPS = ("scan", "while")


class Function:
    """A function of the program that is called in compiled form. `role`: None until it is known."""

    def __init__(self, name: str, code: "Optional[CodeType]") -> None:
        self.name, self.code = name, code
        self.reference: Reference  # unless it stands for no function of its own
        # "step", "feeder", "part" (a feeder of optax, which is never a step) or "evaluation". "gradient": its calls are
        # steps, and the program changes the weights outside of compiled functions
        self.role: Optional[str] = None
        self.is_applier = name == APPLY and code is None
        self.label, self.is_labelled = "", False  # the beginning of its points' names, once it is a step
        self.calls = 0
        # index of an input leaf -> index of the earlier output leaf that comes back there
        self.back: Dict[int, int] = {}
        self.looped: Set[int] = set()  # places of outputs that a loop within the function carries
        self.is_backward = False  # whether a gradient is computed in it
        self.variables: List[str] = []  # of the program: they hold these weights
        self.by_hand: Dict[int, int] = {}  # of a "gradient": index of a weight that goes in -> index of its gradient
        self._names: Dict[Tuple[int, int], trees.LeafNames] = {}  # by the numbers of leaves that go in, that come out
        self.last: Dict[str, Print] = {}  # name -> print of the state that the latest call gave

    def names_of(self, call: "CompiledCall") -> trees.LeafNames:
        """Return the names of the leaves of a call. Other calls with as many leaves share them."""
        counts = len(call.given.places), len(call.returned.places)
        if counts not in self._names:
            self._names[counts] = trees.LeafNames(call.given, call.returned)
        return self._names[counts]

    @contextlib.contextmanager
    def taken_for_step(self, back: Dict[int, int]) -> Iterator[None]:
        """Treat it as a step for now. Its last state stays recorded."""
        before = dict(vars(self))
        self.back, self.last = back, dict(self.last)
        yield
        vars(self).update(before)

    def feeds(self, other: "Function") -> bool:
        """Return whether calls of this function may belong to a step of a different function."""
        return self.role in (None, "feeder", "part") and self is not other


class CompiledCall:
    """One call. `inputs`, `outputs`: prints of its leaves.

    `sources`: index of an input leaf -> (the call that returned it, its index there). `own`: the indices of input
    leaves that an earlier call of the same function returned.
    """

    def __init__(self, function: Function, given: trees.Tree) -> None:
        self.function, self.given = function, given
        self.returned: trees.Tree  # this and the names are there when it has returned
        self.names: trees.LeafNames
        self.inputs: Prints = []
        self.outputs: Prints = []
        self.sources: Dict[int, Source] = {}
        self.own: Set[int] = set()
        self.pairs: List[trees.TreePair] = []

    def let_go(self) -> None:
        """Keep only fingerprints, and no value of the program. Keep only two of the earlier calls that may feed it."""
        self.sources = {index: found for index, found in self.sources.items() if found[0].function.feeds(self.function)}
        for source, _ in self.sources.values():
            for earlier, _ in source.sources.values():
                earlier.sources = {}
        of_step = self.function.role == "step"
        self.given.let_go(of_step)
        self.returned.let_go(of_step)


def _is_changed(old: Optional[Print], new: Optional[Print]) -> bool:
    """Return whether a floating-point number differs from its earlier value."""
    if old is None or new is None:
        return False
    return new.dtype.startswith(_INEXACT) and old.fingerprint != new.fingerprint


def given_back(call: "CompiledCall") -> Dict[int, int]:
    """Return {input index: output index} of the values that come back exactly as an earlier call returned them.

    The result is empty if there are none.
    """
    found = {index: call.sources[index][1] for index in call.own}
    alike_in, alike_out = call.given.kinds(), call.returned.kinds()
    found = {one: other for one, other in found.items() if other < len(alike_out) and alike_in[one] == alike_out[other]}
    if not any(alike_in[index][1].startswith(_INEXACT) for index in found):
        return {}
    for pair in call.pairs:  # leaves of the same parts that the program replaced, such as a counter or a key
        places = pair.places()
        if any(found.get(one) == other for one, other in places):
            for one, other in places:
                found.setdefault(one, other)
    return found


def looks_carried(call: "CompiledCall") -> Dict[int, int]:
    """Return {input index: output index} of values that look like a state, for a function that was called only once.

    Such values are a part of several leaves that changed, or they come from a loop in the function.
    """
    found: Dict[int, int] = {}
    for pair in call.pairs:
        values = call.outputs[pair.returned : pair.returned + pair.count]
        looped = any(call.returned.places[pair.returned + n] in call.function.looped for n in range(pair.count))
        changed = any(_is_changed(old, new) for old, new in zip(call.inputs[pair.given :], values))
        if changed and (looped or pair.count > 1):
            found.update(pair.places())
    return found


def carried_by_loops(jaxpr: JaxProgram) -> Set[int]:
    """Return the places of outputs that come from a loop in the function."""
    carried: Set[int] = set()
    for equation in jaxpr.eqns:
        if equation.primitive.name in _LOOPS:
            carried.update(id(variable) for variable in equation.outvars)
    return {place for place, variable in enumerate(jaxpr.outvars) if id(variable) in carried}


def has_backward(jaxpr: JaxProgram) -> bool:
    """Return whether a gradient is computed in the function: JAX names what it transposed."""
    names = (getattr(equation.source_info, "name_stack", "") for equation in equations(jaxpr))
    return any("transpose(" in str(name) for name in names)


def equations(jaxpr: JaxProgram) -> Iterator[Any]:
    """Yield the equations of a function, each before those of the loops and branches in it."""
    for equation in jaxpr.eqns:
        yield equation
        given = [value if isinstance(value, (tuple, list)) else (value,) for value in equation.params.values()]
        for part in itertools.chain.from_iterable(given):
            inner = getattr(part, "jaxpr", part)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def changed_by_hand(earlier: CompiledCall, call: CompiledCall) -> Dict[int, int]:
    """Return {input index: index of its gradient} if the program changed these inputs since an earlier call.

    No compiled function returned them. The result is empty if there are none.
    """
    found = dict(place for pair in call.pairs for place in pair.places())
    is_changed = any(_is_changed(earlier.inputs[index], call.inputs[index]) for index in found)
    return found if is_changed and call.sources.keys().isdisjoint(found) else {}
