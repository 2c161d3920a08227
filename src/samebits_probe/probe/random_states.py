"""Records the states of the random generators in use."""

import sys
import types

from .. import rng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, Tuple

    from ..fingerprint import Hasher
    from . import Probe


class States:
    """Fingerprints random states, for one process. A fingerprint is kept as long as the state has the same bytes."""

    def __init__(self, hasher: "Hasher") -> None:
        self._hasher = hasher
        self._known: Dict[str, Tuple[bytes, bytes]] = {}  # name -> (bytes, fingerprint)
        self._points: Dict[str, int] = {}

    def record(self, probe: "Probe", step: int) -> None:
        """Record the states of all generators in use at a step."""
        states = rng.states()
        if states.keys() != self._points.keys():
            probe.event("untouched", generators=rng.untouched())
            self._points = {name: probe.point("rng", name) for name in states}
        for name, state in states.items():
            probe.add(self._points[name], self.fingerprint(name, state), step)

    def tell_used(self, probe: "Probe") -> None:
        """Report the state of each generator that the program used, in a process that has recorded nothing.

        Packages draw, too, some when they are imported. So the main module must name the library of the generator.
        """
        others, named = rng.untouched(), {name.partition(".")[0] for name in _named_in_main()}
        for name, state in rng.states().items():
            if name not in others and name.replace("python", "random").partition("-")[0] in named:
                probe.event("used", generator=name, state=self.fingerprint(name, state).hex())

    def fingerprint(self, name: str, state: bytes) -> bytes:
        """Return 16 bytes over the bytes of the state."""
        if self._known.get(name, (b"",))[0] != state:
            self._known[name] = (state, self._hasher.data(state, self._hasher.header("rng", (len(state),))))
        return self._known[name][1]


def _named_in_main() -> "Iterator[str]":
    """Yield the modules that globals of the main module are, or whose classes have a method that is such a global."""
    for value in list(vars(sys.modules["__main__"]).values()):
        if isinstance(value, types.ModuleType):
            yield value.__name__
        elif isinstance(value, (types.MethodType, types.BuiltinMethodType)):  # from random import shuffle
            yield type(value.__self__).__module__
