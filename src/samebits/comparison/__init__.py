"""Makes a verdict from traces: pure functions of what was recorded."""

from samebits.comparison.shown_difference import TensorPair, shown_difference
from samebits.comparison.size import measure, relative_distance, update_looks
from samebits.comparison.verdict import judge

__all__ = ["TensorPair", "judge", "measure", "relative_distance", "shown_difference", "update_looks"]
