"""Steps of plain JAX: calls of compiled functions that are given what an earlier call of the same function gave.

A function is a step once a call of it is given floating-point numbers that an earlier call of it gave. Until then its
calls are kept as fingerprints. A call that feeds a step (it gives gradients) is recorded in the step that it feeds.
Any other function is an evaluation, and is not recorded.
"""

import contextlib
import threading
import weakref

from . import arrays, records, trees

APPLY = "apply_updates"  # optax's, outside of compiled functions
MOST_OPEN = 8  # calls of a function that are kept until it is known whether it is a step
_INEXACT = ("float", "bfloat", "complex")
_LOOPS = ("scan", "while")


class Function:
    """A function of the program that is called compiled. `role`: None until it is known."""

    def __init__(self, name, code):
        self.name, self.code, self.reference = name, code, None
        self.role = None  # "step", "feeder", "part" (a feeder of optax: never a step) or "evaluation"
        self.is_applier = name == APPLY and code is None
        self.label = None  # what its points begin with, once it is a step
        self.calls = 0
        self.back = {}  # index of a leaf that goes in -> index of the one that came out before, and comes back
        self.looped = set()  # places of outputs that a loop within the function carries
        self._names = {}  # (number of leaves that go in, that come out) -> jax_trees.Names
        self.previous = None  # its latest call, while it is open
        self.last = {}  # name -> print of the state that the latest call gave

    def names_of(self, call):
        """The names of the leaves of a call, which other calls with as many leaves share."""
        counts = len(call.given.places), len(call.returned.places)
        if counts not in self._names:
            self._names[counts] = trees.LeafNames(call.given, call.returned)
        return self._names[counts]

    @contextlib.contextmanager
    def taken_for_step(self, back):
        """For now it is a step; its last state stays recorded."""
        before = dict(vars(self))
        self.back, self.last = back, dict(self.last)
        yield
        vars(self).update(before)

    def feeds(self, other):
        """Whether calls of this function may belong to a step of another."""
        return self.role in (None, "feeder", "part") and self is not other


class CompiledCall:
    """One call. `inputs`, `outputs`: prints of its leaves.

    `sources`: index of a leaf that goes in -> (the call that gave it, its index there). `own`: the indices of leaves
    that an earlier call of the same function gave.
    """

    def __init__(self, function, given):
        self.function, self.given = function, given
        self.returned, self.names, self.inputs, self.outputs = None, None, None, []
        self.sources, self.own, self.givers, self.pairs = {}, set(), set(), []

    def let_go(self):
        """Keep prints and no value of the program, and of the calls before this one only two that may feed it."""
        self.sources = {index: found for index, found in self.sources.items() if found[0].function.feeds(self.function)}
        for source, _ in self.sources.values():
            for earlier, _ in source.sources.values():
                earlier.sources = {}
        of_step = self.function.role == "step"
        self.given.let_go(of_step)
        self.returned.let_go(of_step)


