"""Parts of the probe that only few trials need: a module is imported if the launcher asks for what it does."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Protocol  # novm: only type checkers execute this

    from .inspection import Inspection
    from .probe import Probe
    from .tensor_log import Feed, TensorSelection

    class StepCloser(Protocol):
        """A part that has work to do at the end of each step."""

        def end_step(self) -> None:
            """A step is over."""


def selection_of(probe: "Probe") -> "Optional[TensorSelection]":
    """What writes the tensors that the launcher asked for, or None."""
    want = probe.config.get("tensors")
    if not want:
        return None
    from .tensor_log import TensorSelection

    return TensorSelection(probe, want)


def feed_of(probe: "Probe") -> "Optional[Feed]":
    """What sets the weights that the launcher gave, or None."""
    want = probe.config.get("feed")
    if not want:
        return None
    from .tensor_log import Feed

    return Feed(probe, want)


def inspection_of(probe: "Probe") -> "Optional[Inspection]":
    """What looks into the step that the launcher named, or None."""
    want = probe.config.get("details")
    if not want:
        return None
    from .inspection import Inspection

    return Inspection(probe, want)
