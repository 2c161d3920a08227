"""Records the states of the random generators in use."""

from .. import rng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Tuple

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
        """Report the state of each generator that the program used, in a process that has recorded nothing."""
        others = rng.untouched()
        for name, state in rng.states().items():
            if name not in others:
                probe.event("used", generator=name, state=self.fingerprint(name, state).hex())

    def fingerprint(self, name: str, state: bytes) -> bytes:
        """Return 16 bytes over the bytes of the state."""
        if self._known.get(name, (b"",))[0] != state:
            self._known[name] = (state, self._hasher.data(state, self._hasher.header("rng", (len(state),))))
        return self._known[name][1]
