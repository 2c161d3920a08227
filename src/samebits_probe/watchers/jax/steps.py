"""Steps of plain JAX: calls of compiled functions that get what an earlier call of the same function returned.

A function is a step once a call of it gets floating-point numbers that an earlier call of it returned. Until then its
calls are kept as fingerprints. A call that feeds a step (because it returns gradients) is recorded in the step that it
feeds. Any other function is an evaluation, and is not recorded.
"""

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple

from ..identities import Identities
from ..objects import CallArguments, JaxProgram, Library, Pytree, Reference
from . import arrays, calls, records, trees
from .calls import APPLY, CompiledCall, Function, Prints

if TYPE_CHECKING:
    from types import CodeType

    from ...probe import Probe


MOST_OPEN = 8  # so many calls of a function are kept until it is known whether it is a step


class CallSteps:
    """Listens to the calls of compiled functions, and to optax if it applies updates outside of them."""

    def __init__(self, probe: "Probe", jax: Library) -> None:
        self._probe, self._jax = probe, jax
        self._prints = arrays.Prints(probe.hasher)
        self._functions: Dict[int, Tuple[Reference, Function]] = {}  # id of a function -> (reference, Function)
        self._applier = Function(APPLY, None)
        self._applier.role = "step"
        self._given = Identities()  # array -> (the call that returned it, index there)
        self._open: List[CompiledCall] = []  # calls of functions that are open, in their order
        self._recent: List[CompiledCall] = []  # calls since the last step that may belong to the next one
        self._steps_at_end = False  # whether the only call of a function was taken for a step
        self._records = records.Records(probe)
        self._lock = threading.RLock()

    def before(self, function: Any, arguments: CallArguments, program: Optional[JaxProgram]) -> Optional[CompiledCall]:
        """Read the inputs of a call that begins, because they may be gone after the call."""
        with self._lock:
            found = self._function(function)
            if self._yields() or found.role == "evaluation":
                return None
            call = CompiledCall(found, self._tree_of(function, arguments))
            call.inputs = self._read(call.given.leaves)
            if program is not None:
                found.looped = calls.carried_by_loops(program.jaxpr)
                found.is_backward = calls.has_backward(program.jaxpr)
            return call

    def after(self, function: Any, arguments: CallArguments, outputs: Pytree, call: Optional[CompiledCall]) -> None:
        """Decide on a call that has returned."""
        with self._lock:
            found = self._function(function)
            if self._yields() or found.role == "evaluation":
                return
            call = call or CompiledCall(found, self._tree_of(function, arguments))
            self._returned(call, outputs)
            self._decide(call)
            call.let_go()

    def applied(self, params: Pytree, updates: Pytree, result: Pytree) -> None:
        """Note that optax has applied updates outside of a compiled function."""
        with self._lock:
            if self._yields():
                return
            names: trees.Roots = {("0", "0"): "params", ("0", "1"): "updates"}
            call = CompiledCall(self._applier, trees.Tree(self._jax, ((params, updates), {}), lambda: names))
            self._returned(call, result)
            call.function.back = {n: n for n in range(len(call.returned.leaves))}
            self._step(call)
            call.let_go()

    def end(self) -> None:
        """Record what is still open, then the last states. The program may have ended here.

        If it goes on, nothing has changed.
        """
        self._steps_at_end = False
        with self._lock, self._records.unchanged():
            for call in self._open if not self._yields() else ():
                self._close(call)
            self._records.end()

    def _close(self, call: CompiledCall) -> None:
        """Decide on a call that is open at the end.

        It is a step if its results look like a state that the program would pass on.
        """
        if call.function.role == "gradient":
            self._records.step(call)
        back = call.function.role is None and calls.looks_carried(call)
        if back:
            self._steps_at_end = True
            with call.function.taken_for_step(back):
                self._records.step(call, self._feeders_of(call))

    def saw_no_step(self) -> bool:
        """Return whether compiled functions of the program were called but no call was a step."""
        functions = [found for _, found in self._functions.values()]
        has_step = (
            self._steps_at_end or self._applier.calls or any(found.role in ("step", "gradient") for found in functions)
        )
        return bool(functions) and not has_step

    def _yields(self) -> bool:
        """Return whether the program names its own steps, or the watcher of a different library counts them."""
        return self._probe.own.names_steps or self._probe.optimizer_seen

    def _tree_of(self, function: Any, arguments: CallArguments) -> trees.Tree:
        args, kwargs = arguments
        if getattr(function, "__module__", None) == "equinox._jit":
            args = args[:2]  # the third one holds the values that are not traced: functions, numbers, the structure
        return trees.Tree(self._jax, (args, kwargs), lambda: trees.roots(function, args, kwargs))

    def _function(self, function: Any) -> Function:
        known = self._functions.get(id(function))
        if known is not None and known[0]() is function:
            return known[1]
        code = getattr(function, "__code__", None)
        found = self._compiled_again(code) or Function(getattr(function, "__name__", type(function).__name__), code)
        found.reference = _reference(function)
        self._functions[id(function)] = found.reference, found
        return found

    def _compiled_again(self, code: "Optional[CodeType]") -> Optional[Function]:
        """Return the earlier function from the same lines, if it is gone.

        A program may compile a new one in each step.
        """
        for number, (_, found) in list(self._functions.items()):
            if code is not None and found.code is code and found.reference() is None:
                del self._functions[number]
                return found
        return None

    def _returned(self, call: CompiledCall, outputs: Pytree) -> None:
        """Open the results of the call, and find the sources of its arguments."""
        function = call.function
        function.calls += 1
        call.returned = trees.Tree(self._jax, outputs)
        call.names = function.names_of(call)
        for index, leaf in enumerate(call.given.leaves):
            known = self._given.get(leaf)
            if known is not None:
                call.sources[index] = known
        call.own = {index for index, (source, _) in call.sources.items() if source.function is function}
        call.inputs = call.inputs or self._read(call.given.leaves)
        if function.role != "step":
            call.pairs = trees.pairs(call.given, call.returned)
        call.outputs = self._read(call.returned.leaves)
        for index, leaf in enumerate(call.returned.leaves):
            if isinstance(leaf, self._jax.Array):
                self._given.put(leaf, (call, index))

    def _read(self, leaves: Iterable[Any]) -> Prints:
        is_kept = self._records.keeps_bytes()
        return [self._prints.of(leaf, is_kept) for leaf in leaves]

    def _decide(self, call: CompiledCall) -> None:
        """Decide on the role of a call's function, as far as it is known now."""
        function = call.function
        if function.role in (None, "feeder"):
            back = calls.given_back(call)
            if back:
                self._becomes_step(function, back)
        if function.role == "step":
            self._step(call)
            return
        if function.is_backward and function.role in (None, "gradient") and self._is_by_hand(call):
            self._open.append(call)
            return
        self._recent = self._recent[1 - MOST_OPEN :] + [call]
        if function.role is None:
            self._open.append(call)
            if function.calls >= MOST_OPEN:
                function.role = "evaluation"
                self._forget_open(function)

    def _is_by_hand(self, call: CompiledCall) -> bool:
        """Return whether the program itself adds the gradients to the weights. If so, the earlier calls are steps."""
        function = call.function
        before = [one for one in self._open if one.function is function]
        if function.role is None and before:
            function.by_hand = calls.changed_by_hand(before[-1], call)
            function.role = "gradient" if function.by_hand else None
            function.variables = list(vars(sys.modules["__main__"]))
        if function.role == "gradient":
            function.variables = self._holders(call)
            if not function.variables:
                self._probe.once("unheld")
            for earlier, later in zip(before, [*before[1:], call]):
                self._records.step(earlier, changed=later.inputs)
            self._forget_open(function)
        return function.role == "gradient"

    def _holders(self, call: CompiledCall) -> List[str]:
        """Return the variables of the program that hold the weights of a call; [] if they do not hold all of them.

        Only these show what the program has made of the last gradient.
        """
        scope, util = vars(sys.modules["__main__"]), self._jax.tree_util
        wanted = {id(call.given.leaves[index]) for index in call.function.by_hand}
        values = [(name, scope.get(name)) for name in call.function.variables]
        some = [(name, value) for name, value in values if isinstance(value, (dict, list, tuple, self._jax.Array))]
        held = {name: wanted.intersection(map(id, util.tree_leaves(value))) for name, value in some}
        return [name for name, found in held.items() if found] if set().union(*held.values()) == wanted else []

    def _becomes_step(self, function: Function, back: Dict[int, int]) -> None:
        function.role, function.back = "step", back
        for call in self._forget_open(function):
            self._step(call)

    def _forget_open(self, function: Function) -> List[CompiledCall]:
        mine = [call for call in self._open if call.function is function]
        self._open = [call for call in self._open if call.function is not function]
        return mine

    def _step(self, call: CompiledCall) -> None:
        """Record a call as a step, with the calls that fed it."""
        feeders = self._feeders_of(call)
        for feeder, _ in feeders:
            feeder.function.role = "part" if call.function.is_applier else "feeder"
            if call.function.is_applier:
                self._forget_open(feeder.function)
        self._recent = []
        self._records.step(call, feeders)

    def _feeders_of(self, call: CompiledCall) -> List[records.Feeder]:
        """Return [(call, indices of its results)] of the calls whose results went in with the state, in their order."""
        found: Dict[int, records.Feeder] = {}  # id of a call -> (call, indices)
        for index, (source, at) in sorted(call.sources.items()):
            if index not in call.function.back and self._may_feed(source.function, call.function):
                found.setdefault(id(source), (source, set()))[1].add(at)
        feeders = list(found.values())
        if call.function.is_applier and not feeders:
            feeders = [(one, records.gradients_of(one, call)) for one in self._recent]
            feeders = [feeder for feeder in feeders if feeder[1]][-1:]
        before = [feeder for one, _ in feeders for feeder in self._feeders_of(one)]
        return [feeder for feeder in before if id(feeder[0]) not in found] + feeders

    @staticmethod
    def _may_feed(function: Function, other: Function) -> bool:
        """Return whether a call may feed a step.

        A function that was called only once may turn out to be a step itself.
        """
        return function.feeds(other) and (other.is_applier or function.role is not None or function.calls > 1)


def _reference(function: Any) -> Reference:
    try:
        return weakref.ref(function)
    except TypeError:  # a callable without weak references is kept
        return lambda: function
