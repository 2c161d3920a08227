"""Runs operators again: the program's own call first, whose result is the one that is used, then its replays."""

import random
import sys

from .bits import Bits
from .copies import Copies, tensors_in
from .findings import Findings
from .knowledge import Known
from .memory import PATTERNS, Memory


class Replayer:
    """`run(func, args, kwargs)` stands for `func(*args, **kwargs)` and gives its result, whatever the replays do."""

    def __init__(self, torch, probe, places, want):
        self._torch, self._probe, self._places = torch, probe, places
        self._repeats = want["repeats"]
        self._bits = Bits(torch, probe.hasher, probe.not_observed)
        self._known = {}  # OpOverload -> Known
        self.findings, self.memory = Findings(probe, want, self._bits.content), Memory()
        self._generators = Generators(torch)

    def run(self, func, args, kwargs):
        """The program's own call, and its replays."""
        guard = self._probe.guard
        prepared = guard("an operator before its replay", self._prepare, func, args, kwargs)
        result = func(*args, **kwargs)
        if prepared is not None:
            guard("the replay of an operator", self._replay, prepared, func, (args, kwargs, result))
        return result

    def _prepare(self, func, args, kwargs):
        """What the replays need from before the call; None where there are none."""
        known = self._known.get(func)
        if known is None:
            known = self._known[func] = Known(func)
        self._places.note()
        call = _Call(known, self._places.phase())
        call.counts = self.findings.seen(known, call.phase)
        given = tensors_in((args, kwargs))
        if known.why_not or any(_has_no_values(tensor) for tensor in given):
            self.findings.left_out(known, known.why_not or "its inputs have no values")
            return None
        chosen = given if known.fresh else _written(known, args, kwargs)
        call.copies = Copies(self._torch, args, kwargs, chosen) if chosen else None
        if known.random or known.fresh:
            call.states = self._generators.states(_generators_in(args, kwargs), everything=known.overload)
        return call

    def _replay(self, call, func, given):
        args, kwargs, result = given
        known = call.known
        after = self._generators.again(call.states) if call.states else None
        if known.fresh:
            self._learn(call, args, kwargs, after)
        own = self._outcome(known, result, args, kwargs)
        if not own:
            return
        call.counts[2] += 1
        try:
            self._compare(call, func, own, (args, kwargs))
        except Exception as error:  # of the operator, in a replay: the program never sees it
            self.findings.failed(known, error)
        finally:
            self.memory.leave()
            if call.states:
                self._generators.put_back(after)

    def _learn(self, call, args, kwargs, after):
        """A first look at an operator: which arguments have changed, and whether a random state has."""
        written = [at for at, value in enumerate(args) if self._has_changed(call, [value])]
        drew = call.states is not None and not self._generators.are_same(call.states, after)
        call.known.learn(written, drew)

    def _has_changed(self, call, values):
        tensors = tensors_in(values)
        return any(not self._bits.same(tensor, call.copies.of(tensor)) for tensor in tensors)

    def _compare(self, call, func, own, given):
        args, kwargs = given
        copies, known = call.copies, call.known
        again_args, again_kwargs = (copies.args, copies.kwargs) if copies else (args, kwargs)
        differing, outcomes = [], []
        for number in range(self._repeats):
            if number and copies:
                copies.restore()
            if known.random:
                self._generators.put_back(call.states)
            self.memory.fill(PATTERNS[number % len(PATTERNS)])
            result = func(*again_args, **again_kwargs)
            self.memory.leave()
            again = self._outcome(known, result, again_args, again_kwargs)
            if self._differ(own, again):
                kept = number < self._repeats - 1 and copies is not None
                differing.append(number)
                outcomes.append(self._copied(again) if kept else again)
        if differing:
            self._tell(call, given, own, (differing, outcomes))

    def _differ(self, own, again):
        return any(not self._bits.same(value, again[name]) for name, value in own.items())

    def _copied(self, outcome):
        """Results as they are now: arguments that are written to are used for the next replay."""
        return {name: tensor.detach().clone() for name, tensor in outcome.items()}

    def _outcome(self, known, result, args, kwargs):
        """{name: tensor} of all that a call gives: results, and arguments that it wrote to."""
        results = result if isinstance(result, (list, tuple)) else [result]
        found = {}
        for at in known.results:
            if at < len(results):
                for number, tensor in enumerate(tensors_in([results[at]])):
                    found["result %d" % (at + number)] = tensor
        for at, name in known.writes:
            value = args[at] if at < len(args) else kwargs.get(name)
            tensors = tensors_in([value])
            for number, tensor in enumerate(tensors):
                found[name if len(tensors) == 1 else "%s[%d]" % (name, number)] = tensor
        return found

    def _tell(self, call, given, own, found):
        """Hand over what differed, without elements that nobody wrote to."""
        differing, outcomes = found
        results, replays = {}, set()
        for name, mine in own.items():
            others = [outcome[name] for outcome in outcomes]
            mask = None
            if len(differing) == self._repeats:
                mask = self._bits.unwritten(others, [PATTERNS[number % len(PATTERNS)] for number in differing])
            if mask is not None:
                self.findings.unset(call.known, name, int(mask.sum()), mine.numel())
                others = [self._bits.without(mask, mine, other) for other in others]
            apart = [(n, other) for n, other in zip(differing, others) if not self._bits.same(mine, other)]
            replays.update(number for number, _ in apart)
            if apart:
                results[name] = [(mine, other) for _, other in apart]
        if results:
            call.counts[3] += 1
            tensors = tensors_in(given)
            self.findings.differed(call.known, self._places.here(), tensors, results, len(replays))


