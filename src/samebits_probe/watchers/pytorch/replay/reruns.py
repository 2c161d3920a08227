"""Runs operators again: first the program's own call, whose result the program gets, then its replays.

It keeps the states of random generators before an operator, and restores them before each replay.
"""

import ctypes
import os
import random
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from .copies import Arguments, Bits, Copies, Keywords, Results, TorchTensor, tensors_in
from .findings import MORE, Findings, OneCore, OperatorCounts, is_on_one_core, may_race
from .operators import Overload

if TYPE_CHECKING:
    from ....probe import Probe
    from ....wire import ReplayRequest
    from .operators import Places

Operator = Callable[..., Any]  # a torch._ops.OpOverload
CallInputs = Tuple[Arguments, Keywords]
GeneratorState = Tuple[Any, Any]  # a generator of PyTorch, _Python or the module numpy.random, and its state


class Replayer:
    """Replaces calls: `run(func, args, kwargs)` returns the result of `func(*args, **kwargs)`, whatever replays do."""

    def __init__(self, torch: Any, probe: "Probe", places: "Places", want: "ReplayRequest") -> None:
        self._torch, self._probe, self._places = torch, probe, places
        self._repeats = want["repeats"]
        self._bits = Bits(torch, probe.hasher, probe.not_observed)
        self._known: Dict[Operator, Overload] = {}
        self.findings, self.memory = Findings(probe, want, self._bits.content), Memory()
        self.generators, self.core = Generators(torch), OneCore()

    def run(self, func: Operator, args: Arguments, kwargs: Keywords) -> Any:
        """Run the program's own call, and its replays. Return the result of the call."""
        guard = self._probe.guard
        prepared = guard("an operator before its replay", self._prepare, func, args, kwargs)
        result = func(*args, **kwargs)
        if prepared is not None:
            guard("the replay of an operator", self._replay, prepared, func, (args, kwargs, result))
        return result

    def _prepare(self, func: Operator, args: Arguments, kwargs: Keywords) -> "Optional[_Call]":
        """Keep what replays need from before the call; None if there are no replays."""
        known = self._known.get(func)
        if known is None:
            known = self._known[func] = Overload(func)
        self._places.note()
        phase = self._places.phase()
        call = _Call(known, self.findings.seen(known, phase))
        given = tensors_in((args, kwargs))
        if known.why_not or any(_has_no_values(tensor) for tensor in given):
            self.findings.left_out(known, known.why_not or "its inputs have no values")
            return None
        chosen = given if known.fresh else _written(known, args, kwargs)
        call.copies = Copies(self._torch, args, kwargs, chosen) if chosen else None
        if known.random or known.fresh:
            call.states = self.generators.states(generators_in(args, kwargs), known.overload)
        return call

    def _replay(self, call: "_Call", func: Operator, given: Tuple[Arguments, Keywords, Any]) -> None:
        args, kwargs, result = given
        known = call.known
        after = self.generators.again(call.states)
        if known.fresh:
            self._learn(call, args, after)
        own = self.outcome(known, result, args, kwargs)
        if not own:
            return
        call.counts.replayed += 1
        try:
            self._compare(call, func, own, (args, kwargs))
        except Exception as error:  # an error of the operator in a replay must not reach the program
            self.findings.failed(known, error)
        finally:
            self.memory.leave()
            if call.states:
                self.generators.put_back(after)

    def _learn(self, call: "_Call", args: Arguments, after: List[GeneratorState]) -> None:
        """Learn from the first call of an operator which arguments it changed, and whether it drew random numbers."""
        written = [at for at, value in enumerate(args) if self._has_changed(call, [value])]
        drew = not self.generators.are_same(call.states, after)
        call.known.learn(written, drew)

    def _has_changed(self, call: "_Call", values: Iterable[Any]) -> bool:
        copies = call.copies
        return copies is not None and any(not self._bits.same(t, copies.of(t)) for t in tensors_in(values))

    def _compare(self, call: "_Call", func: Operator, own: Results, given: CallInputs) -> None:
        differing: List[int] = []
        outcomes: List[Results] = []
        number = 0
        again = _Again(self, call, func, given)
        is_hard = may_race(call.known, tensors_in(given), list(own.values()))
        most = self._repeats * (MORE if is_hard else 1)
        while number < self._repeats or (number < most and not differing):
            found = again.once(number, on_one_core=is_hard and is_on_one_core(number, self._repeats))
            if self._differ(own, found):
                differing.append(number)
                outcomes.append(again.kept(found))
            number += 1
        call.counts.replays += number
        if differing:
            self._tell(call, again, own, (number, differing, outcomes))

    def _differ(self, own: Results, again: Results) -> bool:
        return any(not self._bits.same(value, again[name]) for name, value in own.items())

    def outcome(self, known: Overload, result: Any, args: Arguments, kwargs: Keywords) -> Results:
        """Return {name: tensor} of the outcome of a call: its results, and the arguments that it wrote to."""
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

    def _tell(self, call: "_Call", again: "_Again", own: Results, found: Tuple[int, List[int], List[Results]]) -> None:
        """Add the results that differed to the findings, without elements that nobody wrote."""
        number, differing, outcomes = found
        results: Dict[str, List[Tuple[TorchTensor, TorchTensor]]] = {}
        replays: Set[int] = set()
        for name, mine in own.items():
            others = [outcome[name] for outcome in outcomes]
            by_replay = dict(zip(differing, others))
            patterns = PATTERNS[:number]
            mask = self._bits.unwritten([by_replay.get(replay, mine) for replay in range(len(patterns))], patterns)
            if mask is not None:
                self.findings.unset(call.known, name, int(mask.sum()), mine.numel())
                others = [self._bits.without(mask, mine, other) for other in others]
            apart = [(replay, other) for replay, other in zip(differing, others) if not self._bits.same(mine, other)]
            replays.update(replay for replay, _ in apart)
            if apart:
                results[name] = [(mine, other) for _, other in apart]
        if results:
            call.counts.differed += 1
            tensors = tensors_in(again.given)
            counts = number, len(replays)
            place = self.findings.differed(call.known, self._places.here(), tensors, results, counts)
            if place is not None and place["memory"] is None:
                place["memory"] = self._depends_on_memory(again, results)

    def _depends_on_memory(self, again: "_Again", names: Iterable[str]) -> Optional[bool]:
        """Return whether the content of new memory decides: equal content gives equal bits, different content not."""
        if self.memory.why_not:
            return None
        runs = []
        for number in range(6):
            found = again.once(number % 2, on_one_core=False)
            runs.append({name: again.kept(found)[name] for name in names})
        return not (
            any(self._differ(runs[0], run) for run in runs[2::2])
            or any(self._differ(runs[1], run) for run in runs[3::2])
            or not self._differ(runs[0], runs[1])
        )


