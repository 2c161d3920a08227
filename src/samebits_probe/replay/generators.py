"""Keeps the states of random generators before an operator, and restores them before each replay."""

import ctypes
import os
import random
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Tuple

if TYPE_CHECKING:
    from .copies import Arguments, Keywords

GeneratorState = Tuple[Any, Any]  # a generator (of PyTorch, _Python or _Numpy), and its state


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
            if "numpy.random" in sys.modules:
                found.append((_Numpy, _Numpy.get_state()))
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
    def get_state() -> Any:
        return sys.modules["numpy.random"].get_state(legacy=False)

    @staticmethod
    def set_state(state: Any) -> None:
        sys.modules["numpy.random"].set_state(state)


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
