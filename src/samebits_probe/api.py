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
def observe(
    name: str,
    value: "Any",
    step: "Optional[int]" = None,
    kind: "Optional[str]" = None,
    key: "Optional[str]" = None,
) -> None:
    """Observe a value of the program under a name; does nothing outside a trial.

    `value`: an array or tensor of any library, a number, string or bytes, or lists and dicts of them.
    `step`: the step it belongs to (from 0); a larger one than before closes the steps before it. Without it, the
    current step. `kind`: one of "batch", "forward", "gradient", "update", "start", "end"; without it, taken from the
    first word of the name (a kind, or loss, or weights), else "update". `key`: instead of a step, what the value
    belongs to: a round, a sample. The report names the first key at which trials differ. Raises TypeError for a value
    that cannot be fingerprinted, ValueError for a step and a key together.
    """
    if _probe is None:
        return
    chosen = kind_of(name, kind)
    if key is not None:
        if step is not None:
            raise ValueError("samebits_probe.observe: give a step or a key, not both")
        _probe.own.observe_keyed(name, value, chosen, str(key))
        return
    if not any(defer(name, value, step, chosen) for defer in _probe.deferrals):
        _probe.own.observe(name, value, step, chosen)