class _Again:
    """Runs one call again, any number of times."""

    def __init__(self, replayer: Replayer, call: "_Call", func: Operator, given: CallInputs) -> None:
        self.given = given
        self._replayer, self._call, self._func = replayer, call, func
        copies = call.copies
        self._args, self._kwargs = (copies.args, copies.kwargs) if copies else given
        self._is_used = False

    def once(self, number: int, on_one_core: bool) -> Results:
        """Run the call once, and return its outcome, {name: tensor}. `number`: decides the content of new memory."""
        call, replayer = self._call, self._replayer
        if self._is_used and call.copies:
            call.copies.restore()
        self._is_used = True
        if call.known.random:
            replayer.generators.put_back(call.states)
        if number < len(PATTERNS):
            replayer.memory.fill(PATTERNS[number])
        try:
            result = self._run(on_one_core)
        finally:
            replayer.memory.leave()
        return replayer.outcome(call.known, result, self._args, self._kwargs)

    def _run(self, on_one_core: bool) -> Any:
        core = self._replayer.core
        if not on_one_core or not core.is_possible():
            return self._func(*self._args, **self._kwargs)
        with core:
            return self._func(*self._args, **self._kwargs)

    def kept(self, outcome: Results) -> Results:
        """Return copies of the present results, because the next replay uses written arguments again."""
        if not self._call.copies:
            return outcome
        return {name: tensor.detach().clone() for name, tensor in outcome.items()}


