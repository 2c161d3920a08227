"""The global norm of the weights: a scalar of kind "update" for the curve in a report.

It has no fingerprint, because it is not part of the training. Its computation takes one pass over the weights, so it is
recorded at fewer steps than fingerprints.
"""

from typing import TYPE_CHECKING, Iterable, Sequence

from .objects import Array

if TYPE_CHECKING:
    from ..probe import Probe

# the norm is recorded at every step below the first limit, then at every 10th, every 100th and every 1,000th step
_ALL, _TENTH, _RARE = 20, 200, 2000
_MANY = 1000
NORM = "norm:weights"


def is_due(step: int, weights: int = 1) -> bool:
    """Return whether the norm is recorded at this step. A model with many thousand weights has it at fewer steps."""
    every = 1 if step < _ALL else 10 if step < _TENTH else 100 if step < _RARE else 1000
    return step % (every * (1 + weights // _MANY)) == 0


def record(probe: "Probe", squares: Iterable[float], prefix: str = "") -> None:
    """Keep the norm at the current step. `squares`: of each weight, the sum of its squared values."""
    probe.scalar(probe.point("update", prefix + NORM, "float64"), sum(squares) ** 0.5)


def record_arrays(probe: "Probe", arrays: Sequence[Array]) -> None:
    """Keep the norm of numpy arrays at the current step, if it is due. Only 32 and 64 bit floats count."""
    if arrays and is_due(probe.step):
        record(probe, [float((a.astype("f8") ** 2).sum()) for a in arrays if a.dtype.char in "fd"])
