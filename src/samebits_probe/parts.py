"""Makes the parts of the probe that only few trials need. A module is imported only if the launcher asks for it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Protocol  # novm: only type checkers execute this

    from .inspection import Inspection
    from .probe import Probe
    from .tensor_log import Feed, TensorSelection

    class StepCloser(Protocol):
        """A part with work to do at the end of each step."""

        def end_step(self) -> None:
            """Handle the end of a step."""


def selection_of(probe: "Probe") -> "Optional[TensorSelection]":
    """Return the object that writes the tensors that the launcher asked for; None if it asked for none."""
    want = probe.config.get("tensors")
    if not want:
        return None
    from .tensor_log import TensorSelection

    return TensorSelection(probe, want)


def feed_of(probe: "Probe") -> "Optional[Feed]":
    """Return the object that sets the weights that the launcher gave; None if it gave none."""
    want = probe.config.get("feed")
    if not want:
        return None
    from .tensor_log import Feed

    return Feed(probe, want)


def inspection_of(probe: "Probe") -> "Optional[Inspection]":
    """Return the inspection of the step that the launcher named; None if it named none."""
    want = probe.config.get("details")
    if not want:
        return None
    from .inspection import Inspection

    return Inspection(probe, want)
