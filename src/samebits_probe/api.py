"""What a program calls: `observe`, for programs that name their own points; and the one probe of this process."""

from . import signals
from .own_points import kind_of
from .probe import Probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .wire import Config

_probe: "Optional[Probe]" = None


def current() -> "Optional[Probe]":
    """The probe of this process, or None outside a trial."""
    return _probe


def start(config: "Config") -> "Probe":
    """Make the probe of this process."""
    global _probe
    _probe = Probe(config)
    return _probe


@signals.held
def observe(name: str, value: "Any", step: "Optional[int]" = None, kind: "Optional[str]" = None) -> None:
    """Observe a value of the program under a name; does nothing outside a trial.

    `value`: an array or tensor of any library, a number, string or bytes, or lists and dicts of them.
    `step`: the step it belongs to (from 0); a larger one than before closes the steps before it. Without it, the
    current step. `kind`: one of "batch", "forward", "gradient", "update", "start", "end"; without it, taken from the
    first word of the name (a kind, or loss, or weights), else "update". Raises TypeError for a value that cannot be
    fingerprinted.
    """
    if _probe is None:
        return
    chosen = kind_of(name, kind)
    if not any(defer(name, value, step, chosen) for defer in _probe.deferrals):
        _probe.own.observe(name, value, step, chosen)
