"""Makes a verdict from traces: pure functions of what was recorded."""

from samebits.comparison.size import measure, relative_distance, update_looks
from samebits.comparison.verdict import judge

__all__ = ["judge", "measure", "relative_distance", "update_looks"]