class CallSteps:
    """Listens to the calls of compiled functions, and to optax where it applies updates outside of them."""

    def __init__(self, probe, jax):
        self._probe, self._jax = probe, jax
        self._prints = arrays.Prints(probe.hasher)
        self._functions = {}  # id of a function -> (reference, Function)
        self._applier = Function(APPLY, None)
        self._applier.role = "step"
        self._given = {}  # id of an array -> (weak reference, the call that gave it, index there)
        self._forget = arrays.forgetting(self._given)
        self._open = []  # calls of functions that are open, in their order
        self._recent = []  # calls since the last step that may belong to it
        self._steps_at_end = False  # a call that was the only one of its function was taken for a step
        self._records = records.Records(probe)
        self._lock = threading.RLock()

    def before(self, function, arguments, program):
        """A call that is traced or compiled: read what goes in, which may be gone after it."""
        with self._lock:
            found = self._function(function)
            if self._yields() or found.role == "evaluation":
                return None
            call = CompiledCall(found, self._tree_of(function, arguments))
            call.inputs = self._read(call.given.leaves)
            if program is not None:
                found.looped = _carried_by_loops(program.jaxpr)
            return call

    def after(self, function, arguments, outputs, call):
        """A call has returned."""
        with self._lock:
            found = self._function(function)
            if self._yields() or found.role == "evaluation":
                return
            call = call or CompiledCall(found, self._tree_of(function, arguments))
            self._returned(call, outputs)
            self._decide(call)
            call.let_go()

    def applied(self, params, updates, result):
        """optax has applied updates outside of a compiled function."""
        with self._lock:
            if self._yields():
                return
            names = {("0", "0"): "params", ("0", "1"): "updates"}
            call = CompiledCall(self._applier, trees.Tree(self._jax, ((params, updates), {}), lambda: names))
            self._returned(call, result)
            call.function.back = {n: n for n in range(len(call.returned.leaves))}
            self._step(call)
            call.let_go()

    def end(self):
        """The program has ended: what is still open, then the last states. It may go on: nothing known changes."""
        self._steps_at_end = False
        with self._lock, self._records.unchanged():
            for call in self._open if not self._yields() else ():
                back = call.function.role is None and _looks_carried(call)
                if back:
                    self._steps_at_end = True
                    with call.function.taken_for_step(back):
                        self._records.step(call, self._feeders_of(call))
            self._records.end()

    def saw_no_step(self):
        """Whether compiled functions of the program were called, and none of the calls was a step."""
        functions = [found for _, found in self._functions.values()]
        has_step = self._steps_at_end or self._applier.calls or any(found.role == "step" for found in functions)
        return bool(functions) and not has_step

    def _yields(self):
        """Whether the program names its own steps, or the watcher of another library counts them."""
        return self._probe.own.names_steps or self._probe.optimizer_seen

    def _tree_of(self, function, arguments):
        args, kwargs = arguments
        if getattr(function, "__module__", None) == "equinox._jit":
            args = args[:2]  # the third one is what is not traced: functions, numbers, the structure
        return trees.Tree(self._jax, (args, kwargs), lambda: trees.roots(function, args, kwargs))

    def _function(self, function):
        known = self._functions.get(id(function))
        if known is not None and known[0]() is function:
            return known[1]
        code = getattr(function, "__code__", None)
        found = self._compiled_anew(code) or Function(getattr(function, "__name__", type(function).__name__), code)
        found.reference = _reference(function)
        self._functions[id(function)] = found.reference, found
        return found

    def _compiled_anew(self, code):
        """The function of the same lines that is gone: a program may compile one in each step."""
        for number, (_, found) in list(self._functions.items()):
            if code is not None and found.code is code and found.reference() is None:
                del self._functions[number]
                return found
        return None

    def _returned(self, call, outputs):
        """Open what the call returned, and find where its arguments came from."""
        function = call.function
        function.calls += 1
        call.returned = trees.Tree(self._jax, outputs)
        call.names = function.names_of(call)
        for index, leaf in enumerate(call.given.leaves):
            known = self._given.get(id(leaf))
            if known is not None and known[0]() is leaf:
                call.sources[index] = known[1:]
        call.own = {index for index, (source, _) in call.sources.items() if source.function is function}
        call.givers = {source.function for source, _ in call.sources.values()}
        call.inputs = call.inputs or self._read(call.given.leaves)
        if function.role != "step":
            call.pairs = trees.pairs(call.given, call.returned)
        call.outputs = self._read(call.returned.leaves)
        for index, leaf in enumerate(call.returned.leaves):
            if isinstance(leaf, self._jax.Array):
                self._remember(leaf, call, index)

    def _remember(self, leaf, call, index):
        number = id(leaf)
        self._given[number] = weakref.KeyedRef(leaf, self._forget, number), call, index

    def _read(self, leaves):
        is_kept = self._records.keeps_bytes()
        return [self._prints.of(leaf, is_kept) for leaf in leaves]

    def _decide(self, call):
        """What the function of a call is, as far as it is known now."""
        function = call.function
        if function.role in (None, "feeder"):
            back = _given_back(call) or (function.role is None and _given_back_in_turn(call))
            if back:
                self._becomes_step(function, back)
        function.previous = call if function.role is None else None
        if function.role == "step":
            self._step(call)
            return
        self._recent = self._recent[1 - MOST_OPEN :] + [call]
        if function.role is None:
            self._open.append(call)
            if function.calls >= MOST_OPEN:
                function.role = "evaluation"
                self._forget_open(function)

    def _becomes_step(self, function, back):
        function.role, function.back = "step", back
        for call in self._forget_open(function):
            self._step(call)

    def _forget_open(self, function):
        mine = [call for call in self._open if call.function is function]
        self._open = [call for call in self._open if call.function is not function]
        return mine

    def _step(self, call):
        """Record a call as a step, with the calls that fed it."""
        feeders = self._feeders_of(call)
        for feeder, _ in feeders:
            feeder.function.role = "part" if call.function.is_applier else "feeder"
            if call.function.is_applier:
                self._forget_open(feeder.function)
        self._recent = []
        self._records.step(call, feeders)

    def _feeders_of(self, call):
        """[(call, indices of what it gave)] of the calls whose results went in beside the state, in their order."""
        found = {}  # id of a call -> (call, indices)
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
    def _may_feed(function, other):
        """Not a function that was called once: it may turn out to be a step of its own."""
        return function.feeds(other) and (other.is_applier or function.role is not None or function.calls > 1)


