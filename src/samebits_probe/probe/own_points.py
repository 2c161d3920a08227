"""Records values that the program names with `samebits_probe.observe`, and the steps that it counts.

The values are numbers, strings, bytes, and arrays that numpy can read.
"""

import struct
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Set, Tuple

    from ..fingerprint import Buffer, Dtype, Shape, Tensor
    from . import Probe

    # function(name, value, step, kind) returns whether the value is recorded later, because it is being traced
    Deferral = Callable[[str, Any, Optional[int], str], bool]
    Leaf = Tuple[str, Dtype, Shape, Buffer]  # the name, and a Tensor
    Converter = Callable[[Any], Optional[Tensor]]  # None if the value is not of its library


class OwnPoints:
    """Records the values that the program names. Each probe has one."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self.names_steps = False  # the program gives the step, so no watcher counts steps
        self.start_again()

    def start_again(self) -> None:
        """Forget the state of the parent, in a forked child."""
        self._kinds: Set[str] = set()
        self._places: Set[str] = set()

    def observe(self, name: str, value: "Any", step: "Optional[int]", kind: str) -> None:
        """Record a value. `step`: if given, it becomes the current step."""
        probe = self._probe
        probe.adopt()
        self.names_steps = self.names_steps or step is not None
        if step is not None and step > probe.step:
            self._move_to(step)
        if not self._kinds:
            probe.at_end(self._close_last_step)
        if kind not in self._kinds:
            self._kinds.add(kind)
            probe.event("observed-by", how="observe", kind=kind)
        probe.begin()
        probe.value(kind, name, value, -1 if kind == "start" and not probe.step else None)

    def observe_keyed(self, name: str, value: "Any", kind: str, key: str) -> None:
        """Record a value under a key, at the current step. This counts no step, and a long trace keeps the value."""
        probe = self._probe
        probe.adopt()
        probe.begin()
        place = "%s [%s]" % (name, key)
        if place not in self._places:
            self._places.add(place)
            probe.event("keyed", name=name, key=key, point=place)
        thread = threading.get_ident()
        probe.keeping.add(thread)
        try:
            probe.value(kind, place, value)
        finally:
            probe.keeping.discard(thread)

    def _move_to(self, step: int) -> None:
        """Move on to a step. The steps that the program skips stay empty."""
        probe = self._probe
        if probe.has_observed():
            probe.end_step()
            while probe.step < step:
                probe.step = min(step, probe.stop_after or step) - 1
                probe.end_step()
        else:
            probe.step = step

    def _close_last_step(self) -> None:
        """Close the last step that the program named, because no later step does."""
        self._probe.step += 1


# -- values -----------------------------------------------------------------------------------------------------------


def plain(value: "Any") -> "Tensor":
    """Return (dtype, shape, bytes) of a value that no converter knows."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return type(value).__name__, (), repr(value).encode("utf-8", "surrogatepass")
    if isinstance(value, float):
        return "float", (), struct.pack("<d", value)
    if hasattr(value, "__array__") and "numpy" in sys.modules:
        array = sys.modules["numpy"].asarray(value)
        if array.dtype != object:
            return str(array.dtype), array.shape, array.tobytes()
    try:
        view = memoryview(value)
        return view.format or "B", view.shape or (), view.tobytes()
    except TypeError:
        raise TypeError(
            "samebits_probe.observe cannot fingerprint a %s: pass arrays, tensors, numbers, strings, bytes, or lists "
            "and dicts of them" % type(value).__name__
        )


def leaves(name: str, value: "Any", converters: "Sequence[Converter]") -> "List[Leaf]":
    """Return [(name, dtype, shape, bytes)] of a value, or of all values in a container. `converters`: of watchers."""
    for convert in converters:
        found = convert(value)
        if found is not None:
            return [(name, *found)]
    if isinstance(value, dict):
        parts = [("%s.%s" % (name, key), value[key]) for key in value]
    elif isinstance(value, (list, tuple)):
        parts = [("%s.%d" % (name, i), item) for i, item in enumerate(value)]
    else:
        return [(name, *plain(value))]
    return [leaf for part, item in parts for leaf in leaves(part, item, converters)]
