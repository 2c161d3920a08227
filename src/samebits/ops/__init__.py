"""Operator replay: which operators of a training step give other bits when they are run again on the same inputs.

`replay(request, step, repeats=4, folder=...)` runs the command once and returns a `ReplayResult`; `read(folder)`
reads it.
"""

from samebits.ops.documents import DifferingPlace, Operator, ReplayResult
from samebits.ops.replay import read, replay

__all__ = ["DifferingPlace", "Operator", "ReplayResult", "read", "replay"]