class _Call:
    """One call that is replayed."""

    __slots__ = ("copies", "counts", "known", "states")

    def __init__(self, known: Overload, counts: OperatorCounts) -> None:
        self.known, self.counts = known, counts
        self.copies: Optional[Copies] = None
        self.states: List[GeneratorState] = []


def _written(known: Overload, args: Arguments, kwargs: Keywords) -> List[TorchTensor]:
    """Return the tensors among the arguments that the operator writes to."""
    return tensors_in([args[at] if at < len(args) else kwargs.get(name) for at, name in known.writes])


def _has_no_values(tensor: TorchTensor) -> bool:
    return tensor.device.type == "meta" or type(tensor).__name__ in ("FakeTensor", "FunctionalTensor")


# -- random generators ------------------------------------------------------------------------------------------------


def generators_in(args: "Arguments", kwargs: "Keywords") -> List[Any]:
    """Return the generators that the program passes to an operator."""
    return [value for value in list(args) + list(kwargs.values()) if type(value).__name__ == "Generator"]


class Generators:
    """Keeps and restores the states of random generators."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def states(self, given: Iterable[Any], operator: str) -> List[GeneratorState]:
        """Return [(generator, state)] for each generator that an operator may draw from.

        If the operator is not PyTorch's own, the generators of Python and numpy are included. `operator`: its name.
        """
        torch = self._torch
        generators = [torch.default_generator] + list(given)
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            generators += list(torch.cuda.default_generators)
        found = [(generator, generator.get_state()) for generator in generators]
        if not operator.startswith("aten::"):
            found.append((_Python, random.getstate()))
            numpy = sys.modules.get("numpy.random")
            if numpy is not None:
                found.append((numpy, numpy.get_state()))
        return found

    def again(self, states: Iterable[GeneratorState]) -> List[GeneratorState]:
        """Return the present states of the same generators."""
        return [(generator, generator.get_state()) for generator, _ in states]

    def put_back(self, states: Iterable[GeneratorState]) -> None:
        """Restore these states."""
        for generator, state in states:
            generator.set_state(state)

    def are_same(self, before: Iterable[GeneratorState], after: Iterable[GeneratorState]) -> bool:
        """Return whether the states are the same, so that nothing was drawn in between."""
        return all(_is_same(a, b) for (_, a), (_, b) in zip(before, after))


def _is_same(a: Any, b: Any) -> bool:
    return bool(a.equal(b)) if hasattr(a, "equal") else repr(a) == repr(b)


class _Python:
    """The generator of Python's `random`."""

    get_state = staticmethod(random.getstate)
    set_state = staticmethod(random.setstate)


# New memory has a different content in each replay. So the results of an operator that reads unwritten memory differ.
#
# glibc fills memory from `malloc` with the complement of M_PERTURB, which can be set while a process runs. The cache of
# a thread returns small blocks unfilled, so the launcher turns it off in these trials (GLIBC_TUNABLES).

_M_PERTURB = -6  # malloc.h
# The bytes in new memory of the first two replays. Filling takes time, so later replays run without it. The first byte
# makes a huge number as float32 and float64, the second makes zero: LAPACK's pivots, for example, only distinguish zero
# from other numbers.
PATTERNS = (0x7F, 0x00)


class Memory:
    """Fills new memory. Call `fill(pattern)` before a replay, and `leave()` after it."""

    def __init__(self) -> None:
        self.why_not = ""
        self._set: Optional[Callable[[int, int], int]] = None
        if os.environ.get("MALLOC_PERTURB_"):
            self.why_not = "the program runs with MALLOC_PERTURB_: memory has the same content in every replay"
            return
        try:
            self._set = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(("mallopt", ctypes.CDLL(None)))
        except AttributeError:
            self.why_not = "this C library cannot fill the memory that it allocates"

    def fill(self, pattern: int) -> None:
        """Fill memory that is allocated from now on with this byte."""
        if self._set is not None:
            self._set(_M_PERTURB, ~pattern & 0xFF)

    def leave(self) -> None:
        """Stop filling memory."""
        if self._set is not None:
            self._set(_M_PERTURB, 0)