def _reference(function):
    try:
        return weakref.ref(function)
    except TypeError:  # a callable without weak references: it is kept
        return lambda: function


def _is_inexact(print_):
    return print_ is not None and print_.dtype.startswith(_INEXACT)


def _given_back(call):
    """{index that goes in: index that comes out} of what is given as an earlier call gave it; empty where none is."""
    found = {index: call.sources[index][1] for index in call.own}
    alike_in, alike_out = call.given.kinds(), call.returned.kinds()
    found = {one: other for one, other in found.items() if other < len(alike_out) and alike_in[one] == alike_out[other]}
    found.update(_given_back_as_copies(call))
    if not any(alike_in[index][1].startswith(_INEXACT) for index in found):
        return {}
    for pair in call.pairs:  # leaves of the same parts that the program made anew: a counter, a key
        places = pair.places()
        if any(found.get(one) == other for one, other in places):
            for one, other in places:
                found.setdefault(one, other)
    return found


def _given_back_as_copies(call):
    """The same of values that the latest call changed, and that the program gives back in arrays of its own."""
    found, before = {}, call.function.previous
    for one, other in (place for pair in call.pairs for place in pair.places()):
        if before is None or one >= len(before.inputs) or other >= len(before.outputs):
            continue
        old, new, now = before.inputs[one], before.outputs[other], call.inputs[one]
        is_known = old is not None and _is_inexact(new) and _is_inexact(now)
        if is_known and new.fingerprint == now.fingerprint != old.fingerprint:
            found[one] = other
    return found


def _given_back_in_turn(call):
    """The same where another function, which gives the state on as this one does, was called in between."""
    for pair in call.pairs:
        source, at = call.sources.get(pair.given, (None, None))
        if source is None or not pair.is_sure or source.function.role is not None or call.function not in source.givers:
            continue
        passed = any(one.is_sure and one.returned <= at < one.returned + one.count for one in source.pairs)
        if passed and any(_is_inexact(found) for found in call.outputs[pair.returned : pair.returned + pair.count]):
            return dict(pair.places())
    return {}


def _looks_carried(call):
    """The same of a function that was called once: a part of several leaves that changed, or what its loop carries."""
    found = {}
    for pair in call.pairs:
        values = call.outputs[pair.returned : pair.returned + pair.count]
        looped = any(call.returned.places[pair.returned + n] in call.function.looped for n in range(pair.count))
        changed = any(
            _is_inexact(new) and old is not None and old.fingerprint != new.fingerprint
            for old, new in zip(call.inputs[pair.given :], values)
        )
        if changed and (looped or pair.count > 1):
            found.update(pair.places())
    return found


def _carried_by_loops(jaxpr):
    """The places of outputs that a loop of the function gives out."""
    carried = set()
    for equation in jaxpr.eqns:
        if equation.primitive.name in _LOOPS:
            carried.update(id(variable) for variable in equation.outvars)
    return {place for place, variable in enumerate(jaxpr.outvars) if id(variable) in carried}
