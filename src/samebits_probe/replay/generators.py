"""States of random generators: kept before an operator, put back before each of its replays."""

import ctypes
import os
import random
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Tuple

if TYPE_CHECKING:
    from .copies import Arguments, Keywords

GeneratorState = Tuple[Any, Any]  # a generator (of PyTorch, _Python or _Numpy), and its state


def generators_in(args: "Arguments", kwargs: "Keywords") -> List[Any]:
    """Generators that the program hands over."""
    return [value for value in list(args) + list(kwargs.values()) if type(value).__name__ == "Generator"]


class Generators:
    """States of random generators, kept and put back."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def states(self, given: Iterable[Any], operator: str) -> List[GeneratorState]:
        """[(generator, state)] of those that an operator may draw from; of Python and numpy too if it is no own one
        of PyTorch (`operator`: its name)."""
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
        """The states that the same generators have now."""
        return [(generator, generator.get_state()) for generator, _ in states]

    def put_back(self, states: Iterable[GeneratorState]) -> None:
        """Put them back."""
        for generator, state in states:
            generator.set_state(state)

    def are_same(self, before: Iterable[GeneratorState], after: Iterable[GeneratorState]) -> bool:
        """Whether nothing was drawn in between."""
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


# What newly allocated memory holds, replay by replay: an operator that reads what nobody wrote then shows it.
#
# glibc fills what `malloc` gives with the complement of M_PERTURB, which can be set while a process runs. Small
# pieces come unfilled from the cache of a thread: the launcher turns that off in these trials (GLIBC_TUNABLES).

_M_PERTURB = -6  # malloc.h
# What the first replays find there; later ones are not slowed by it. The former is a huge number as float32 and
# float64; LAPACK's pivots, say, only tell zero from any other.
PATTERNS = (0x7F, 0x00)


class Memory:
    """`fill(pattern)` before a replay, `leave()` after it."""

    def __init__(self) -> None:
        self.why_not = ""
        self._set: Optional[Callable[[int, int], int]] = None
        if os.environ.get("MALLOC_PERTURB_"):
            self.why_not = "the program runs with MALLOC_PERTURB_: memory has the same content in every replay"
            return
        try:
            self._set = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(("mallopt", ctypes.CDLL(None)))
        except AttributeError:
            self.why_not = "this C library cannot fill the memory that it gives"

    def fill(self, pattern: int) -> None:
        """Memory allocated from now on holds this byte."""
        if self._set is not None:
            self._set(_M_PERTURB, ~pattern & 0xFF)

    def leave(self) -> None:
        """Memory is given as it is again."""
        if self._set is not None:
            self._set(_M_PERTURB, 0)
