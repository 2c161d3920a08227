"""Values that the program itself names with `samebits_probe.observe`, and the steps that it counts."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Set

    from .probe import Probe

    # function(name, value, step, kind): whether the value is recorded later (it is traced)
    Deferral = Callable[[str, Any, Optional[int], str], bool]

_GUESSED = {"loss": "forward", "weights": "update"}  # beside the names of kinds themselves
_KINDS = ("start", "batch", "forward", "gradient", "update", "end")


def kind_of(name: str, kind: "Optional[str]") -> str:
    """The kind of a value: the one that was given, else the one that the name's first word means."""
    first = name.replace(".", " ").replace("/", " ").split(" ")[0]
    chosen = kind or (first if first in _KINDS else _GUESSED.get(first, "update"))
    if chosen not in _KINDS:
        raise ValueError("samebits_probe.observe: unknown kind %r" % (kind,))
    return chosen


class OwnPoints:
    """Records what the program names; one for each probe."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self.names_steps = False  # the program says which step it is at: no watcher counts others
        self.start_again()

    def start_again(self) -> None:
        """Forget what belongs to the parent of a forked child."""
        self._kinds: Set[str] = set()
        self._places: Set[str] = set()

    def observe(self, name: str, value: "Any", step: "Optional[int]", kind: str) -> None:
        """Record a value; `step`, if given, moves the current step on."""
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
        """Record a value under a key, at the current step. It counts no step, and a long trace keeps it."""
        probe = self._probe
        probe.adopt()
        probe.begin()
        place = "%s [%s]" % (name, key)
        if place not in self._places:
            self._places.add(place)
            probe.event("keyed", name=name, key=key, point=place)
        with probe.all_kept():
            probe.value(kind, place, value)

    def _move_to(self, step: int) -> None:
        """Steps that the program does not name hold nothing."""
        probe = self._probe
        if probe.has_observed():
            probe.end_step()
            while probe.step < step:
                probe.step = min(step, probe.stop_after or step) - 1
                probe.end_step()
        else:
            probe.step = step

    def _close_last_step(self) -> None:
        """The last step that the program named has no later one that closes it."""
        self._probe.step += 1
