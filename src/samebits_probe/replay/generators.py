"""States of random generators: kept before an operator, put back before each of its replays."""

import random
import sys


def generators_in(args, kwargs):
    """Generators that the program hands over."""
    return [value for value in list(args) + list(kwargs.values()) if type(value).__name__ == "Generator"]


class Generators:
    """States of random generators, kept and put back."""

    def __init__(self, torch):
        self._torch = torch

    def states(self, given, operator):
        """[(generator, state)] of those that an operator may draw from; of Python and numpy too where it is no own one
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
