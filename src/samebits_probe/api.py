"""The API of a program: `observe`, for programs that name their own points. Holds the one probe of this process."""

from . import signals, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .probe import Probe
    from .wire import Config

_GUESSED = {"loss": "forward", "weights": "update"}  # in addition to the names of the kinds
_KINDS = tuple(kind for kind in wire.KINDS if kind not in ("rng", "structure"))
_probe: "Optional[Probe]" = None


def current() -> "Optional[Probe]":
    """Return the probe of this process; None outside of a trial."""
    return _probe


def start(config: "Config") -> "Probe":
    """Create the probe of this process."""
    from .probe import Probe  # here, because the import takes time, and only a trial needs it

    global _probe
    _probe = Probe(config)
    return _probe


@signals.held
def observe(
    name: str, value: "Any", step: "Optional[int]" = None, kind: "Optional[str]" = None, key: "Optional[str]" = None
) -> None:
    """Observe a value of the program under a name. Does nothing outside of a trial.

    `value`: an array or tensor of any library, a number, string or bytes, or lists and dicts of them. `step`: the step
    that the value belongs to, from 0 (default: the current step). A larger number than before ends all earlier steps.
    `kind`: one of "batch", "forward", "gradient", "update", "start", "end" (default: from the first word of the name,
    if that is a kind, loss or weights; else "update"). `key`: instead of a step, for example the round or the sample
    that the value belongs to. The report names the first key at which trials differ. Raises TypeError for a value that
    cannot be fingerprinted, and ValueError for a step and a key together.
    """
    if _probe is None:
        return
    chosen = _kind_of(name, kind)
    if key is not None:
        if step is not None:
            raise ValueError("samebits_probe.observe: give a step or a key, not both")
        _probe.own.observe_keyed(name, value, chosen, str(key))
        return
    if not any(defer(name, value, step, chosen) for defer in _probe.deferrals):
        _probe.own.observe(name, value, step, chosen)


def _kind_of(name: str, kind: "Optional[str]") -> str:
    """Return the kind of a value: the given one, or else the one that the first word of the name stands for."""
    first = name.replace(".", " ").replace("/", " ").split(" ")[0]
    chosen = kind or (first if first in _KINDS else _GUESSED.get(first, "update"))
    if chosen not in _KINDS:
        raise ValueError("samebits_probe.observe: unknown kind %r" % (kind,))
    return chosen