class _Call:
    """One call of an operator that is replayed."""

    __slots__ = ("copies", "counts", "known", "phase", "states")

    def __init__(self, known, phase):
        self.known, self.phase = known, phase
        self.copies = self.counts = self.states = None


def _written(known, args, kwargs):
    """The tensors among the arguments that it writes to."""
    return tensors_in([args[at] if at < len(args) else kwargs.get(name) for at, name in known.writes])


def _has_no_values(tensor):
    return tensor.device.type == "meta" or type(tensor).__name__ in ("FakeTensor", "FunctionalTensor")


def _generators_in(args, kwargs):
    """Generators that the program hands over."""
    return [value for value in list(args) + list(kwargs.values()) if type(value).__name__ == "Generator"]


class Generators:
    """States of random generators, kept and put back."""

    def __init__(self, torch):
        self._torch = torch

    def states(self, given, everything):
        """[(generator, state)] of those that an operator may draw from; of Python and numpy too where it is no own one
        of PyTorch (`everything`: its name)."""
        torch = self._torch
        generators = [torch.default_generator] + list(given)
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            generators += list(torch.cuda.default_generators)
        found = [(generator, generator.get_state()) for generator in generators]
        if not everything.startswith("aten::"):
            found.append((_Python, random.getstate()))
            if "numpy.random" in sys.modules:
                found.append((_Numpy, _Numpy.get_state()))
        return found

    def again(self, states):
        """The states that the same generators have now."""
        return [(generator, generator.get_state()) for generator, _ in states]

    def put_back(self, states):
        """Put them back."""
        for generator, state in states:
            generator.set_state(state)

    def are_same(self, before, after):
        """Whether nothing was drawn in between."""
        return all(_is_same(a, b) for (_, a), (_, b) in zip(before, after))


def _is_same(a, b):
    if hasattr(a, "equal"):
        return bool(a.equal(b))
    return repr(a) == repr(b)


class _Python:
    """The generator of Python's `random`."""

    get_state = staticmethod(random.getstate)
    set_state = staticmethod(random.setstate)


class _Numpy:
    """numpy's global generator."""

    @staticmethod
    def get_state():
        return sys.modules["numpy.random"].get_state(legacy=False)

    @staticmethod
    def set_state(state):
        sys.modules["numpy.random"].set_state(state)
