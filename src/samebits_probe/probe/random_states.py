"""Records the states of the random generators in use."""

from .. import rng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Tuple

    from ..fingerprint import Hasher
    from . import Probe


class States:
    """Fingerprints random states, for one process. A fingerprint is kept as long as the state has the same bytes."""

    def __init__(self, hasher: "Hasher") -> None:
        self._hasher = hasher
        self._known: Dict[str, Tuple[bytes, bytes]] = {}  # name -> (bytes, fingerprint)
        self._names: List[str] = []
        self._points: List[int] = []

    def record(self, probe: "Probe", step: int) -> None:
        """Record the states of all generators in use at a step."""
        states = [(name, sample()) for name, sample in list(rng.SAMPLERS.items())]
        used = [(name, state) for name, state in states if state is not None]
        names = [name for name, _ in used]
        if names != self._names:
            probe.event("untouched", generators=rng.untouched())
            self._names, self._points = names, [probe.point("rng", name) for name in names]
        for point, (name, state) in zip(self._points, used):
            probe.add(point, self.fingerprint(name, state), step)

    def fingerprint(self, name: str, state: bytes) -> bytes:
        """Return 16 bytes over the bytes of the state."""
        known = self._known.get(name)
        if known is None or known[0] != state:
            known = self._known[name] = (state, self._hasher.data(state, self._hasher.header("rng", (len(state),))))
        return known[1]
